import type { Clock } from "../ports/clock.ts";

/**
 * Runs a call that must not last longer than `ms`, on the clock's time. The call gets a signal that aborts with a
 * TimeoutError then, or with the outer signal's reason before, and is expected to resolve soon after.
 */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const done = new AbortController();
  const expire = async (): Promise<void> => {
    await clock.sleep(ms, done.signal);
    if (!done.signal.aborted) deadline.abort(new DOMException(`No answer within ${ms / 1000} s`, "TimeoutError"));
  };
  const outer = (): void => deadline.abort(signal.reason);
  if (signal.aborted) outer();
  // AbortSignal.any keeps a reference from a long-lived signal to every short one; a listener taken off again does not.
  signal.addEventListener("abort", outer, { once: true });
  const timer = expire();
  try {
    return await call(deadline.signal);
  } finally {
    done.abort();
    signal.removeEventListener("abort", outer);
    await timer;
  }
}
