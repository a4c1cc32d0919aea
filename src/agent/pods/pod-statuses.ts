import type { PodHistory } from "../../core/pod/container-history.ts";
import type { ObservedContainer } from "../../core/pod/observed.ts";
import type { PodStatus } from "../../core/pod/pod-status.ts";
import type { Plan, Situation } from "../../core/pod/situation.ts";
import type { AcceptedPod } from "../../core/pod/spec.ts";
import { podStatus, sameStatus } from "../../core/pod/status.ts";
import type { Clock } from "../../ports/clock.ts";
import type { NodeDevice } from "../../ports/node-device.ts";
import type { Store } from "../../ports/store.ts";

export interface StatusKeeperParts {
  readonly store: Store;
  readonly device: NodeDevice;
  readonly clock: Clock;
  /** A pod's status has changed: it may be reported. */
  readonly onStatusChanged: () => void;
}

/** One pod of the name, and what is to be done for it. */
export interface PodPlan {
  readonly situation: Situation;
  readonly plan: Plan;
}

export interface PodPlans {
  /** Of a replaced pod that keeps running; null when there is none. */
  readonly older: PodPlan | null;
  /** Of the version before an update that waits for its images; null when there is none. */
  readonly version: PodPlan | null;
  /** Of the pod that is wanted. */
  readonly wanted: PodPlan;
}

/** Computes and saves the status of every pod of this name; nothing is written when nothing changed. */
export function saveStatuses(parts: StatusKeeperParts, { older, version, wanted }: PodPlans): void {
  const { desired, terminating, observed, history, probes } = wanted.situation;
  const containersOf = (uid: string) => observed.filter(({ pod }) => pod.uid === uid);
  const wantedAgain = terminating.some(({ id }) => id.uid === desired?.pod.id.uid);
  if (desired !== null && !wantedAgain) {
    const current = version ?? wanted;
    saveStatus(parts, (current.situation.desired ?? desired).pod, {
      history,
      observed: containersOf(desired.pod.id.uid),
      waiting: current.plan.waiting,
      ...(wanted.plan.update === undefined ? {} : { update: wanted.plan.update }),
      probes,
      termination: "none",
      acceptedAtWall: desired.acceptedAt.wall,
    });
  }
  for (const terminatingPod of terminating) {
    const { pod, id, kind, acceptedAt } = terminatingPod;
    if (pod === null || id.uid === "") continue;
    const keepsRunning = older !== null && terminatingPod === wanted.plan.keepsRunning;
    const isProbed = keepsRunning || (kind === "deleted" && terminatingPod === terminating[0]);
    saveStatus(parts, pod, {
      history: parts.store.histories.get(id.uid),
      observed: containersOf(id.uid),
      waiting: keepsRunning ? older.plan.waiting : {},
      probes: isProbed ? probes : {},
      termination: kind === "deleted" ? "terminating" : "none",
      acceptedAtWall: acceptedAt.wall,
    });
  }
}

interface StatusInputs {
  readonly history: PodHistory;
  readonly observed: readonly ObservedContainer[];
  readonly waiting: Plan["waiting"];
  readonly update?: Plan["update"];
  readonly probes: Situation["probes"];
  readonly termination: "none" | "terminating" | "terminated";
  readonly acceptedAtWall: number;
}

/** One pod's: `observed` holds its own containers. */
export function saveStatus(parts: StatusKeeperParts, pod: AcceptedPod, facts: StatusInputs): void {
  const previous = (parts.store.statuses.get(pod.id.uid)?.status ?? null) as PodStatus | null;
  const status = podStatus({ ...facts, pod, previous, hostIp: parts.device.hostIp(), nowWall: parts.clock.wall() });
  if (sameStatus(previous, status)) return;
  parts.store.statuses.put(pod.id, status);
  parts.onStatusChanged();
}
