import type { PodStatus } from "./pod-status.ts";

/**
 * One row of `edge status`, as `kubectl get pod` computes it (printPod in pkg/printers/internalversion). One thing differs: kubectl
 * calls a pod Completed while a container of it has completed and another one runs that is not ready.
 */
export interface PodSummary {
  readonly ready: string;
  readonly status: string;
  readonly restarts: number;
  /** When a container last ended before it was restarted, RFC 3339; null if none was restarted. */
  readonly lastRestart: string | null;
}

/**
 * READY, STATUS and RESTARTS of a pod.
 * @param deleting metadata.deletionTimestamp is set
 */
export function summarize(status: PodStatus, deleting: boolean): PodSummary {
  let restarts = 0;
  let lastEnd = "";
  let ready = 0;
  let text: string = status.reason ?? status.phase;
  let running = false;
  for (const containerStatus of [...status.containerStatuses].reverse()) {
    restarts += containerStatus.restartCount;
    const endedAt = containerStatus.lastState.terminated?.finishedAt ?? "";
    // Both are whole seconds of UTC, so that text order is time order.
    if (endedAt > lastEnd) lastEnd = endedAt;
    const { waiting, terminated } = containerStatus.state;
    if (waiting !== undefined) text = waiting.reason;
    else if (terminated !== undefined) {
      text = terminated.reason === "" ? `ExitCode:${terminated.exitCode}` : terminated.reason;
    }
    if (containerStatus.ready) ready += 1;
    if (containerStatus.state.running !== undefined) running = true;
  }
  // A pod that still has a container at work is not called Completed for one that has finished.
  if (text === "Completed" && running) text = status.phase === "Running" && allReady(status) ? "Running" : "NotReady";
  if (deleting && status.phase !== "Succeeded" && status.phase !== "Failed") text = "Terminating";
  const lastRestart = restarts === 0 || lastEnd === "" ? null : lastEnd;
  return { ready: `${ready}/${status.containerStatuses.length}`, status: text, restarts, lastRestart };
}

function allReady(status: PodStatus): boolean {
  return status.conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
}
