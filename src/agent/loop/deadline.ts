import type { Clock } from "../../ports/clock.ts";
import { woken } from "./woken.ts";

/**
 * Runs a call that must not last longer than `ms`, on the clock's time. The call gets a signal that aborts with a
 * TimeoutError then, or with the outer signal's reason before, and is expected to resolve soon after.
 */
export function withDeadline<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return withStallDeadline(clock, ms, signal, call);
}

/**
 * Runs a call that may take as long as it likes while it gets on: its signal aborts with a TimeoutError once `ms` have
 * passed without a word from `progressed`.
 */
export async function withStallDeadline<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  call: (signal: AbortSignal, progressed: () => void) => Promise<T>,
): Promise<T> {
  const stalled = new AbortController();
  const done = new AbortController();
  let last = clock.mono();
  const watch = async (): Promise<void> => {
    while (!done.signal.aborted) {
      const left = last + ms - clock.mono();
      if (left <= 0) {
        stalled.abort(new DOMException(`Nothing came within ${ms / 1000} s`, "TimeoutError"));
        return;
      }
      await clock.sleep(left, done.signal);
    }
  };
  // AbortSignal.any keeps a reference from a long-lived signal to every short one; a listener taken off again does not.
  const outer = (): void => stalled.abort(signal.reason);
  if (signal.aborted) outer();
  signal.addEventListener("abort", outer, { once: true });
  const watcher = watch();
  try {
    return await call(stalled.signal, () => {
      last = clock.mono();
    });
  } finally {
    done.abort(woken);
    signal.removeEventListener("abort", outer);
    await watcher;
  }
}
