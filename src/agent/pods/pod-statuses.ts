import type { PodHistory } from "../../core/pod/container-history.ts";
import type { ObservedContainer } from "../../core/pod/observed.ts";
import type { PodStatus } from "../../core/pod/pod-status.ts";
import type { Plan, Situation } from "../../core/pod/situation.ts";
import type { AcceptedPod } from "../../core/pod/spec.ts";
import { podStatus, sameStatus } from "../../core/pod/status.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Device } from "../../ports/device.ts";
import type { Store } from "../../ports/store.ts";

export interface StatusKeeperParts {
  readonly store: Store;
  readonly device: Device;
  readonly clock: Clock;
  /** A pod's status has changed: it may be reported. */
  readonly onStatusChanged: () => void;
}

/**
 * Computes and keeps the status of every pod of this name; nothing is written when nothing changed.
 * @param older the plan of a replaced pod that lives on, null when there is none
 */
export function keepStatuses(parts: StatusKeeperParts, situation: Situation, next: Plan, older: Plan | null): void {
  const { desired, terminating, observed } = situation;
  const of = (uid: string) => observed.filter((one) => one.pod.uid === uid);
  const again = terminating.some((one) => one.id.uid === desired?.pod.id.uid);
  if (desired !== null && !again) {
    const { pod, acceptedAt } = desired;
    const { history } = situation;
    keepStatus(parts, pod, {
      history,
      observed: of(pod.id.uid),
      waiting: next.waiting,
      probes: situation.probes,
      termination: "none",
      acceptedAtWall: acceptedAt.wall,
    });
  }
  for (const one of terminating) {
    if (one.pod === null || one.id.uid === "") continue;
    const history = parts.store.history(one.id.uid);
    const termination = one.kind === "deleted" ? "terminating" : "none";
    keepStatus(parts, one.pod, {
      history,
      observed: of(one.id.uid),
      ...(one === next.keepsRunning && older !== null
        ? { waiting: older.waiting, probes: situation.probes }
        : { waiting: {}, probes: {} }),
      termination,
      acceptedAtWall: one.acceptedAt.wall,
    });
  }
}

interface StatusInputs {
  readonly history: PodHistory;
  readonly observed: readonly ObservedContainer[];
  readonly waiting: Plan["waiting"];
  readonly probes: Situation["probes"];
  readonly termination: "none" | "terminating" | "terminated";
  readonly acceptedAtWall: number;
}

/** One pod's: `observed` holds its own containers. */
export function keepStatus(parts: StatusKeeperParts, pod: AcceptedPod, facts: StatusInputs): void {
  const previous = (parts.store.status(pod.id.uid)?.status ?? null) as PodStatus | null;
  const status = podStatus({ ...facts, pod, previous, hostIp: parts.device.hostIp(), nowWall: parts.clock.wall() });
  if (sameStatus(previous, status)) return;
  parts.store.putStatus(pod.id, status);
  parts.onStatusChanged();
}
