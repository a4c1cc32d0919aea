import type { Clock } from "../ports/clock.ts";
import { createWakeableLoop } from "./loop/wakeable-loop.ts";

export interface StatusPublisher {
  /** Something that `edge status` shows may have changed. */
  poke(): void;
  /** Publishes at the start and after every poke, spaced, until the signal aborts. */
  run(publish: () => void, signal: AbortSignal): Promise<void>;
}

/** At most once a second (contracts.md, Where `edge status` looks); a change within it waits, and none is lost. */
const spacingMs = 1_000;
const idleMs = 3_600_000;

export function createStatusPublisher(clock: Clock): StatusPublisher {
  const loop = createWakeableLoop(clock);
  return {
    poke: loop.wake,
    run: (publish, signal) =>
      loop.run(async () => {
        publish();
        await clock.sleep(spacingMs, signal);
        return idleMs;
      }, signal),
  };
}
