/** How long a command waits for the engine before it says that it does not answer, in milliseconds. */
export const engineDeadlines = {
  /** It answers at once, or hangs. */
  infoMs: 5_000,
  /** Each container that the engine does not answer about takes two seconds of it, four at a time. */
  listMs: 30_000,
} as const;
