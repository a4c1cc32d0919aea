// core/pod: what a pod is, what happened to it, and what to do next.

import { ownValue } from "../base/own-value.ts";
import type { Action, Pull } from "./action.ts";
import { remainingMs, restartDelayMs } from "./backoff.ts";
import type { ContainerHistory } from "./container-history.ts";
import { npusFor, whyCreate } from "./create-inputs.ts";
import type { DesiredPod, TerminatingPod } from "./desired.ts";
import { failureOf, failureReason, failureWait } from "./failure-wait.ts";
import { hasSandbox, sandboxName } from "./identity.ts";
import { creating, imageStep, imageSteps, invalidImage, stepsOf, whileFetched } from "./image-plan.ts";
import { hasEnded, isCutOff, isUnknown, type ObservedContainer } from "./observed.ts";
import { newestOf } from "./record.ts";
import {
  type Replaced,
  removalsOfCutOff,
  removalsOfExtra,
  replaced,
  runningSandbox,
  stops,
  stopsOfCutOff,
} from "./sandbox-plan.ts";
import type { Plan, Situation, Waiting } from "./situation.ts";
import type { RestartPolicy } from "./spec.ts";
import { planTermination, surplus, unrecordedPredecessor, waitsForFormer } from "./terminating-plan.ts";
import { formatDuration } from "./time.ts";
import { difference, hashesOf, type Part, sandboxPart, wantedKey } from "./wanted.ts";

/**
 * What should happen next: (desired, observed, history, now) → actions, each with its reason. Pure; kubelet
 * `computePodActions` and `doBackOff` are where its rules come from, lifecycle.md where they differ.
 */
export function plan(situation: Situation): Plan {
  const planned = planKnown(situation);
  if (!situation.observed.some(isUnknown)) return planned;
  return { ...planned, requeueAfterMs: Math.min(planned.requeueAfterMs ?? unknownRetryMs, unknownRetryMs) };
}

/** Nothing tells that the engine answers about a container again. */
const unknownRetryMs = 5_000;

function planKnown(situation: Situation): Plan {
  const { desired, terminating } = situation;
  const first = terminating.find((terminatingPod) => terminatingPod.kind === "deleted");
  if (first !== undefined) return afterFormer(situation, first);
  const old = terminating[0] ?? unrecordedPredecessor(situation);
  const held = desired === null ? null : heldSteps(situation, desired);
  const steps = desired === null ? noSteps : (held ?? desiredSteps(situation, desired));
  if (old === undefined) return { ...steps, actions: [...steps.actions, ...others(surplus(situation), steps.actions)] };
  if (desired === null) return afterFormer(situation, old);
  if (held !== null) return held;
  const here = imageSteps(situation, desired, "a new pod of this name needs it");
  if (here !== null) {
    const { actions, pulls, requeueAfterMs } = here;
    return { actions, pulls, requeueAfterMs, waiting: steps.waiting, keepsRunning: old };
  }
  return afterFormer(situation, old);
}

/** The former pod of the name ends first; whatever else the new one needs is found out after that. */
function afterFormer(situation: Situation, former: TerminatingPod): Plan {
  const { desired } = situation;
  const actions = planTermination(situation, former);
  if (desired === null) return { ...noSteps, actions };
  const isGone = actions[0]?.kind === "finish";
  const why = isGone ? creating : { ...creating, message: waitsForFormer(former) };
  const waiting = heldSteps(situation, desired)?.waiting ?? waitingForAll(situation, desired, why);
  return { ...noSteps, actions, waiting };
}

/** Actions about containers that none of the first ones is about. */
function others(actions: readonly Action[], first: readonly Action[]): readonly Action[] {
  const taken = new Set(first.map((action) => ("id" in action ? action.id : null)));
  return actions.filter((action) => !("id" in action) || !taken.has(action.id));
}

const noSteps: Plan = { actions: [], pulls: [], waiting: {}, requeueAfterMs: null };

/**
 * A node under pressure begins nothing new, not even a pull; null when the pod may go on. What has begun is left alone,
 * its restarts too, and so is an older pod of that name. The kubelet would turn the new one away (`eviction_manager.go`,
 * Admit): nobody would send it again here, so it waits.
 */
function heldSteps(situation: Situation, desired: DesiredPod): Plan | null {
  const { startsHeld: held, history, observed } = situation;
  const begun =
    observed.some((container) => container.pod.uid === desired.pod.id.uid) ||
    Object.values(history).some((history) => history.current !== null || history.termination !== null);
  return held === null || begun ? null : { ...noSteps, waiting: waitingForAll(situation, desired, held) };
}

interface Step {
  readonly actions: readonly Action[];
  readonly pulls: readonly Pull[];
  readonly waiting: Waiting | null;
  readonly update?: Plan["update"];
  readonly requeueAfterMs: number | null;
}

function desiredSteps(situation: Situation, desired: DesiredPod): Plan {
  const { before } = situation;
  if (before !== null) {
    const images = imageSteps(situation, desired, `${desired.request} changes the pod`);
    if (images !== null) return { ...images, waiting: {}, keepsVersion: before };
  }
  const podContainers = situation.observed.filter((container) => container.pod.uid === desired.pod.id.uid);
  const first = [
    ...stopsOfCutOff(podContainers, desired.pod.spec.terminationGracePeriodSeconds),
    ...removalsOfCutOff(podContainers),
  ];
  if (first.length > 0) return { ...noSteps, actions: first, waiting: waitingForAll(situation, desired, creating) };
  const old = replaced(desired, podContainers);
  const newestSandbox = newestOf(podContainers, sandboxName);
  // A pod is never half replaced, and nothing joins a sandbox that may be dead.
  if ((old !== null && podContainers.some(isUnknown)) || (newestSandbox !== undefined && isUnknown(newestSandbox))) {
    return { ...noSteps, waiting: waitingForAll(situation, desired, { ...creating, message: unanswered }) };
  }
  if (old !== null) return replaceSteps(situation, desired, old);
  const extra = removalsOfExtra(desired, podContainers);
  const sandbox = runningSandbox(podContainers);
  const alone = !hasSandbox(desired.pod.spec);
  const idle = desired.pod.spec.containers.every((spec) => isDone(situation, desired, spec, podContainers));
  if (!alone && !idle && sandbox === undefined) return sandboxSteps(situation, desired, extra);
  // Kubelet computePodActions: a pod in which nothing is to run any more gives its network back.
  if (idle && sandbox !== undefined) {
    const { terminationGracePeriodSeconds: graceSeconds } = desired.pod.spec;
    return { ...noSteps, actions: [...extra, ...stops([sandbox], graceSeconds, "all its containers have ended")] };
  }
  const actions: Action[] = [...extra];
  const pulls: Pull[] = [];
  const waiting = new Map<string, Waiting>();
  const update = new Map<string, Waiting>();
  let requeueAfterMs: number | null = null;
  for (const spec of desired.pod.spec.containers) {
    const step = containerStep(situation, desired, spec, alone ? null : (sandbox?.id ?? null));
    actions.push(...step.actions);
    pulls.push(...step.pulls);
    if (step.waiting !== null) waiting.set(spec.name, step.waiting);
    for (const [name, why] of Object.entries(step.update ?? {})) update.set(name, why);
    if (step.requeueAfterMs !== null)
      requeueAfterMs = Math.min(requeueAfterMs ?? step.requeueAfterMs, step.requeueAfterMs);
  }
  const planned = { actions, pulls, waiting: Object.fromEntries(waiting), requeueAfterMs };
  return update.size === 0 ? planned : { ...planned, update: Object.fromEntries(update) };
}

/** Every image of the new pod is here before anything of the old one stops, unless the new one has begun already. */
function replaceSteps(
  situation: Situation,
  desired: DesiredPod,
  { because, stops: actions, hasBegun }: Replaced,
): Plan {
  const waiting = waitingForAll(situation, desired, creating);
  const images = hasBegun ? null : imageSteps(situation, desired, because);
  return images === null ? { ...noSteps, actions, waiting } : { ...images, waiting };
}

/** A sandbox is made, started and tried again like any container; those that are to join it say what they wait for. */
function sandboxSteps(situation: Situation, desired: DesiredPod, extra: readonly Action[]): Plan {
  const { actions, pulls, waiting, requeueAfterMs } = containerStep(situation, desired, sandboxPart, null);
  const message = waiting?.message === undefined ? {} : { message: `The pod's sandbox: ${waiting.message}` };
  return {
    actions: [...extra, ...actions],
    pulls,
    waiting: waitingForAll(situation, desired, { ...creating, ...message }),
    requeueAfterMs,
  };
}

/** What holds up the whole pod holds up each of its containers that is to run and does not. */
function waitingForAll(situation: Situation, desired: DesiredPod, why: Waiting): Plan["waiting"] {
  const podContainers = situation.observed.filter((container) => container.pod.uid === desired.pod.id.uid);
  const held = desired.pod.spec.containers.filter((spec) => {
    const state = newestOf(podContainers, spec.name)?.state.kind;
    return state !== "running" && state !== "unknown" && !isDone(situation, desired, spec, podContainers);
  });
  return Object.fromEntries(
    held.map((spec) => {
      const history = ownValue(situation.history, spec.name);
      const key = wantedKey(desired, spec);
      const failure = failureWait(history, key, situation.now) > 0 ? failureOf(history, key) : null;
      return [spec.name, failure === null ? why : failureReason(spec, failure)];
    }),
  );
}

/** Whether a container has ended and is not to run again. */
function isDone(
  situation: Situation,
  desired: DesiredPod,
  spec: Part,
  podContainers: readonly ObservedContainer[],
): boolean {
  const history = ownValue(situation.history, spec.name);
  if (history === undefined || history.termination === null || difference(history, desired, spec) !== null)
    return false;
  const newest = newestOf(podContainers, spec.name);
  if (newest?.state.kind === "running" && !isCutOff(newest, podContainers)) return false;
  return !restarts(desired.pod.spec.restartPolicy, history);
}

const unanswered = "The engine does not answer about a container of the pod";
const act = (...actions: Action[]): Step => ({ actions, pulls: [], waiting: creating, requeueAfterMs: null });
const settled: Step = { actions: [], pulls: [], waiting: null, requeueAfterMs: null };

function containerStep(situation: Situation, desired: DesiredPod, spec: Part, sandboxId: string | null): Step {
  const podContainers = situation.observed.filter(
    (container) => container.pod.uid === desired.pod.id.uid && container.container === spec.name,
  );
  const newest = newestOf(podContainers, spec.name);
  const history = ownValue(situation.history, spec.name);
  if (newest === undefined || newest.state.kind === "exited" || hasEnded(newest))
    return startAgain(situation, desired, spec, sandboxId);
  const changed = difference(newest, desired, spec);
  switch (newest.state.kind) {
    case "unknown":
      return settled;
    case "running":
      if (ownValue(situation.probes, newest.id)?.live === false) return stopUnhealthy(situation, desired, spec, newest);
      return changed === null ? settled : replaceRunning(situation, desired, spec, newest, changed);
    case "created": {
      if (changed !== null) return act({ kind: "remove", container: spec.name, id: newest.id, because: changed });
      const older = podContainers.find(({ state }) => state.kind === "running");
      if (older !== undefined) return besideOlder(desired, spec, newest, older);
      if (newest.state.startError === undefined && history?.failure?.containerId !== newest.id) {
        return act({
          kind: "start",
          container: spec.name,
          id: newest.id,
          because: "it is created and not started yet",
        });
      }
      return retryStart(situation, desired, spec, newest);
    }
    default:
      return newest.state satisfies never;
  }
}

/** Somebody has started an older attempt again before the next one was started: two never run for one. */
function besideOlder(desired: DesiredPod, spec: Part, newest: ObservedContainer, older: ObservedContainer): Step {
  const changed = difference(older, desired, spec);
  if (changed === null) {
    return act({ kind: "remove", container: spec.name, id: newest.id, because: "an older attempt runs again" });
  }
  const graceSeconds = desired.pod.spec.terminationGracePeriodSeconds;
  return act({ kind: "stop", container: spec.name, id: older.id, graceSeconds, because: changed });
}

/** Image first: a container that runs is not stopped for one that could not be made. */
function replaceRunning(
  situation: Situation,
  desired: DesiredPod,
  spec: Part,
  container: ObservedContainer,
  because: string,
): Step {
  const images = imageSteps(situation, desired, because);
  if (images !== null) return { ...images, waiting: null };
  const graceSeconds = desired.pod.spec.terminationGracePeriodSeconds;
  const step: Action = { kind: "stop", container: spec.name, id: container.id, graceSeconds, because };
  return { actions: [step], pulls: [], waiting: null, requeueAfterMs: null };
}

/** Stopped only: whether and when it comes again is the restart policy's and the back-off's business, as after any death. */
function stopUnhealthy(situation: Situation, desired: DesiredPod, spec: Part, container: ObservedContainer): Step {
  const because = ownValue(situation.probes, container.id)?.why ?? "liveness probe failed";
  const graceSeconds = desired.pod.spec.terminationGracePeriodSeconds;
  const stop: Action = { kind: "stop", container: spec.name, id: container.id, graceSeconds, because };
  return { actions: [stop], pulls: [], waiting: null, requeueAfterMs: null };
}

/** A container whose start failed is made anew under the same attempt, after its wait. */
function retryStart(situation: Situation, desired: DesiredPod, spec: Part, container: ObservedContainer): Step {
  const history = ownValue(situation.history, spec.name);
  const key = wantedKey(desired, spec);
  const held = failureWait(history, key, situation.now);
  const failure = failureOf(history, key);
  if (held > 0 && failure !== null)
    return { actions: [], pulls: [], waiting: failureReason(spec, failure), requeueAfterMs: held };
  return act({
    kind: "remove",
    container: spec.name,
    id: container.id,
    because: "its start failed; it is created again",
  });
}

function startAgain(situation: Situation, desired: DesiredPod, spec: Part, sandboxId: string | null): Step {
  const { now } = situation;
  const history = ownValue(situation.history, spec.name);
  const changed = history === undefined ? null : difference(history, desired, spec);
  const fresh = history === undefined || changed !== null;
  const ended = history?.termination ?? null;
  // A sandbox runs for the others: it is asked for only while one of them is to run.
  const policy = spec.name === sandboxName ? "Always" : desired.pod.spec.restartPolicy;
  if (!fresh && ended !== null && !restarts(policy, history)) return settled;
  const key = wantedKey(desired, spec);
  const failure = failureOf(history, key);
  const held = failureWait(history, key, now);
  if (held > 0 && failure !== null)
    return { actions: [], pulls: [], waiting: failureReason(spec, failure), requeueAfterMs: held };
  const level = fresh ? 0 : (history?.backoffLevel ?? 0);
  const wait =
    !fresh && history?.diedAt != null && ended !== null ? remainingMs(restartDelayMs(level), history.diedAt, now) : 0;
  if (wait > 0) return { actions: [], pulls: [], waiting: crashLoop(desired, spec, level), requeueAfterMs: wait };
  const because = whyCreate(changed, history);
  const invalid = invalidImage(spec);
  if (invalid !== null) return { actions: [], pulls: [], waiting: invalid, requeueAfterMs: null };
  const image = imageStep(situation, spec, history, hashesOf(desired, spec).specHash, because);
  if (image !== null) return { ...stepsOf(image), waiting: whileFetched(spec, failure), requeueAfterMs: null };
  const npus = npusFor(situation, desired, spec);
  if (!npus.ok) {
    return { actions: [], pulls: [], waiting: { ...creating, message: npus.message }, requeueAfterMs: npuRetryMs };
  }
  const attempt = history === undefined ? 0 : ended === null ? history.attempt : history.attempt + 1;
  const backoffLevel = ended === null || fresh ? level : level + 1;
  return act({ kind: "create", container: spec.name, attempt, backoffLevel, sandboxId, npus: npus.npus, because });
}

/** Nothing tells when an NPU is free again or its node is back. */
const npuRetryMs = 5_000;

/** Kubelet `ShouldContainerBeRestarted`, and lifecycle.md's deviation: what was cut off by a power-off has not succeeded. */
export function restarts(policy: RestartPolicy, history: ContainerHistory | undefined): boolean {
  const ended = history?.termination ?? null;
  switch (policy) {
    case "Always":
      return true;
    case "OnFailure":
      return ended === null || ended.exitCode !== 0 || ended.interrupted;
    case "Never":
      return ended === null;
    default:
      return policy satisfies never;
  }
}

function crashLoop(desired: DesiredPod, spec: Part, level: number): Waiting {
  const { name, namespace, uid } = desired.pod.id;
  const wait = formatDuration(restartDelayMs(level));
  return {
    reason: "CrashLoopBackOff",
    message: `back-off ${wait} restarting failed container=${spec.name} pod=${name}_${namespace}(${uid})`,
  };
}
