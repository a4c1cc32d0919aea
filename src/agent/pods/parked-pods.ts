import { shorten } from "../../core/base/shorten.ts";
import { isDiskFull } from "../../core/base/store-failure.ts";
import { restartDelayMs } from "../../core/pod/backoff.ts";
import { parkedStatus } from "../../core/pod/parked-status.ts";
import type { PodStatus } from "../../core/pod/pod-status.ts";
import type { Store } from "../../ports/store.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { type FailureParts, messageOf, recordFailure } from "../loop/supervise.ts";

export interface ParkedPodsParts extends FailureParts {
  readonly store: Store;
  readonly events: EventRecorder;
  /** A pod's status has changed. */
  readonly onStatusChanged: () => void;
}

/**
 * Parks a pod whose worker threw: an event, the log with the stack, and the reason in its status. Its containers stay as
 * they are.
 * @param failures how often in a row its worker threw, this time included
 * @returns milliseconds until its worker tries again
 */
export function parkPod(
  parts: ParkedPodsParts,
  pod: { readonly namespace: string; readonly name: string },
  error: unknown,
  failures: number,
): number {
  // A full disk may have room again at any time.
  const waitMs = restartDelayMs(isDiskFull(error) ? 1 : failures);
  const key = `${pod.namespace}/${pod.name}`;
  try {
    recordFailure(parts, { what: `Work on pod ${key}`, pod: key, error });
    const message = `The agent failed on this pod: ${messageOf(error)}. It tries again in ${waitMs / 1000} s.`;
    putReason(parts, pod, "InternalError", shorten(message, 1024));
  } catch (again) {
    parts.log.write("error", "Parked pod not recorded", { pod: key, error: messageOf(again) });
  }
  return waitMs;
}

/** Writes a reason into the last status of the pod of this name, and reports it. */
export function putReason(
  { store, clock, onStatusChanged }: Pick<ParkedPodsParts, "store" | "clock" | "onStatusChanged">,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  reason: string,
  message: string,
): void {
  const desired = store.desiredPods.get(namespace, name);
  if (desired === null) return;
  const { pod } = desired;
  const before = (store.statuses.get(pod.id.uid)?.status ?? null) as PodStatus | null;
  store.statuses.put(pod.id, parkedStatus({ pod, before, reason, message, nowWall: clock.wall() }));
  onStatusChanged();
}
