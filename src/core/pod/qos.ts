import { sandboxName } from "./identity.ts";
import { bytes, milliCpu } from "./quantity.ts";
import type { PodSpec } from "./spec.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** Kubernetes `ComputePodQOS` (pkg/apis/core/v1/helper/qos): only cpu and memory count, and a zero is no value. */
export function qosClass(spec: PodSpec): QosClass {
  let any = false;
  let guaranteed = true;
  for (const { resources } of spec.containers) {
    for (const [name, read] of [
      ["cpu", milliCpu],
      ["memory", bytes],
    ] as const) {
      const limit = read(resources.limits[name] ?? "0");
      const request = read(resources.requests[name] ?? "0");
      if (limit > 0 || request > 0) any = true;
      if (limit <= 0 || (request > 0 && request !== limit)) guaranteed = false;
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

/** Reason of a start that failed because the kernel takes no negative score; the next is made without one. */
export const oomScoreRefused = "OomScoreRefused";

const sandboxScore = -998;
const guaranteedScore = -997;
const bestEffortScore = 1000;

/**
 * How early the kernel kills a container when memory runs out, -1000 (never) to 1000: kubelet
 * `GetContainerOOMScoreAdjust` (pkg/kubelet/qos/policy.go), and dockershim's -998 for the sandbox. Between the two ends
 * stands, in thousandths of the device's memory, what the container did not ask for.
 */
export function oomScoreAdj(spec: PodSpec, container: string, memoryBytes: number): number {
  if (container === sandboxName) return sandboxScore;
  const qos = qosClass(spec);
  switch (qos) {
    case "Guaranteed":
      return guaranteedScore;
    case "BestEffort":
      return bestEffortScore;
    case "Burstable": {
      const requests = spec.containers.find(({ name }) => name === container)?.resources.requests;
      const asked = bytes(requests?.["memory"] ?? "0");
      const score = 1000 - Math.floor((1000 * asked) / Math.max(1, memoryBytes));
      // Never as safe as a Guaranteed one, never as lost as a BestEffort one.
      return Math.min(Math.max(score, 1000 + guaranteedScore), bestEffortScore - 1);
    }
    default:
      return qos satisfies never;
  }
}
