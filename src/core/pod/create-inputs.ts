import type { ContainerHistory } from "./container-history.ts";
import type { DesiredPod } from "./desired.ts";
import { chooseNpus, type NpuChoice, npuCount } from "./npu.ts";
import type { Situation } from "./situation.ts";
import type { Part } from "./wanted.ts";

/** Chosen last, when all else that the container needs is here. */
export function npusFor({ npus }: Situation, { pod }: DesiredPod, { name }: Part): NpuChoice {
  const spec = pod.spec.containers.find((spec) => spec.name === name);
  return chooseNpus(spec === undefined ? 0 : npuCount(spec), { pod: pod.id, container: name }, npus);
}

/** Why a container is made, for its event. */
export function whyCreate(changed: string | null, history: ContainerHistory | undefined): string {
  if (history === undefined) return "the pod is new";
  if (history.termination === null) return "it was never created";
  if (changed !== null) return changed;
  const { exitCode, interrupted } = history.termination;
  return interrupted ? "the engine or the device stopped it" : `it ended with code ${exitCode}`;
}
