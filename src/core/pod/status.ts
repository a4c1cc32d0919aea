import { ownValue } from "../base/own-value.ts";
import type { ContainerHistory, PinnedImage, PodHistory, Termination } from "./container-history.ts";
import { podTrouble } from "./container-trouble.ts";
import { creating } from "./image-plan.ts";
import { isDisconnected, isPaused, type ObservedContainer } from "./observed.ts";
import type { ContainerState, ContainerStatus, Phase, PodCondition, PodStatus, TerminatedState } from "./pod-status.ts";
import type { ProbeVerdicts } from "./probe.ts";
import { qosClass } from "./qos.ts";
import { newestOf } from "./record.ts";
import type { Waiting } from "./situation.ts";
import type { AcceptedPod, ContainerSpec, RestartPolicy } from "./spec.ts";
import { formatTime, parseTime } from "./time.ts";

export interface StatusInput {
  readonly pod: AcceptedPod;
  /** Milliseconds since the epoch: startTime, when the device took the pod on. */
  readonly acceptedAtWall: number;
  readonly history: PodHistory;
  /** Containers of this pod (one uid). */
  readonly observed: readonly ObservedContainer[];
  /** From the plan: why a container that is to run does not. */
  readonly waiting: Readonly<Record<string, Waiting>>;
  /** From the plan: what an update waits for while the version before it goes on. */
  readonly update?: Readonly<Record<string, Waiting>> | undefined;
  readonly probes: ProbeVerdicts;
  /** going: it was told to go, and what ended is not waited for. gone: none of its containers is left. */
  readonly termination: "none" | "terminating" | "terminated";
  /** The status reported before, for the times of its conditions and for phases that never go back. */
  readonly previous: PodStatus | null;
  readonly hostIp: string;
  readonly nowWall: number;
}

/**
 * The pod as a kubelet would report it (`generateAPIPodStatus`, `getPhase`, `status/generate.go`,
 * `convertToAPIContainerStatuses`), with lifecycle.md, Status, where the two differ.
 */
export function podStatus(input: StatusInput): PodStatus {
  const { pod, previous } = input;
  const statuses = pod.spec.containers.map((spec) => containerStatus(input, spec));
  const computed = phaseOf(statuses, pod.spec.restartPolicy);
  // While a pod leaves, its phase stays as it was until its containers have ended (lifecycle.md, Delete).
  const phase = input.termination === "none" ? computed : terminatedPhase(statuses, previous?.phase ?? computed);
  const ip = podIp(input);
  return {
    phase,
    conditions: conditions(input, statuses, phase),
    ...reasonAndMessage(podTrouble(input.observed), updateMessage(input.update)),
    ...(input.hostIp === "" ? {} : { hostIP: input.hostIp }),
    ...(ip === "" ? {} : { podIP: ip, podIPs: [{ ip }] }),
    startTime: previous?.startTime ?? formatTime(input.acceptedAtWall),
    qosClass: qosClass(pod.spec),
    // Kubelet `SortedContainerStatuses`.
    containerStatuses: statuses.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** Of the pod itself, for what is no state of one of its containers; both can be true at once. */
function reasonAndMessage(
  trouble: { readonly reason: string; readonly message: string } | null,
  update: string | null,
): Pick<PodStatus, "reason" | "message"> {
  if (trouble === null) return update === null ? {} : { message: update };
  return { reason: trouble.reason, message: [trouble.message, update].filter((text) => text !== null).join("; ") };
}

/** What an update waits for, null when none does. The containers go on as they are. */
function updateMessage(update: StatusInput["update"]): string | null {
  const [first] = Object.entries(update ?? {});
  if (first === undefined) return null;
  const [name, { reason, message }] = first;
  const why = reason === creating.reason ? "" : `${reason}: `;
  return `The update waits for the image of container ${name}: ${why}${message ?? "it is looked up"}`;
}

/** Empty while there is none: of the sandbox while it runs, or of the container of a pod that needs no sandbox. */
function podIp({ pod, hostIp, observed }: StatusInput): string {
  // Kubelet `generateAPIPodStatus`: known before anything of the pod runs.
  if (pod.spec.hostNetwork === true) return hostIp;
  return observed.find(({ state, ip }) => state.kind === "running" && ip !== undefined)?.ip ?? "";
}

/** True when nothing in the two differs: then nothing is written and nothing is sent. */
export function sameStatus(a: PodStatus | null, b: PodStatus): boolean {
  return a !== null && JSON.stringify(a) === JSON.stringify(b);
}

function containerStatus(input: StatusInput, spec: ContainerSpec): ContainerStatus {
  const history = ownValue(input.history, spec.name);
  const podContainers = input.observed.filter((container) => container.container === spec.name);
  const newest = newestOf(podContainers, spec.name);
  const current =
    newest !== undefined && (history === undefined || newest.attempt >= history.attempt) ? newest : undefined;
  const { state, lastState } = states(input, spec, history, current);
  const isRunning = state.running !== undefined;
  const id = current?.id ?? state.terminated?.containerID ?? history?.current?.id ?? history?.termination?.containerId;
  const containerID = id === undefined ? undefined : dockerId(id);
  return {
    name: spec.name,
    state,
    lastState,
    ready: isRunning && isReady(input, spec, current),
    started: isRunning,
    restartCount: history?.attempt ?? 0,
    ...imageOf(input, spec, history, current),
    ...(containerID === undefined ? {} : { containerID }),
  };
}

/** Without a verdict yet, what was reported of this very container holds: the agent may have been restarted. */
function isReady(input: StatusInput, spec: ContainerSpec, current: ObservedContainer | undefined): boolean {
  if (current !== undefined && (isPaused(current) || isDisconnected(current, input.observed))) return false;
  if (spec.readinessProbe === undefined) return true;
  const id = current?.id ?? "";
  const before = input.previous?.containerStatuses.find((containerStatus) => containerStatus.name === spec.name);
  return ownValue(input.probes, id)?.ready ?? (before?.containerID === dockerId(id) && before.ready);
}

const dockerId = (id: string): string => (id.startsWith("docker://") ? id : `docker://${id}`);

/** Of the newest container, whatever the pod is to run next; of the specification while none was made. */
function imageOf(
  { pod }: StatusInput,
  spec: ContainerSpec,
  history: ContainerHistory | undefined,
  current: ObservedContainer | undefined,
): Pick<ContainerStatus, "image" | "imageID"> {
  const made = history?.madeFrom;
  if (made !== undefined) return { image: made.name, imageID: imageId(made) };
  const isAsWanted = current === undefined || current.specHash === ownValue(pod.hashes.containers, spec.name);
  if (isAsWanted) return { image: spec.image, imageID: imageId(history?.pinnedImage ?? null) };
  return { image: current.imageId, imageID: `docker://${current.imageId}` };
}

/** As dockershim wrote it: by digest where the image came from a registry, by id where it did not. */
function imageId(image: PinnedImage | null): string {
  if (image === null) return "";
  return image.digest === undefined ? `docker://${image.id}` : `docker-pullable://${image.digest}`;
}

function states(
  input: StatusInput,
  spec: ContainerSpec,
  history: ContainerHistory | undefined,
  current: ObservedContainer | undefined,
): { readonly state: ContainerState; readonly lastState: ContainerState } {
  const ended = history?.termination ?? null;
  const before = terminated(history?.lastTermination ?? null);
  if (current?.state.kind === "running") {
    return {
      state: { running: { startedAt: wholeSeconds(current.state.startedAt) ?? formatTime(input.nowWall) } },
      lastState: before,
    };
  }
  if (current?.state.kind === "unknown") return { state: lastKnown(history, current, ended), lastState: before };
  const waiting = ownValue(input.waiting, spec.name);
  if (waiting !== undefined && input.termination === "none") {
    return { state: { waiting }, lastState: ended === null ? before : terminated(ended) };
  }
  if (ended !== null) return { state: terminated(ended), lastState: before };
  if (input.termination === "terminated") return { state: { terminated: neverFound }, lastState: before };
  return { state: { waiting: { reason: "ContainerCreating" } }, lastState: before };
}

/** Kubelet `status_manager.go` TerminatePod. */
const neverFound: TerminatedState = {
  exitCode: 137,
  reason: "ContainerStatusUnknown",
  message: "The container could not be located when the pod was terminated",
  startedAt: null,
  finishedAt: null,
};

/** The engine does not answer about it: what the record says of this very container. */
function lastKnown(
  history: ContainerHistory | undefined,
  { id }: ObservedContainer,
  ended: Termination | null,
): ContainerState {
  if (ended?.containerId === id) return terminated(ended);
  const startedAt = history?.current?.id === id ? history.current.startedAt : null;
  if (startedAt !== null) return { running: { startedAt: wholeSeconds(startedAt) ?? startedAt } };
  return { waiting: { reason: "ContainerStatusUnknown" } };
}

function terminated(ended: Termination | null): ContainerState {
  if (ended === null) return {};
  const state: TerminatedState = {
    exitCode: ended.exitCode,
    reason: ended.reason,
    ...(ended.message === undefined ? {} : { message: ended.message }),
    startedAt: ended.startedAt === null ? null : wholeSeconds(ended.startedAt),
    finishedAt: wholeSeconds(ended.finishedAt),
    containerID: dockerId(ended.containerId),
  };
  return { terminated: state };
}

/** The engine writes nanoseconds and cuts trailing zeros; Kubernetes writes whole seconds. */
function wholeSeconds(time: string): string | null {
  const wall = parseTime(time);
  return Number.isNaN(wall) ? null : formatTime(wall);
}

/**
 * Kubelet `getPhase`: a waiting container with a last termination counts as stopped. Under Never it only waits again if an
 * update runs it anew, which a kubelet does not know: then it counts as one that has not run.
 */
export function phaseOf(statuses: readonly ContainerStatus[], policy: RestartPolicy): Phase {
  let waiting = 0;
  let running = 0;
  let stopped = 0;
  let succeeded = 0;
  for (const { state, lastState } of statuses) {
    if (state.running !== undefined) running += 1;
    else if (state.terminated !== undefined) {
      stopped += 1;
      if (state.terminated.exitCode === 0) succeeded += 1;
    } else if (lastState.terminated !== undefined && policy !== "Never") stopped += 1;
    else waiting += 1;
  }
  if (waiting > 0) return "Pending";
  if (running > 0) return "Running";
  if (stopped === 0) return "Pending";
  if (policy === "Always") return "Running";
  const settled = statuses.every((containerStatus) => containerStatus.state.terminated !== undefined);
  if (stopped === succeeded && settled) return "Succeeded";
  if (policy === "Never") return "Failed";
  return "Running";
}

/** A pod that was told to go: Succeeded or Failed once its last container has ended, by the exit codes. */
function terminatedPhase(statuses: readonly ContainerStatus[], before: Phase): Phase {
  if (statuses.some((containerStatus) => containerStatus.state.running !== undefined)) return before;
  const ended = statuses
    .map((containerStatus) => containerStatus.state.terminated)
    .filter((terminated) => terminated !== undefined);
  if (ended.length < statuses.length) return before;
  return ended.every((terminated) => terminated.exitCode === 0) ? "Succeeded" : "Failed";
}

/** In the order of the Pod Status document. Kubelet `GenerateContainersReadyCondition`, `GeneratePodReadyCondition`. */
function conditions(input: StatusInput, statuses: readonly ContainerStatus[], phase: Phase): readonly PodCondition[] {
  const unready = statuses
    .filter((containerStatus) => !containerStatus.ready)
    .map((containerStatus) => containerStatus.name);
  const ready = readiness(phase, unready);
  return [
    condition(
      input,
      "Initialized",
      phase === "Succeeded" ? { status: "True", reason: "PodCompleted" } : { status: "True" },
    ),
    condition(input, "Ready", ready),
    condition(input, "ContainersReady", ready),
    condition(input, "PodScheduled", { status: "True" }),
  ];
}

type Outcome = Pick<PodCondition, "status" | "reason" | "message">;

function readiness(phase: Phase, unready: readonly string[]): Outcome {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  if (unready.length === 0) return { status: "True" };
  const message = `containers with unready status: [${unready.join(" ")}]`;
  return { status: "False", reason: "ContainersNotReady", message };
}

function condition(input: StatusInput, type: PodCondition["type"], outcome: Outcome): PodCondition {
  const before = input.previous?.conditions.find((condition) => condition.type === type);
  const since = before?.status === outcome.status ? before.lastTransitionTime : formatTime(input.nowWall);
  return { type, status: outcome.status, lastProbeTime: null, lastTransitionTime: since, ...detail(outcome) };
}

function detail({ reason, message }: Outcome): Partial<Pick<PodCondition, "reason" | "message">> {
  return { ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) };
}
