import type { Clock } from "../../ports/clock.ts";
import { endsProcess } from "../loop/supervise.ts";
import { woken } from "../loop/woken.ts";

export interface Mailbox {
  /**
   * "Look at this pod again." While its worker is busy, it looks once more afterwards; nothing else is carried. A pod that
   * is parked waits for its time.
   */
  wake(key: string): void;
  /** A message has changed what is wanted of this pod: it is parked no longer, and looked at now. */
  wakeAfresh(key: string): void;
  /** Keys that are being worked on at this moment. */
  busy(): readonly string[];
  /** Resolves when the loop has gone round once more, or is over. Of a loop that is stuck it is never heard. */
  turn(): Promise<void>;
  /** Keys that are being worked on or wait for a time. */
  readonly size: number;
  /** Runs until the signal aborts and the last worker has come back. */
  run(signal: AbortSignal): Promise<void>;
}

/** One look: gives the milliseconds after which to look again by itself, or null. */
export type Work = (key: string, signal: AbortSignal) => Promise<number | null>;

/** A worker threw for the n-th time in a row: gives the milliseconds for which its pod is parked. */
export type Failed = (key: string, error: unknown, failures: number) => number;

interface Box {
  working: boolean;
  again: boolean;
  /** Monotonic time at which to look again: absolute, so that no other event can put it off. */
  due: number | null;
  /** How often in a row its worker threw, and the monotonic time until which it is parked for that. */
  failures: number;
  parkedUntil: number;
}

/**
 * A mailbox of depth one for every pod: pods in parallel, one pod strictly in series, memory by the number of pods. A
 * worker that throws parks its pod, and the others go on; only an error that ends the process rejects `run`.
 */
export function createMailbox(clock: Clock, work: Work, failed: Failed): Mailbox {
  const boxes = new Map<string, Box>();
  const workers = new Set<Promise<void>>();
  const bugs: unknown[] = [];
  const waiting: (() => void)[] = [];
  let isOver = false;
  let alarm = new AbortController();

  function wake(key: string): void {
    boxOf(key).again = true;
    alarm.abort(woken);
  }

  function boxOf(key: string): Box {
    const box = boxes.get(key) ?? { working: false, again: false, due: null, failures: 0, parkedUntil: 0 };
    boxes.set(key, box);
    return box;
  }

  /** Works once; a throw parks the pod. */
  async function tried(key: string, box: Box, signal: AbortSignal): Promise<number | null> {
    try {
      const lookAgainInMs = await work(key, signal);
      box.failures = 0;
      return lookAgainInMs;
    } catch (error) {
      if (endsProcess(error)) throw error;
      box.failures += 1;
      const waitMs = failed(key, error, box.failures);
      box.parkedUntil = clock.mono() + waitMs;
      return waitMs;
    }
  }

  async function labour(key: string, box: Box, signal: AbortSignal): Promise<void> {
    box.working = true;
    box.again = false;
    box.due = null;
    const lookAgainInMs = await tried(key, box, signal);
    box.working = false;
    if (lookAgainInMs !== null) box.due = clock.mono() + lookAgainInMs;
    if (!box.again && box.due === null) boxes.delete(key);
    alarm.abort(woken);
  }

  function startDue(signal: AbortSignal): number | null {
    const now = clock.mono();
    let earliest: number | null = null;
    for (const [key, box] of boxes) {
      if (box.working) continue;
      if (box.parkedUntil > now) {
        earliest = Math.min(earliest ?? box.parkedUntil, box.parkedUntil);
      } else if (box.again || (box.due !== null && box.due <= now)) {
        const worker = labour(key, box, signal);
        workers.add(worker);
        worker.then(
          () => workers.delete(worker),
          (bug: unknown) => {
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
    wakeAfresh(key) {
      const box = boxOf(key);
      box.failures = 0;
      box.parkedUntil = 0;
      wake(key);
    },
    busy: () => [...boxes].filter(([, { working }]) => working).map(([key]) => key),
    turn() {
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
