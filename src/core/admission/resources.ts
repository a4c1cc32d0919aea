import { ownValue } from "../base/own-value.ts";
import { isNpu } from "../pod/npu.ts";
import { parseQuantity } from "../pod/quantity.ts";
import type { QuantitiesDraft } from "./draft.ts";
import type { NodeFacts } from "./node-facts.ts";

/** Docker refuses a memory limit below this (lifecycle.md, Engine). */
export const leastMemoryLimit = "6Mi";

/** A container's resources, of a message or of a hand-written facts file. */
export interface ResourcesLike {
  readonly limits?: QuantitiesDraft;
  readonly requests?: QuantitiesDraft;
}

/** What the device calls its NPUs. */
export function npuName(node: NodeFacts): string {
  return Object.keys(node.allocatable).find(isNpu) ?? "huawei.com/Ascend310";
}

/** One amount of a list in nano-units; null when it does not name the resource. `npu` stands for every NPU name. */
export function amountOf(list: QuantitiesDraft | undefined, resource: string): bigint | null {
  if (list === undefined) return null;
  if (resource !== "npu") return parseQuantity(ownValue(list, resource));
  let sum: bigint | null = null;
  for (const name of Object.keys(list).filter(isNpu)) sum = (sum ?? 0n) + (parseQuantity(ownValue(list, name)) ?? 0n);
  return sum;
}

/**
 * What a container takes of a resource: the larger of request and limit, or the only one (decisions.md 21: a resource
 * may stand in limits alone).
 */
export function usageOf(resources: ResourcesLike | undefined, resource: string): bigint {
  const limit = amountOf(resources?.limits, resource) ?? 0n;
  const request = amountOf(resources?.requests, resource) ?? 0n;
  return limit > request ? limit : request;
}
