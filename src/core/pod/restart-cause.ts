import { ownValue } from "../base/own-value.ts";
import { levelAfterRun, restartDelayMs } from "./backoff.ts";
import { endWord, howItEnded } from "./cause.ts";
import type { Moment, PodHistory } from "./container-history.ts";
import { nextStep } from "./next-step.ts";
import type { ContainerStatus, PodStatus } from "./pod-status.ts";
import type { AcceptedPod } from "./spec.ts";
import { formatDuration } from "./time.ts";

export interface RestartInput {
  readonly name: string;
  readonly status: PodStatus;
  readonly spec: AcceptedPod["spec"];
  readonly history: PodHistory;
  readonly now: Moment;
}

/** Why a container was restarted that runs again, or is just being created again, and what follows if it ends once more. */
export interface RestartCause {
  /** A sentence without its full stop. */
  readonly reason: string;
  readonly todo: string | null;
}

/**
 * Of a pod between two tries of a crash loop: its STATUS may be Running, and the next end is seconds away. Null once its
 * containers have run long enough to start afresh, and while STATUS itself tells the crash loop.
 */
export function restartCause(input: RestartInput): RestartCause | null {
  for (const containerStatus of input.status.containerStatuses) {
    const cause = ofContainer(input, containerStatus);
    if (cause !== null) return cause;
  }
  return null;
}

function ofContainer(
  { name, spec, history, now }: RestartInput,
  containerStatus: ContainerStatus,
): RestartCause | null {
  const { state, lastState } = containerStatus;
  const before = lastState.terminated;
  const own = ownValue(history, containerStatus.name);
  const isBetween = state.running !== undefined || state.waiting?.reason === "ContainerCreating";
  if (!isBetween || before === undefined || own === undefined) return null;
  const seenRunning = own.current?.seenRunning;
  const ranMs = seenRunning == null || seenRunning.bootId !== now.bootId ? 0 : now.mono - seenRunning.mono;
  const level = levelAfterRun(own.backoffLevel, state.running === undefined ? 0 : ranMs);
  if (level === 0) return null;
  const termination = [own.termination, own.lastTermination].find(
    (ended) => ended !== null && before.containerID === `docker://${ended.containerId}`,
  );
  // A reboot is no fault of the pod.
  if (termination?.interrupted === true) return null;
  const specification = spec.containers.find((other) => other.name === containerStatus.name);
  const how = howItEnded(before, specification, termination) ?? `exit code ${before.exitCode}`;
  const isOneOfSeveral = spec.containers.length > 1;
  const who = isOneOfSeveral ? `${containerStatus.name}: ` : "";
  const times = level === 1 ? "once" : `${level} times in a row`;
  const wait = `next try ${formatDuration(restartDelayMs(level))} after that`;
  const logs = `edge logs ${name}${isOneOfSeveral ? ` -c ${containerStatus.name}` : ""} --previous`;
  return {
    reason: `${who}restarted ${times}, last after: ${how}; if it ends again, ${wait}`,
    todo: nextStep({ word: endWord(before, termination), text: how, logs }),
  };
}
