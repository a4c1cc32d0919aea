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
