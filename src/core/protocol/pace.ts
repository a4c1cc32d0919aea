/** How many bytes may be under way to the center before one of them is confirmed. */
export interface Pace {
  readonly windowBytes: number;
  /** The shortest time a confirmation took: what the way there and back takes by itself. Infinity before the first. */
  readonly leastMs: number;
}

export interface Confirmed {
  readonly tookMs: number;
  /** Bytes that were under way when it was sent, its own included. */
  readonly underWayBytes: number;
}

const leastWindowBytes = 4_096;
const mostWindowBytes = 1_048_576;
/** Between these two it is left as it is; a fresh status then waits well below a second. */
const shortWaitMs = 250;
const longWaitMs = 500;

/** 8 KiB are a second on a line of 64 kbit/s. */
export const firstPace: Pace = { windowBytes: 8_192, leastMs: Number.POSITIVE_INFINITY };

/**
 * The pace after a confirmation, by what it waited behind others (as LEDBAT does, RFC 6817): a line that holds nothing
 * up takes twice as much, one that holds up for more than half a second takes half. What was far below the window says
 * nothing about it.
 */
export function paced({ windowBytes, leastMs }: Pace, { tookMs, underWayBytes }: Confirmed): Pace {
  const least = Math.min(leastMs, tookMs);
  const waitedMs = tookMs - least;
  if (waitedMs > longWaitMs) return { windowBytes: Math.max(leastWindowBytes, windowBytes / 2), leastMs: least };
  const isMeasured = underWayBytes * 2 >= windowBytes && waitedMs < shortWaitMs;
  return { windowBytes: isMeasured ? Math.min(mostWindowBytes, windowBytes * 2) : windowBytes, leastMs: least };
}
