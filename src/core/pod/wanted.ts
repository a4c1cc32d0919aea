import { ownValue } from "../base/own-value.ts";
import type { PodHistory } from "./container-history.ts";
import type { DesiredPod } from "./desired.ts";
import { hasSandbox, sandboxName } from "./identity.ts";
import type { ObservedContainer } from "./observed.ts";
import type { ContainerSpec } from "./spec.ts";

/** What is made of a pod: its containers, and the sandbox of a pod of several. */
export type Part = Pick<ContainerSpec, "name" | "image" | "imagePullPolicy">;

/** Its image comes with the program and is never pulled; the name is one that no registry has. */
export const sandboxPart: Part = { name: sandboxName, image: "edge.invalid/sandbox", imagePullPolicy: "IfNotPresent" };

/** The part of a pod that goes by this name, undefined when the pod has none. */
export function partOf(desired: DesiredPod, name: string): Part | undefined {
  if (name === sandboxName) return hasSandbox(desired.pod.spec) ? sandboxPart : undefined;
  return desired.pod.spec.containers.find((spec) => spec.name === name);
}

/** The two hashes that a part of the desired pod should carry; a sandbox is made from nothing but what its pod hash covers. */
export function hashesOf(
  desired: DesiredPod,
  part: Pick<Part, "name">,
): { readonly podHash: string; readonly specHash: string } {
  const { pod, containers } = desired.pod.hashes;
  return { podHash: pod, specHash: ownValue(containers, part.name) ?? pod };
}

/** What a failure belongs to: another specification or a restart message starts afresh. */
export function wantedKey(desired: DesiredPod, part: Pick<Part, "name">): string {
  return `${hashesOf(desired, part).specHash}.${desired.generation}`;
}

/** What something was made for: a container, or what is kept of one. */
export type Made = Pick<ObservedContainer, "generation" | "podHash" | "specHash">;

/** Why something made for a pod is not of the pod that is wanted, null when it is. */
export function podDifference(made: Made, desired: DesiredPod): string | null {
  if (made.generation < desired.generation) return `${desired.request} asks for a restart`;
  if (made.podHash !== desired.pod.hashes.pod) return `${desired.request} changes the pod`;
  return null;
}

/** Why a container is not the one that is wanted, null when it is. */
export function difference(made: Made, desired: DesiredPod, part: Part): string | null {
  const ofPod = podDifference(made, desired);
  if (ofPod !== null) return ofPod;
  return made.specHash === hashesOf(desired, part).specHash ? null : `${desired.request} changes the container`;
}

/** Whether every container of the pod is of the version that is wanted; a restart message asks for another one. */
export function isAsWanted(desired: DesiredPod, history: PodHistory): boolean {
  return desired.pod.spec.containers.every((spec) => {
    const made = ownValue(history, spec.name);
    return made !== undefined && difference(made, desired, spec) === null;
  });
}
