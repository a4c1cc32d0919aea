import type { Moment } from "./container-history.ts";

/** Kubelet `MaxContainerBackOff` and `backOffPeriod`: 10 s, doubled, at most 300 s. */
const firstDelayMs = 10_000;
const maxDelayMs = 300_000;
/** A container that ran longer than this starts afresh (flowcontrol.Backoff: twice the cap). */
const stableMs = 600_000;

/**
 * How long after its death a container waits for its next start.
 * @param level restarts in a row so far; the first restart is immediate
 * @returns milliseconds
 */
export function restartDelayMs(level: number): number {
  if (level <= 0) return 0;
  // 2^5 is past the cap already, and a level that has grown for years must not overflow.
  return Math.min(firstDelayMs * 2 ** Math.min(level - 1, 5), maxDelayMs);
}

/** The level that holds after a run of `ranMs`: lifecycle.md, Restarts and back-off. */
export function levelAfterRun(level: number, ranMs: number): number {
  return ranMs > stableMs ? 0 : level;
}

/**
 * What is left of a wait that began at `since`.
 * @returns milliseconds, never more than the delay; 0 when the device has booted since: the wait was for a process that
 * crashed, and a whole boot has passed
 */
export function remainingMs(delayMs: number, since: Moment, now: Moment): number {
  if (since.bootId !== now.bootId) return 0;
  return Math.min(delayMs, Math.max(0, since.mono + delayMs - now.mono));
}

/**
 * When a container died, on the monotonic clock, although the engine tells only wall time, which may have jumped: the
 * wall difference counts, held between nothing and what could have passed.
 * @param finishedAtWall milliseconds since the epoch, NaN when the engine gave no usable time
 * @param seenRunning when we saw it running, null if we never did
 */
export function deathMoment(finishedAtWall: number, seenRunning: Moment | null, level: number, now: Moment): Moment {
  const bound =
    seenRunning !== null && seenRunning.bootId === now.bootId
      ? Math.max(0, now.mono - seenRunning.mono)
      : restartDelayMs(level);
  const elapsed = Number.isNaN(finishedAtWall) ? 0 : Math.min(Math.max(0, now.wall - finishedAtWall), bound);
  return { wall: now.wall - elapsed, mono: now.mono - elapsed, bootId: now.bootId };
}
