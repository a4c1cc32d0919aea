import { remainingMs, restartDelayMs } from "./backoff.ts";
import type { ContainerHistory, Failure, Moment } from "./container-history.ts";
import { oomScoreRefused } from "./qos.ts";
import type { Waiting } from "./situation.ts";
import type { Part } from "./wanted.ts";

/** The last failure for this specification; null if nothing failed for it. */
export function failureOf(history: ContainerHistory | undefined, wanted: string): Failure | null {
  return [history?.failure, history?.updateFailure].find((failure) => failure?.wanted === wanted) ?? null;
}

/** Milliseconds until what failed for this specification is tried again; 0 if nothing failed for it. */
export function failureWait(history: ContainerHistory | undefined, wanted: string, now: Moment): number {
  const failure = failureOf(history, wanted);
  return failure === null ? 0 : remainingMs(failureDelayMs(failure), failure.at, now);
}

/** Milliseconds until the last failure is tried again, whatever it was for; 0 if nothing has failed. */
export function failureRemainingMs(history: ContainerHistory | undefined, now: Moment): number {
  const failure = history?.failure ?? null;
  return failure === null ? 0 : remainingMs(failureDelayMs(failure), failure.at, now);
}

/**
 * A registry is spared up to five minutes; what is wrong on the device itself is looked at again within 40 s, and what
 * is made in another way the next time at once.
 */
function failureDelayMs({ reason, count, leastWaitMs = 0 }: Failure): number {
  if (reason === oomScoreRefused) return restartDelayMs(Math.min(count - 1, 3));
  return Math.max(leastWaitMs, restartDelayMs(reason === "ErrImagePull" ? count : Math.min(count, 3)));
}

/** Whether nobody need hear of this failure yet: it is tried again without a wait, in another way. */
export function isRetriedAtOnce(failure: Failure): boolean {
  return failureDelayMs(failure) === 0;
}

/** Kubelet: the first failed pull is ErrImagePull, the wait after the next ones ImagePullBackOff. */
export function failureReason(spec: Part, { reason, message, count }: Failure): Waiting {
  if (reason === "ErrImagePull" && count > 1) {
    return { reason: "ImagePullBackOff", message: `Back-off pulling image "${spec.image}": ${message}` };
  }
  return { reason: reason === oomScoreRefused ? "RunContainerError" : reason, message };
}
