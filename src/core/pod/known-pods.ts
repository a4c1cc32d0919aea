import type { DesiredPod, TerminatingPod } from "./desired.ts";
import type { PodId } from "./spec.ts";

/** Terminating pods that may still have containers. */
export function stillTerminating(terminating: readonly TerminatingPod[]): readonly TerminatingPod[] {
  return terminating.filter(({ isTerminated }) => !isTerminated);
}

/** Every pod that this device has a record of; a terminating one whose uid is unknown has "" there. */
export function knownPodIds(desired: readonly DesiredPod[], terminating: readonly TerminatingPod[]): readonly PodId[] {
  return [...desired.map(({ pod }) => pod.id), ...terminating.map(({ id }) => id)];
}
