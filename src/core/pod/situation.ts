import type { Action, Pull } from "./action.ts";
import type { Moment, PodHistory } from "./container-history.ts";
import type { DesiredPod, TerminatingPod } from "./desired.ts";
import type { NpuInventory } from "./npu.ts";
import type { ObservedContainer } from "./observed.ts";
import type { ProbeVerdicts } from "./probe.ts";

/** Everything that is known about the pods of one name, at one moment. */
export interface Situation {
  readonly desired: DesiredPod | null;
  /** The version of the desired pod that its containers were made from, while an update has begun nothing; else null. */
  readonly before: DesiredPod | null;
  /** Those that are not gone yet, oldest first. */
  readonly terminating: readonly TerminatingPod[];
  /** Containers of ours with that namespace and name, of any uid. */
  readonly observed: readonly ObservedContainer[];
  /** Of the desired pod's uid. */
  readonly history: PodHistory;
  /** What was found out about images in this pass, by container: the image id, or null if it is not on the device or still pulled. */
  readonly images: Readonly<Record<string, string | null>>;
  readonly probes: ProbeVerdicts;
  /** Why no new pod is to begin on this device now; null when one may. */
  readonly startsHeld: Waiting | null;
  readonly npus: NpuInventory;
  readonly now: Moment;
}

/** Why a container does not run, in Kubernetes' words. */
export interface Waiting {
  readonly reason: string;
  readonly message?: string;
}

export interface Plan {
  /** To be done in this order; after the first, look again. */
  readonly actions: readonly Action[];
  /** Images that are needed now; one that runs and is not among them is needed no more. */
  readonly pulls: readonly Pull[];
  /** By container of the desired pod; absent for one that runs or has ended for good. */
  readonly waiting: Readonly<Record<string, Waiting>>;
  /** A replaced pod whose successor's images are not all here: it goes on as if it were wanted, see `stillWanted`. */
  readonly keepsRunning?: TerminatingPod;
  /** The version before an update whose images are not all here: it goes on as if it were wanted. */
  readonly keepsVersion?: DesiredPod;
  /** What an update waits for while the version before it goes on, by container; absent when none waits. */
  readonly update?: Readonly<Record<string, Waiting>>;
  /** Milliseconds after which time alone changes the answer; null when it does not. */
  readonly requeueAfterMs: number | null;
}
