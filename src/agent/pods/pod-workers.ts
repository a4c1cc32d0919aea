import type { Clock } from "../../ports/clock.ts";
import { woken } from "../loop/woken.ts";

export interface PodWorkers {
  /** "Look at this pod again." While its worker is busy, it looks once more afterwards; nothing else is carried. */
  wake(key: string): void;
  /** Resolves when the loop has gone round once more, or is over. Of a loop that is stuck it is never heard. */
  nextRound(): Promise<void>;
  /** Keys that are being worked on or wait for a time. */
  readonly size: number;
  /** Runs until the signal aborts and the last worker has come back. */
  run(signal: AbortSignal): Promise<void>;
}

/** One look: gives the milliseconds after which to look again by itself, or null. */
export type Work = (key: string, signal: AbortSignal) => Promise<number | null>;

interface PodSlot {
  working: boolean;
  again: boolean;
  /** Monotonic time at which to look again: absolute, so that no other event can put it off. */
  due: number | null;
}

/** A mailbox of depth one for every pod: pods in parallel, one pod strictly in series, memory by the number of pods. */
export function createPodWorkers(clock: Clock, work: Work): PodWorkers {
  const boxes = new Map<string, PodSlot>();
  const workers = new Set<Promise<void>>();
  const bugs: unknown[] = [];
  const waiting: (() => void)[] = [];
  let isOver = false;
  let alarm = new AbortController();

  function wake(key: string): void {
    const box = boxes.get(key) ?? { working: false, again: false, due: null };
    boxes.set(key, box);
    box.again = true;
    alarm.abort(woken);
  }

  async function runWorker(key: string, box: PodSlot, signal: AbortSignal): Promise<void> {
    box.working = true;
    box.again = false;
    box.due = null;
    const requeueAfterMs = await work(key, signal);
    box.working = false;
    if (requeueAfterMs !== null) box.due = clock.mono() + requeueAfterMs;
    if (!box.again && box.due === null) boxes.delete(key);
    alarm.abort(woken);
  }

  function startDue(signal: AbortSignal): number | null {
    const now = clock.mono();
    let earliest: number | null = null;
    for (const [key, box] of boxes) {
      if (box.working) continue;
      if (box.again || (box.due !== null && box.due <= now)) {
        const worker = runWorker(key, box, signal);
        workers.add(worker);
        worker.then(
          () => workers.delete(worker),
          (bug: unknown) => {
            // Not swallowed: run throws it, and the process starts again from disk.
            bugs.push(bug);
            alarm.abort(woken);
          },
        );
      } else if (box.due !== null) {
        earliest = Math.min(earliest ?? box.due, box.due);
      }
    }
    return earliest === null ? null : earliest - now;
  }

  return {
    wake,
    nextRound() {
      if (isOver) return Promise.resolve();
      alarm.abort(woken);
      return new Promise((resolve) => waiting.push(resolve));
    },
    get size() {
      return boxes.size;
    },
    async run(signal) {
      const stop = (): void => alarm.abort(woken);
      signal.addEventListener("abort", stop);
      try {
        while (!signal.aborted) {
          alarm = new AbortController();
          const waitMs = startDue(signal);
          for (const turned of waiting.splice(0)) turned();
          await clock.sleep(Math.min(waitMs ?? idleMs, idleMs), alarm.signal);
          if (bugs.length > 0) throw bugs[0];
        }
      } finally {
        isOver = true;
        for (const turned of waiting.splice(0)) turned();
        signal.removeEventListener("abort", stop);
      }
      await Promise.all(workers);
    },
  };
}

/** With nothing due it only waits for a wake; this bounds the sleep so that no timer overflows. */
const idleMs = 3_600_000;
