import type { Clock } from "../ports/clock.ts";
import { woken } from "./loop/woken.ts";

export interface Publisher {
  /** Something that shows may have changed. */
  poke(): void;
  run(signal: AbortSignal): Promise<void>;
}

/** At most once a second (contracts.md, Where `edge status` looks); a change within it waits, and none is lost. */
const spacingMs = 1_000;
const idleMs = 3_600_000;

/** Publishes after every poke, spaced. */
export function createPublisher(clock: Clock, publish: () => void): Publisher {
  let dirty = true;
  let alarm = new AbortController();
  /** What could not be published is published later. */
  function tryPublish(): void {
    try {
      publish();
    } catch (error) {
      dirty = true;
      throw error;
    }
  }
  return {
    poke() {
      dirty = true;
      alarm.abort(woken);
    },
    async run(signal) {
      const stop = (): void => alarm.abort(woken);
      signal.addEventListener("abort", stop);
      while (!signal.aborted) {
        alarm = new AbortController();
        if (dirty) {
          dirty = false;
          tryPublish();
          await clock.sleep(spacingMs, signal);
        } else {
          await clock.sleep(idleMs, alarm.signal);
        }
      }
      signal.removeEventListener("abort", stop);
    },
  };
}
