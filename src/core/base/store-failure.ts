/**
 * Why a call of the store threw. `full`: there is no room, and the agent goes on without what it could not write.
 * `broken`: the disk fails, only what was committed can be trusted, and the process ends.
 */
export type StoreFailure = "full" | "broken";

/** What a store throws when its disk does not take a write; `cause` is the adapter's own error. */
export function storeError(failure: StoreFailure, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { storeFailure: failure });
}

/** Which failure of the store an error tells of, null if it is another error. */
export function storeFailureOf(error: unknown): StoreFailure | null {
  if (!(error instanceof Error) || !("storeFailure" in error)) return null;
  return error.storeFailure === "full" || error.storeFailure === "broken" ? error.storeFailure : null;
}

/** Whether an error says that a disk has no room: of the store, or of a file of the device (ENOSPC, EDQUOT). */
export function isDiskFull(error: unknown): boolean {
  if (storeFailureOf(error) === "full") return true;
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}
