import type { Clock } from "../../ports/clock.ts";
import { endsProcess } from "../loop/supervise.ts";
import { createWakeableLoop } from "../loop/wakeable-loop.ts";

export interface PodWorkers {
  /**
   * Asks for another pass over this pod. While its worker is busy, one more pass follows; nothing else is carried. A pod
   * that is parked waits for its time.
   * @param after the pass has to go by a later list than this (`ContainerLister.begun`); without it by one that begins after
   * this call
   */
  wake(key: string, after?: number): void;
  wakeAll(keys: ReadonlySet<string>, after?: number): void;
  /** A message has changed what is wanted of this pod: it is parked no longer, and its worker runs now. */
  wakeAfresh(key: string): void;
  /** Keys that are being worked on at this moment. */
  busy(): readonly string[];
  /** Resolves when the loop has gone round once more, or is over. It never resolves while the loop is stuck. */
  nextRound(): Promise<void>;
  /** Keys that are being worked on or wait for a time. */
  readonly size: number;
  /** Runs until the signal aborts and the last worker has come back. */
  run(work: PodWork, signal: AbortSignal): Promise<void>;
}

export interface PodWork {
  /**
   * One pass over a pod: resolves with the milliseconds after which the next one is due by itself, or null. `after` gives
   * the list of the engine that is too old for it: a wake in its midst raises it.
   */
  reconcile(key: string, signal: AbortSignal, after: () => number): Promise<number | null>;
  /** A pass threw for the n-th time in a row: gives the milliseconds for which its pod is parked. */
  onFailed(key: string, error: unknown, failures: number): number;
}

interface PodSlot {
  working: boolean;
  again: boolean;
  /** Lists of the engine up to this one are older than what the pod was last woken for. */
  after: number;
  /** Monotonic time of the next pass: absolute, so that no other event can put it off. */
  due: number | null;
  /** How often in a row its worker threw, and the monotonic time until which it is parked for that. */
  failures: number;
  parkedUntil: number;
}

function newSlot(): PodSlot {
  return { working: false, again: false, after: 0, due: null, failures: 0, parkedUntil: 0 };
}

/** With nothing due the loop only waits for a wake. */
const idleMs = 3_600_000;

/**
 * A mailbox of depth one for every pod: pods in parallel, one pod strictly in series, memory by the number of pods. A
 * worker that throws parks its pod, and the others go on; only an error that ends the process rejects `run`.
 * @param begunLists how many lists of the engine have begun
 */
export function createPodWorkers(clock: Clock, begunLists: () => number = () => 0): PodWorkers {
  const slots = new Map<string, PodSlot>();
  const workers = new Set<Promise<void>>();
  const fatal: unknown[] = [];
  const waitingForRound: (() => void)[] = [];
  const loop = createWakeableLoop(clock);
  let isOver = false;

  function wake(key: string, after = begunLists()): void {
    const slot = slotOf(key);
    slot.again = true;
    slot.after = Math.max(slot.after, after);
    loop.wake();
  }

  function slotOf(key: string): PodSlot {
    const slot = slots.get(key) ?? newSlot();
    slots.set(key, slot);
    return slot;
  }

  /** One pass; a throw parks the pod. */
  async function passOnce(key: string, slot: PodSlot, work: PodWork, signal: AbortSignal): Promise<number | null> {
    try {
      const requeueAfterMs = await work.reconcile(key, signal, () => slot.after);
      slot.failures = 0;
      return requeueAfterMs;
    } catch (error) {
      if (endsProcess(error)) throw error;
      slot.failures += 1;
      const waitMs = work.onFailed(key, error, slot.failures);
      slot.parkedUntil = clock.mono() + waitMs;
      return waitMs;
    }
  }

  async function runWorker(key: string, slot: PodSlot, work: PodWork, signal: AbortSignal): Promise<void> {
    slot.working = true;
    // Time has come to look: nobody says since when.
    if (!slot.again) slot.after = begunLists();
    slot.again = false;
    slot.due = null;
    const requeueAfterMs = await passOnce(key, slot, work, signal);
    slot.working = false;
    if (requeueAfterMs !== null) slot.due = clock.mono() + requeueAfterMs;
    if (!slot.again && slot.due === null) slots.delete(key);
    loop.wake();
  }

  function startWorker(key: string, slot: PodSlot, work: PodWork, signal: AbortSignal): void {
    const worker = runWorker(key, slot, work, signal);
    workers.add(worker);
    worker.then(
      () => workers.delete(worker),
      (error: unknown) => {
        fatal.push(error);
        loop.wake();
      },
    );
  }

  /** Starts what is due; gives the milliseconds until something else is. */
  function startDue(work: PodWork, signal: AbortSignal): number {
    const now = clock.mono();
    let earliest = now + idleMs;
    for (const [key, slot] of slots) {
      if (slot.working) continue;
      if (slot.parkedUntil > now) earliest = Math.min(earliest, slot.parkedUntil);
      else if (slot.again || (slot.due !== null && slot.due <= now)) startWorker(key, slot, work, signal);
      else if (slot.due !== null) earliest = Math.min(earliest, slot.due);
    }
    return earliest - now;
  }

  const endRound = (): void => waitingForRound.splice(0).forEach((resolve) => void resolve());

  return {
    wake,
    wakeAll: (keys, after) => keys.forEach((key) => void wake(key, after)),
    wakeAfresh(key) {
      const slot = slotOf(key);
      slot.failures = 0;
      slot.parkedUntil = 0;
      wake(key);
    },
    busy: () => [...slots].filter(([, { working }]) => working).map(([key]) => key),
    nextRound() {
      if (isOver) return Promise.resolve();
      loop.wake();
      return new Promise((resolve) => waitingForRound.push(resolve));
    },
    get size() {
      return slots.size;
    },
    async run(work, signal) {
      isOver = false;
      try {
        await loop.run(() => {
          if (fatal.length > 0) throw fatal[0];
          const waitMs = startDue(work, signal);
          endRound();
          return waitMs;
        }, signal);
      } finally {
        isOver = true;
        endRound();
      }
      await Promise.all(workers);
    },
  };
}
