import type { Action } from "./action.ts";
import { remainingMs, restartDelayMs } from "./backoff.ts";
import type { DesiredPod, LeavingPod } from "./desired.ts";
import type { ContainerHistory, Moment, PodHistory } from "./history.ts";
import { podHash, specHash } from "./identity.ts";
import type { ObservedContainer } from "./observed.ts";
import type { ProbeVerdicts } from "./probe.ts";
import { newestOf } from "./record.ts";
import type { ContainerSpec, RestartPolicy } from "./spec.ts";

/** Everything that is known about the pods of one name, at one moment. */
export interface Situation {
  readonly desired: DesiredPod | null;
  /** Those that are not gone yet, oldest first. */
  readonly leaving: readonly LeavingPod[];
  /** Containers of ours with that namespace and name, of any uid. */
  readonly observed: readonly ObservedContainer[];
  /** Of the desired pod's uid. */
  readonly history: PodHistory;
  /** What was found out about images in this turn, by container: the image id, or null when it is not on the device. */
  readonly images: Readonly<Record<string, string | null>>;
  readonly probes: ProbeVerdicts;
  readonly now: Moment;
}

/** Why a container does not run, in Kubernetes' words. */
export interface Waiting {
  readonly reason: string;
  readonly message?: string;
}

export interface Plan {
  /** To be done in this order; after the first, look again. */
  readonly actions: readonly Action[];
  /** By container of the desired pod; absent for one that runs or has ended for good. */
  readonly waiting: Readonly<Record<string, Waiting>>;
  /** Milliseconds after which time alone changes the answer; null when it does not. */
  readonly lookAgainInMs: number | null;
}

/**
 * What should happen next: (desired, observed, history, now) → actions, each with its reason. Pure; kubelet
 * `computePodActions` and `doBackOff` are where its rules come from, lifecycle.md where they differ.
 */
export function plan(situation: Situation): Plan {
  const { desired, leaving } = situation;
  const first = leaving.find((one) => one.kind === "deleted");
  const steps = desired === null ? noSteps : desiredSteps(situation, desired);
  if (first !== undefined) return { ...steps, actions: leave(situation, first), lookAgainInMs: null };
  const old = leaving[0];
  if (old === undefined) return { ...steps, actions: [...steps.actions, ...surplus(situation)] };
  if (desired === null) return { ...noSteps, actions: leave(situation, old) };
  const here = imageSteps(situation, desired);
  if (here !== null) return { ...here, waiting: steps.waiting };
  return { ...steps, actions: leave(situation, old), lookAgainInMs: null };
}

const noSteps: Plan = { actions: [], waiting: {}, lookAgainInMs: null };

/** The containers of a leaving pod: stopped with what is left of its grace, removed, and then let go of. */
function leave(situation: Situation, leaving: LeavingPod): readonly Action[] {
  const its = situation.observed.filter((one) => belongsTo(one, leaving, situation.desired));
  const because =
    leaving.kind === "deleted"
      ? `message ${leaving.messageId} deletes the pod`
      : `message ${leaving.messageId} brings a new pod of this name, and its images are here`;
  const graceSeconds = graceLeft(leaving, situation.now);
  const stops = its
    .filter((one) => one.state.kind === "running")
    .map((one): Action => ({ kind: "stop", container: one.container, id: one.id, graceSeconds, because }));
  if (stops.length > 0) return stops;
  const removes = its.map((one): Action => ({ kind: "remove", container: one.container, id: one.id, because }));
  if (removes.length > 0) return removes;
  return [{ kind: "finish", leaving, because: "none of its containers is left" }];
}

function belongsTo(one: ObservedContainer, leaving: LeavingPod, desired: DesiredPod | null): boolean {
  if (leaving.id.uid === "") return one.pod.uid !== desired?.pod.id.uid;
  return one.pod.uid === leaving.id.uid && one.generation <= leaving.generation;
}

/** The deadline holds over a restart of the agent; after a reboot the grace begins anew, since nothing runs then anyway. */
function graceLeft(leaving: LeavingPod, now: Moment): number {
  if (leaving.kind === "superseded") return leaving.graceSeconds;
  return Math.ceil(remainingMs(leaving.graceSeconds * 1000, leaving.since, now) / 1000);
}

/** The images of a pod that is to take over a name: the first step toward having them all, null when they are here. */
function imageSteps(situation: Situation, desired: DesiredPod): Plan | null {
  for (const spec of desired.pod.spec.containers) {
    const history = situation.history[spec.name];
    const held = failureWait(history, wantedKey(desired, spec), situation.now);
    if (held > 0) return { actions: [], waiting: {}, lookAgainInMs: held };
    const step = imageStep(
      situation,
      spec,
      history,
      hashesOf(desired, spec).specHash,
      "a new pod of this name needs it",
    );
    if (step !== null) return { actions: [step], waiting: {}, lookAgainInMs: null };
  }
  return null;
}

interface Step {
  readonly actions: readonly Action[];
  readonly waiting: Waiting | null;
  readonly lookAgainInMs: number | null;
}

function desiredSteps(situation: Situation, desired: DesiredPod): Plan {
  const actions: Action[] = [];
  const waiting: Record<string, Waiting> = {};
  let lookAgainInMs: number | null = null;
  for (const spec of desired.pod.spec.containers) {
    const step = containerStep(situation, desired, spec);
    actions.push(...step.actions);
    if (step.waiting !== null) waiting[spec.name] = step.waiting;
    if (step.lookAgainInMs !== null) lookAgainInMs = Math.min(lookAgainInMs ?? step.lookAgainInMs, step.lookAgainInMs);
  }
  return { actions, waiting, lookAgainInMs };
}

const creating: Waiting = { reason: "ContainerCreating" };
const act = (...actions: Action[]): Step => ({ actions, waiting: creating, lookAgainInMs: null });
const settled: Step = { actions: [], waiting: null, lookAgainInMs: null };

function containerStep(situation: Situation, desired: DesiredPod, spec: ContainerSpec): Step {
  const its = situation.observed.filter((one) => one.pod.uid === desired.pod.id.uid && one.container === spec.name);
  const newest = newestOf(its, spec.name);
  const history = situation.history[spec.name];
  if (newest === undefined || newest.state.kind === "exited") return startAgain(situation, desired, spec, history);
  const changed = difference(newest, desired, spec);
  switch (newest.state.kind) {
    case "running":
      if (situation.probes[newest.id]?.live === false) return stopUnhealthy(situation, desired, spec, newest);
      return changed === null ? settled : replaceRunning(situation, desired, spec, newest, changed);
    case "created":
      if (changed !== null) return act({ kind: "remove", container: spec.name, id: newest.id, because: changed });
      if (newest.state.startError === undefined && history?.failure?.containerId !== newest.id) {
        return act({ kind: "start", container: spec.name, id: newest.id, because: "it is made and does not run yet" });
      }
      return retryStart(situation, desired, spec, newest);
    default:
      return newest.state satisfies never;
  }
}

type Made = Pick<ObservedContainer, "generation" | "podHash" | "specHash">;

/** Why a container is not the one that is wanted, null when it is. */
function difference(one: Made, desired: DesiredPod, spec: ContainerSpec): string | null {
  const wanted = hashesOf(desired, spec);
  if (one.generation < desired.generation) return `message ${desired.messageId} asks for a restart`;
  if (one.podHash !== wanted.podHash) return `message ${desired.messageId} changes the pod`;
  if (one.specHash !== wanted.specHash) return `message ${desired.messageId} changes the container`;
  return null;
}

/** Image first: a container that runs is not stopped for one that could not be made. */
function replaceRunning(
  situation: Situation,
  desired: DesiredPod,
  spec: ContainerSpec,
  one: ObservedContainer,
  because: string,
): Step {
  const history = situation.history[spec.name];
  const held = failureWait(history, wantedKey(desired, spec), situation.now);
  if (held > 0) return { actions: [], waiting: null, lookAgainInMs: held };
  const image = imageStep(situation, spec, history, hashesOf(desired, spec).specHash, because);
  const graceSeconds = desired.pod.spec.terminationGracePeriodSeconds;
  const step = image ?? { kind: "stop", container: spec.name, id: one.id, graceSeconds, because };
  return { actions: [step], waiting: null, lookAgainInMs: null };
}

/** Stopped only: whether and when it comes again is the restart policy's and the back-off's business, as after any death. */
function stopUnhealthy(situation: Situation, desired: DesiredPod, spec: ContainerSpec, one: ObservedContainer): Step {
  const because = situation.probes[one.id]?.why ?? "its liveness probe failed";
  const graceSeconds = desired.pod.spec.terminationGracePeriodSeconds;
  const stop: Action = { kind: "stop", container: spec.name, id: one.id, graceSeconds, because };
  return { actions: [stop], waiting: null, lookAgainInMs: null };
}

/** A container whose start failed is made anew under the same attempt, after its wait. */
function retryStart(situation: Situation, desired: DesiredPod, spec: ContainerSpec, one: ObservedContainer): Step {
  const history = situation.history[spec.name];
  const held = failureWait(history, wantedKey(desired, spec), situation.now);
  if (held > 0 && history?.failure != null) return { actions: [], waiting: failed(spec, history), lookAgainInMs: held };
  return act({ kind: "remove", container: spec.name, id: one.id, because: "its start failed, and it is made anew" });
}

function startAgain(
  situation: Situation,
  desired: DesiredPod,
  spec: ContainerSpec,
  history: ContainerHistory | undefined,
): Step {
  const { now } = situation;
  const fresh = history === undefined || difference(history, desired, spec) !== null;
  const ended = history?.termination ?? null;
  if (!fresh && ended !== null && !restarts(desired.pod.spec.restartPolicy, history)) return settled;
  const held = failureWait(history, wantedKey(desired, spec), now);
  if (held > 0 && history !== undefined) return { actions: [], waiting: failed(spec, history), lookAgainInMs: held };
  const level = fresh ? 0 : (history?.backoffLevel ?? 0);
  const wait =
    !fresh && history?.diedAt != null && ended !== null ? remainingMs(restartDelayMs(level), history.diedAt, now) : 0;
  if (wait > 0) return { actions: [], waiting: crashLoop(desired, spec, level), lookAgainInMs: wait };
  const because = whyCreate(fresh, history);
  const image = imageStep(situation, spec, history, hashesOf(desired, spec).specHash, because);
  if (image !== null) return { actions: [image], waiting: creating, lookAgainInMs: null };
  const attempt = history === undefined ? 0 : ended === null ? history.attempt : history.attempt + 1;
  const backoffLevel = ended === null || fresh ? level : level + 1;
  return act({ kind: "create", container: spec.name, attempt, backoffLevel, because });
}

function whyCreate(fresh: boolean, history: ContainerHistory | undefined): string {
  if (history === undefined) return "the pod is new";
  if (history.termination === null) return "it was never made";
  if (fresh) return "its specification is new";
  const { exitCode, interrupted } = history.termination;
  return interrupted ? "the engine or the device stopped it" : `it ended with code ${exitCode}`;
}

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

/** The next step toward having the container's image, null when it is here. */
function imageStep(
  situation: Situation,
  spec: ContainerSpec,
  history: ContainerHistory | undefined,
  specWanted: string,
  because: string,
): Action | null {
  const pinned = history?.pinnedImage?.name === spec.image ? history.pinnedImage : null;
  const known = situation.images[spec.name];
  if (spec.imagePullPolicy === "Always" && pinned?.pulledFor !== specWanted) {
    return { kind: "pull", container: spec.name, image: spec.image, because };
  }
  if (known === undefined) return { kind: "resolve", container: spec.name, image: pinned?.id ?? spec.image, because };
  if (known === null)
    return { kind: "pull", container: spec.name, image: spec.image, because: `${because}, and its image is not here` };
  return null;
}

function failureWait(history: ContainerHistory | undefined, wanted: string, now: Moment): number {
  const failure = history?.failure ?? null;
  if (failure === null || failure.wanted !== wanted) return 0;
  return remainingMs(failureDelayMs(failure.reason, failure.count), failure.at, now);
}

/** A registry is spared up to five minutes; what is wrong on the device itself is looked at again within 40 s. */
function failureDelayMs(reason: string, count: number): number {
  return restartDelayMs(reason === "ErrImagePull" ? count : Math.min(count, 3));
}

/** What a failure belongs to: another specification or a restart message starts afresh. */
export function wantedKey(desired: DesiredPod, spec: ContainerSpec): string {
  return `${hashesOf(desired, spec).specHash}.${desired.generation}`;
}

/** Kubelet: the first failed pull is ErrImagePull, the wait after the next ones ImagePullBackOff. */
function failed(spec: ContainerSpec, history: ContainerHistory): Waiting {
  const { reason, message, count } = history.failure ?? { reason: "ContainerCreating", message: "", count: 0 };
  if (reason === "ErrImagePull" && count > 1) {
    return { reason: "ImagePullBackOff", message: `Back-off pulling image "${spec.image}": ${message}` };
  }
  return { reason, message };
}

function crashLoop(desired: DesiredPod, spec: ContainerSpec, level: number): Waiting {
  const { name, namespace, uid } = desired.pod.id;
  const wait = restartDelayMs(level) / 1000;
  return {
    reason: "CrashLoopBackOff",
    message: `back-off ${wait}s restarting failed container=${spec.name} pod=${name}_${namespace}(${uid})`,
  };
}

/** Dead containers of the desired pod beyond the last one: kept that long for their logs. */
function surplus(situation: Situation): readonly Action[] {
  const uid = situation.desired?.pod.id.uid;
  if (uid === undefined) return [];
  const its = situation.observed.filter((one) => one.pod.uid === uid);
  const actions: Action[] = [];
  for (const container of new Set(its.map((one) => one.container))) {
    const dead = its
      .filter((one) => one.container === container && one.state.kind !== "running")
      .sort((a, b) => b.attempt - a.attempt);
    const newest = newestOf(its, container);
    for (const one of dead.filter((d) => d !== newest).slice(newest?.state.kind === "exited" ? 0 : 1)) {
      actions.push({ kind: "remove", container, id: one.id, because: "a newer attempt has taken its place" });
    }
  }
  return actions;
}

/** The two hashes that the desired containers should carry. */
export function hashesOf(
  desired: DesiredPod,
  spec: ContainerSpec,
): { readonly podHash: string; readonly specHash: string } {
  return { podHash: podHash(desired.pod.spec), specHash: specHash(spec, desired.pod.spec) };
}
