import type { PodSpec } from "./spec.ts";

/** Kubelet `MaxContainerTerminationMessageLength` and `MaxPodTerminationMessageLogLength`. */
const mostOfContainer = 4096;
const mostOfPod = 12 * 1024;

/** Bytes of a container's last words that are reported: 4096, and 12 KiB shared evenly in a pod of more than three. */
export function messageBytes({ containers }: Pick<PodSpec, "containers">): number {
  return Math.min(mostOfContainer, Math.floor(mostOfPod / containers.length));
}

/** The engine's words and the container's own, in the kubelet's order (kuberuntime_container.go, getTerminationMessage). */
export function terminationMessage(error: string, lastWords: string): string {
  return [error, lastWords].filter((words) => words !== "").join(": ");
}
