import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../src/ports/clock.ts";

/** Time that passes only when a test says so. */
export interface VirtualClock extends Clock {
  /** Lets `ms` milliseconds pass: every sleeper wakes at its time, in order, and what it sets going is let finish. */
  pass(ms: number): Promise<void>;
  /** Lets time pass until `done` holds; false when it does not within `ms`. */
  passUntil(done: () => boolean, ms: number): Promise<boolean>;
  /** The wall clock jumps by this much; nothing else does. */
  jump(ms: number): void;
  /** Another boot, `upMs` ago: a new name, and `mono` counts from it. Sleepers are those of a dead world. */
  reboot(upMs?: number): void;
  sleepers(): number;
}

interface Sleeper {
  readonly due: number;
  readonly order: number;
  readonly wake: () => void;
}

/** Resolves when all promises that follow from a wake have run: Node calls what waits for the next tick after them. */
function drained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

const firstWall = 1_700_000_000_000;
const firstMono = 100_000;

/** @param upMs how long ago the device has booted */
export function virtualClock(upMs = firstMono): VirtualClock {
  const sleepers = new Set<Sleeper>();
  let mono = upMs;
  let wallOffset = firstWall - upMs;
  let boots = 1;
  let order = 0;

  function next(): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const one of sleepers) {
      if (first === undefined || one.due < first.due || (one.due === first.due && one.order < first.order)) first = one;
    }
    return first;
  }

  async function passUntil(done: () => boolean, ms: number): Promise<boolean> {
    const end = mono + ms;
    // Whatever of the real loop waits has its turn once, like the collector's.
    await setImmediate();
    while (!done()) {
      const first = next();
      if (first === undefined || first.due > end) {
        mono = Math.max(mono, end);
        return done();
      }
      mono = Math.max(mono, first.due);
      sleepers.delete(first);
      first.wake();
      await drained();
    }
    return true;
  }

  return {
    wall: () => mono + wallOffset,
    mono: () => mono,
    bootId: () => `boot-${boots}`,
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        order += 1;
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        const sleeper: Sleeper = { due: mono + Math.max(0, ms), order, wake };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", wake, { once: true });
      });
    },
    async pass(ms) {
      const end = mono + ms;
      await passUntil(() => false, ms);
      mono = Math.max(mono, end);
    },
    passUntil,
    jump(ms) {
      wallOffset += ms;
    },
    reboot(upMs = 1_000) {
      boots += 1;
      wallOffset += mono - upMs;
      mono = upMs;
      sleepers.clear();
    },
    sleepers: () => sleepers.size,
  };
}
