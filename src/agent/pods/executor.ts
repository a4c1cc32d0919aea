import type { Action } from "../../core/pod/action.ts";
import type { DesiredPod } from "../../core/pod/desired.ts";
import { hasSandbox, sandboxName } from "../../core/pod/identity.ts";
import { oomScoreRefused } from "../../core/pod/qos.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Engine, EngineError, EngineResult, ImageInfo } from "../../ports/engine.ts";
import type { NodeDevice } from "../../ports/node-device.ts";
import type { PodFiles } from "../../ports/pod-files.ts";
import type { Store } from "../../ports/store.ts";
import type { OwnChange } from "../engine/container-lister.ts";
import type { Puller } from "../images/image-puller.ts";
import type { KnownImages } from "../images/known-images.ts";
import { withDeadline } from "../loop/deadline.ts";
import type { Limiter } from "../loop/limiter.ts";
import { createRequest, type ExecuteContext } from "./create-request.ts";
import { wrongGroups } from "./group-check.ts";
import { hasMountedVolume, type MountCheckRequest, mountsSeen, preparedAgain } from "./mount-check.ts";
import { rememberOomScoreRefused, wantsNegativeOomScore } from "./oom-score.ts";
import { changeOf, madeContainer } from "./own-change.ts";

/** What came of one action. */
export type Outcome =
  /** It worked, or was not needed any more. `change` is what it has left behind; null where only a list tells. */
  | { readonly kind: "done"; readonly warnings: readonly string[]; readonly change: OwnChange | null }
  /** What an image name or id stands for on this device; null when it is not here. */
  | {
      readonly kind: "image";
      readonly image: ImageInfo | null;
      readonly pulled: boolean;
      /** The archive on this device that holds it; absent for one that was pulled, or only looked up. */
      readonly archive?: string;
    }
  /** It did not work and would not at once: wait, with a reason the report shows. */
  | FailedOutcome
  /** Nothing is known of its effect, or the engine is not there: leave it, and look at the pod again. */
  | { readonly kind: "unknown"; readonly error: EngineError };

interface FailedOutcome {
  readonly kind: "failed";
  readonly reason: string;
  readonly message: string;
  readonly containerId: string | null;
  /** The registry was asked too often: it is spared for longer, and for as long as its words say. */
  readonly isRegistryBusy?: true;
  /** It was started, and killed at once. */
  readonly isKilled?: true;
}

export interface ExecutorParts {
  readonly engine: Engine;
  readonly device: NodeDevice;
  readonly podFiles: PodFiles;
  readonly clock: Clock;
  /** What pods refer to by name. */
  readonly store: Pick<Store, "configMaps" | "credentials" | "getMeta" | "npus" | "setMeta">;
  readonly puller: Puller;
  readonly images: Pick<KnownImages, "image" | "isMissing">;
  /** Holds creates and starts to what the device can do at once. */
  readonly limiter: Limiter;
}

const seconds = 1000;
const deadlines = {
  image: 30 * seconds,
  create: 60 * seconds,
  audit: 30 * seconds,
  start: 120 * seconds,
  remove: 60 * seconds,
  /** On top of the grace. */
  stop: 30 * seconds,
};

const done: Outcome = { kind: "done", warnings: [], change: null };

/**
 * Carries out one action: one engine call with a deadline, its errors sorted into what to do about them. What a start or a
 * stop has made of the container is looked at once.
 */
export async function execute(
  parts: ExecutorParts,
  action: Action,
  context: ExecuteContext,
  signal: AbortSignal,
): Promise<Outcome> {
  const { engine, clock, limiter } = parts;
  switch (action.kind) {
    case "resolve":
      return action.container === sandboxName
        ? loaded(await withDeadline(clock, deadlines.image, signal, (s) => engine.ensureSandboxImage(s)))
        : resolved(await parts.images.image(action.image, signal));
    case "create":
      return limiter(() => create(parts, action, context, signal));
    case "start":
      // A pod that was begun comes before one that was not: each runs sooner, and fewer containers wait half made.
      return limiter(() => start(parts, action, context, signal), "urgent");
    case "stop": {
      const wholeMs = action.graceSeconds * seconds + deadlines.stop;
      const stopped = await withDeadline(clock, wholeMs, signal, (s) => engine.stop(action.id, action.graceSeconds, s));
      if (!stopped.ok) return outcomeOf(stopped, "KillContainerError", action.id);
      return { kind: "done", warnings: [], change: changeOf(action.id, await look(parts, action.id, signal)) };
    }
    case "remove": {
      const removed = await withDeadline(clock, deadlines.remove, signal, (s) => engine.remove(action.id, s));
      if (!removed.ok) return outcomeOf(removed, "RemoveContainerError", action.id);
      return { kind: "done", warnings: [], change: { id: action.id, container: null } };
    }
    case "finish":
      return done;
    default:
      return action satisfies never;
  }
}

function resolved(result: EngineResult<ImageInfo>): Outcome {
  if (result.ok) return { kind: "image", image: result.value, pulled: false };
  if (result.error.kind === "notFound" || result.error.kind === "imageNotFound")
    return { kind: "image", image: null, pulled: false };
  return outcomeOf(result, "ImageInspectError", null);
}

/** The sandbox's image comes from the program: where the engine does not have it, no registry has. */
function loaded(result: EngineResult<ImageInfo>): Outcome {
  if (result.ok) return { kind: "image", image: result.value, pulled: false };
  const { message, kind } = result.error;
  if (kind !== "notFound" && kind !== "imageNotFound") return outcomeOf(result, "ImageInspectError", null);
  return { kind: "failed", reason: "ImageInspectError", message, containerId: null };
}

async function create(
  parts: ExecutorParts,
  action: Extract<Action, { kind: "create" }>,
  context: ExecuteContext,
  signal: AbortSignal,
): Promise<Outcome> {
  const request = await createRequest(parts, action, context);
  if (typeof request === "string")
    return { kind: "failed", reason: "CreateContainerConfigError", message: request, containerId: null };
  if (request.terminationLog !== null) {
    const { pod, container, attempt } = request;
    const trouble = parts.podFiles.terminationLogs.create({ uid: pod.id.uid, container, attempt });
    if (trouble !== null)
      return { kind: "failed", reason: "CreateContainerConfigError", message: trouble, containerId: null };
  }
  const result = await withDeadline(parts.clock, deadlines.create, signal, (s) => parts.engine.create(request, s));
  if (result.ok) {
    const { id, warnings } = result.value;
    return { kind: "done", warnings, change: { id, container: madeContainer(id, request) } };
  }
  // The sandbox has gone since the look that found it: the next one tells. So it does of an image that was remembered.
  const { error } = result;
  const hasGone = error.kind === "notFound" || error.kind === "imageNotFound";
  const wasRemembered = hasGone && parts.images.isMissing(request.image.id);
  if (wasRemembered || (action.sandboxId !== null && error.kind === "notFound")) return { kind: "unknown", error };
  return outcomeOf(result, "CreateContainerError", null);
}

/**
 * What is mounted for a volume may be gone, after a boot, or a host path lead elsewhere by now. So every one is mounted
 * again before the start, and what the container really sees is looked at after it: an engine with mounts of its own would have
 * started it without. Where they differ, it is killed.
 */
async function start(
  parts: ExecutorParts,
  action: Extract<Action, { kind: "start" }>,
  context: ExecuteContext,
  signal: AbortSignal,
): Promise<Outcome> {
  const { engine, clock } = parts;
  const { container, id } = action;
  const startOnce = async () => {
    const started = await withDeadline(clock, deadlines.start, signal, (s) => engine.start(id, s));
    if (started.ok) await parts.device.forgetUdpSenders(udpHostPorts(context.desired, container));
    return started;
  };
  if (!hasMountedVolume(context.desired, container)) {
    const started = await startOnce();
    return started.ok ? checkStarted(parts, action, context, signal) : startFailed(parts, action, context, started);
  }
  const request: MountCheckRequest["request"] = (image, { sandboxId = null, attempt }) =>
    createRequest(parts, { container, sandboxId, attempt }, { ...context, images: new Map([[container, image]]) });
  const before = await withDeadline(clock, deadlines.audit, signal, (s) => preparedAgain(engine, { id, request }, s));
  if (!before.ok) return outcomeOf(before, "CreateContainerConfigError", id);
  const prepared = before.value;
  if (typeof prepared === "string") {
    return { kind: "failed", reason: "CreateContainerConfigError", message: prepared, containerId: id };
  }
  const started = await startOnce();
  if (!started.ok) return startFailed(parts, action, context, started);
  const seen = await withDeadline(clock, deadlines.audit, signal, (s) =>
    mountsSeen(engine, parts.podFiles, { id, prepared }, s),
  );
  if (seen.kind === "elsewhere") return killed(parts, id, { reason: "MountsDiffer", message: seen.message }, signal);
  const checked = await checkStarted(parts, action, context, signal);
  if (seen.kind === "same" || checked.kind !== "done") return checked;
  return { ...checked, warnings: [...checked.warnings, unseen("mounts", seen.message)] };
}

/** What a container publishes, or the sandbox for all containers of its pod. */
function udpHostPorts(desired: DesiredPod | null, container: string): readonly number[] {
  if (desired === null || (hasSandbox(desired.pod.spec) && container !== sandboxName)) return [];
  const ports = desired.pod.spec.containers.flatMap((spec) => spec.ports ?? []);
  return ports.flatMap(({ protocol, hostPort }) => (protocol === "UDP" ? [hostPort] : []));
}

/** What the engine has made of the user: groups of the image, which no message asked for, end the container. */
async function checkStarted(
  parts: ExecutorParts,
  { id, container }: Extract<Action, { kind: "start" }>,
  { desired }: ExecuteContext,
  signal: AbortSignal,
): Promise<Outcome> {
  const seen = await look(parts, id, signal);
  const spec = desired?.pod.spec.containers.find(({ name }) => name === container);
  const message = spec === undefined || !seen.ok ? null : wrongGroups(parts.podFiles, seen.value, spec);
  if (message !== null) return killed(parts, id, { reason: "GroupsDiffer", message }, signal);
  const isUnseen = spec !== undefined && !seen.ok && seen.error.kind !== "notFound";
  const warnings = isUnseen ? [unseen("groups", seen.error.message)] : [];
  return { kind: "done", warnings, change: changeOf(id, seen) };
}

function look({ engine, clock }: ExecutorParts, id: string, signal: AbortSignal) {
  return withDeadline(clock, deadlines.audit, signal, (s) => engine.inspect(id, s));
}

function unseen(what: string, why: string): string {
  return `Its ${what} could not be checked: ${why}`;
}

async function killed(
  { engine, clock }: ExecutorParts,
  id: string,
  why: { readonly reason: string; readonly message: string },
  signal: AbortSignal,
): Promise<Outcome> {
  await withDeadline(clock, deadlines.stop, signal, (s) => engine.stop(id, 0, s));
  return {
    kind: "failed",
    reason: why.reason,
    message: `Killed just after its start: ${why.message}`,
    containerId: id,
    isKilled: true,
  };
}

/** A kernel that takes no negative OOM score is remembered, and the container made anew without one, at once. */
function startFailed(
  parts: ExecutorParts,
  { container, id }: Extract<Action, { kind: "start" }>,
  { desired }: ExecuteContext,
  started: EngineResult<void>,
): Outcome {
  if (!started.ok && started.error.kind === "portInUse") {
    const message = portInUseSentence(parts, desired, started.error.message);
    return outcomeOf({ ok: false, error: { ...started.error, message } }, "RunContainerError", id);
  }
  const suspect = !started.ok && started.error.kind === "oomScoreRefused" && desired !== null;
  if (!suspect || !wantsNegativeOomScore(desired.pod.spec, container))
    return outcomeOf(started, "RunContainerError", id);
  rememberOomScoreRefused(parts);
  return outcomeOf(started, oomScoreRefused, id);
}

/** Names the process that has the port, where that can be told, before the engine's words. */
function portInUseSentence({ device }: ExecutorParts, desired: DesiredPod | null, words: string): string {
  const ports = (desired?.pod.spec.containers ?? []).flatMap(({ ports = [] }) => ports);
  for (const { protocol, hostPort } of ports) {
    // The engine names the port that it could not take.
    if (!words.split(/[^0-9]+/).includes(String(hostPort))) continue;
    const user = device.portUser(protocol, hostPort);
    if (user !== null) return `${protocol} port ${hostPort} is already used by ${user}: ${words}`;
  }
  return words;
}

/** Sorts an engine error into: gone on by itself, wait with a reason, or nothing known. */
export function outcomeOf(result: EngineResult<unknown>, reason: string, containerId: string | null): Outcome {
  if (result.ok) return done;
  const { error } = result;
  switch (error.kind) {
    case "notFound":
    case "conflict":
      // The world is not as it was when the plan was made: the next look tells.
      return reason === "CreateContainerError" && error.kind === "notFound"
        ? { kind: "failed", reason, message: error.message, containerId }
        : { kind: "unknown", error };
    case "unavailable":
    case "timeout":
    case "aborted":
      return { kind: "unknown", error };
    case "invalid":
    case "refused":
    case "portInUse":
    case "oomScoreRefused":
    case "imageNotFound":
    case "registryAuth":
    case "registryUnreachable":
    case "registryBusy":
    case "wrongArchitecture":
    case "diskFull":
    case "failed":
      return { kind: "failed", reason, message: error.message, containerId };
    default:
      return error.kind satisfies never;
  }
}
