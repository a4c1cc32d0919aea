import type { ContainerHistory, PodHistory } from "./container-history.ts";
import type { DesiredPod } from "./desired.ts";
import type { AcceptedPod } from "./spec.ts";
import { hashesOf, partOf } from "./wanted.ts";

/** Whether a container of this version of a pod was ever made: its containers, those that are still to be made aside. */
export function hasBegun(version: DesiredPod, history: PodHistory): boolean {
  return madeHistories(version, history).some(([name, made]) => isMadeFrom(version, name, made));
}

/**
 * The version of the pod that its containers were made from, as if it were wanted, while the update after it has made none;
 * null if there is no such version. A restart message restarts the version that runs, so the generation is the new one.
 * @param previous the pod before its last change
 */
export function versionBefore(
  desired: DesiredPod,
  previous: AcceptedPod | null,
  history: PodHistory,
): DesiredPod | null {
  if (previous === null || previous.id.uid !== desired.pod.id.uid) return null;
  const before: DesiredPod = { ...desired, pod: previous };
  const made = madeHistories(before, history);
  const isWhole = made.every(([name, container]) => isMadeFrom(before, name, container));
  const differs = made.some(([name, container]) => !isMadeFrom(desired, name, container));
  const hasNewOne = madeHistories(desired, history).some(
    ([name, container]) => isMadeFrom(desired, name, container) && !isMadeFrom(before, name, container),
  );
  return isWhole && differs && !hasNewOne ? before : null;
}

type NamedHistory = readonly [name: string, history: ContainerHistory];

function madeHistories(version: DesiredPod, history: PodHistory): readonly NamedHistory[] {
  return Object.entries(history).filter(([name, { current, termination, lastTermination }]) => {
    const wasMade = current !== null || termination !== null || lastTermination !== null;
    return wasMade && partOf(version, name) !== undefined;
  });
}

function isMadeFrom(version: DesiredPod, name: string, { podHash, specHash }: ContainerHistory): boolean {
  const wanted = hashesOf(version, { name });
  return podHash === wanted.podHash && specHash === wanted.specHash;
}
