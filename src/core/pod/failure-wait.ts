import { remainingMs, restartDelayMs } from "./backoff.ts";
import type { ContainerHistory, Moment } from "./container-history.ts";
import { oomScoreRefused } from "./qos.ts";
import type { Waiting } from "./situation.ts";
import type { Part } from "./wanted.ts";

/** Milliseconds until what failed for this specification is tried again; 0 if nothing failed for it. */
export function failureWait(history: ContainerHistory | undefined, wanted: string, now: Moment): number {
  const failure = history?.failure ?? null;
  if (failure === null || failure.wanted !== wanted) return 0;
  return remainingMs(failureDelayMs(failure.reason, failure.count), failure.at, now);
}

/**
 * A registry is spared up to five minutes; what is wrong on the device itself is looked at again within 40 s, and what
 * is made in another way the next time at once.
 */
function failureDelayMs(reason: string, count: number): number {
  if (reason === oomScoreRefused) return restartDelayMs(Math.min(count - 1, 3));
  return restartDelayMs(reason === "ErrImagePull" ? count : Math.min(count, 3));
}

/** Kubelet: the first failed pull is ErrImagePull, the wait after the next ones ImagePullBackOff. */
export function failureReason(spec: Part, history: ContainerHistory): Waiting {
  const { reason, message, count } = history.failure ?? { reason: "ContainerCreating", message: "", count: 0 };
  if (reason === "ErrImagePull" && count > 1) {
    return { reason: "ImagePullBackOff", message: `Back-off pulling image "${spec.image}": ${message}` };
  }
  return { reason: reason === oomScoreRefused ? "RunContainerError" : reason, message };
}
