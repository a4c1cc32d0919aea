import type { Moment } from "./container-history.ts";
import type { AcceptedPod, PodId } from "./spec.ts";

/** A pod that is wanted here: one per namespace and name. */
export interface DesiredPod {
  readonly pod: AcceptedPod;
  /** Raised by every restart message; containers made for a lower one are replaced. */
  readonly generation: number;
  readonly acceptedAt: Moment;
  /** What asked for it, so that a stop names its cause: `message 1f…`, `file web.yaml` or `edge apply`. */
  readonly request: string;
  /** Hash of the message content, to tell a repeat from a change under the same resourceVersion. */
  readonly contentHash: string;
}

/**
 * A pod on its way out, worked off until a list shows none of its containers (lifecycle.md, Delete).
 * deleted: the center or somebody on the device asked for it. replaced: a new uid took its name, and it stays until the new one's images are here.
 */
export interface TerminatingPod {
  /** Given by the store; 0 before that. */
  readonly seq: number;
  readonly kind: "deleted" | "replaced";
  /** uid is "" when the pod was not known: every container of ours with that name goes, but for the desired pod's. */
  readonly id: PodId;
  /** What it was, for the report; null when it was not known. */
  readonly pod: AcceptedPod | null;
  /** Containers up to this generation are its own; the same uid wanted again gets a higher one. */
  readonly generation: number;
  readonly graceSeconds: number;
  readonly since: Moment;
  readonly acceptedAt: Moment;
  /** metadata.deletionTimestamp in the report, RFC 3339. */
  readonly deletionTimestamp: string;
  /** What asked for its end, as in a desired pod. */
  readonly request: string;
  /** All its containers are gone; it stays only until a report with its final status has been released. */
  readonly isTerminated: boolean;
}
