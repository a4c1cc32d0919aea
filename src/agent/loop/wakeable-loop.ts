// agent/loop: how loops wait, wake, retry and keep deadlines.

import type { Clock } from "../../ports/clock.ts";
import { woken } from "./woken.ts";

/** A loop that runs when its time has come, or when somebody wakes it. */
export interface WakeableLoop {
  /** Ends the sleep under way, or the next one when the body runs just now: no wake is lost. */
  wake(): void;
  /**
   * Runs the body until the signal aborts.
   * @param runOnce resolves with the milliseconds until it is to run again by itself
   */
  run(runOnce: (signal: AbortSignal) => number | Promise<number>, signal: AbortSignal): Promise<void>;
}

/** With nothing due a loop only waits for a wake; this bounds the sleep so that no timer overflows. */
const longestSleepMs = 3_600_000;

export function createWakeableLoop(clock: Clock): WakeableLoop {
  let sleep = new AbortController();
  const wake = (): void => sleep.abort(woken);
  return {
    wake,
    async run(runOnce, signal) {
      signal.addEventListener("abort", wake);
      try {
        while (!signal.aborted) {
          sleep = new AbortController();
          const waitMs = await runOnce(signal);
          if (!signal.aborted) await clock.sleep(Math.min(Math.max(0, waitMs), longestSleepMs), sleep.signal);
        }
      } finally {
        signal.removeEventListener("abort", wake);
      }
    },
  };
}
