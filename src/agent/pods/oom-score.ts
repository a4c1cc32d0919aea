import { oomScoreAdj } from "../../core/pod/qos.ts";
import type { PodSpec } from "../../core/pod/spec.ts";
import type { Clock } from "../../ports/clock.ts";
import type { NodeDevice } from "../../ports/node-device.ts";
import type { Store } from "../../ports/store.ts";

export interface OomScoreParts {
  readonly device: Pick<NodeDevice, "memoryBytes">;
  readonly clock: Clock;
  readonly store: Pick<Store, "getMeta" | "setMeta">;
}

/** Holds the boot in which a negative score was refused: without CAP_SYS_RESOURCE no engine sets one, nor does gVisor. */
const refusedFact = "oomScoreRefused";

/** Whether a start may fail for it at all. */
export function wantsNegativeOomScore(spec: PodSpec, container: string): boolean {
  // Negative are only those that do not depend on the device.
  return oomScoreAdj(spec, container, 0) < 0;
}

/** The kubelet's score, or 0 where that is negative and the kernel has refused one since it booted. */
export function takenOomScore(parts: OomScoreParts, spec: PodSpec, container: string): number {
  const score = oomScoreAdj(spec, container, parts.device.memoryBytes());
  return isRefused(parts) ? Math.max(0, score) : score;
}

export function rememberOomScoreRefused(parts: OomScoreParts): void {
  if (!isRefused(parts)) parts.store.setMeta(refusedFact, parts.clock.bootId());
}

/** What a person is to know of it; null while negative scores are taken, as far as is known. */
export function oomScoreNotice(parts: Pick<OomScoreParts, "store" | "clock">): string | null {
  if (!isRefused(parts)) return null;
  return "The kernel does not let the engine protect containers from the OOM killer. Until the next boot, sandboxes and Guaranteed pods get OOM score 0 and may be killed earlier if memory runs out. To protect them, run the engine as root with CAP_SYS_RESOURCE, then boot the device again; otherwise nothing is to be done.";
}

function isRefused({ store, clock }: Pick<OomScoreParts, "store" | "clock">): boolean {
  return store.getMeta(refusedFact) === clock.bootId();
}
