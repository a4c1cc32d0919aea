import { ownValue } from "../../core/base/own-value.ts";
import { registryWaitMs } from "../../core/image/registry-wait.ts";
import { type Action, type Pull, showAction } from "../../core/pod/action.ts";
import { type ContainerHistory, emptyHistory } from "../../core/pod/container-history.ts";
import type { DesiredPod } from "../../core/pod/desired.ts";
import { failureOf, isRetriedAtOnce } from "../../core/pod/failure-wait.ts";
import { pinnedFor } from "../../core/pod/image-plan.ts";
import type { Situation } from "../../core/pod/situation.ts";
import { podKey } from "../../core/pod/spec.ts";
import { hashesOf, type Part, partOf, wantedKey } from "../../core/pod/wanted.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ImageInfo } from "../../ports/engine.ts";
import type { Log } from "../../ports/log.ts";
import type { Store } from "../../ports/store.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { momentOf } from "../loop/moment.ts";
import type { Outcome } from "./executor.ts";

export interface OutcomeParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventRecorder;
}

/** One pass over the pods of a name, from its first step to its last. */
export interface ReconcilePass {
  readonly namespace: string;
  readonly name: string;
  /** What was found out about images in this pass, by `imagesKey` and container. */
  readonly images: Map<string, Map<string, ImageInfo | null>>;
}

/** Of a container, that are remembered as told; an engine has about a dozen. */
const mostWarnings = 16;

type Subject = Pick<Situation, "desired" | "history">;

/** Keeps what came of one action. False when nothing is known and the pass should end. */
export function recordOutcome(
  parts: OutcomeParts,
  pass: ReconcilePass,
  situation: Subject,
  action: Exclude<Action, { kind: "finish" }> | Pull,
  outcome: Outcome,
): boolean {
  switch (outcome.kind) {
    case "done":
      if (outcome.warnings.length > 0) recordWarnings(parts, pass, situation, action.container, outcome.warnings);
      return true;
    case "image":
      rememberImage(pass, situation.desired, action.container, outcome.image);
      if (outcome.pulled) parts.events.recordPodEvent(podKey(pass), pulledEvent(action, outcome));
      if (outcome.image !== null)
        recordImageId(parts.store, situation, action.container, outcome.image, outcome.pulled);
      return true;
    case "failed":
      return recordFailure(parts, pass, situation, action, outcome);
    case "unknown":
      parts.log.write("warn", "Action has no known outcome", {
        pod: podKey(pass),
        action: showAction(action),
        error: outcome.error.message,
      });
      return false;
    default:
      return outcome satisfies never;
  }
}

/** Each warning of the engine is told once for a container of a pod, however often it is made. */
function recordWarnings(
  parts: OutcomeParts,
  pass: ReconcilePass,
  { desired }: Subject,
  container: string,
  warnings: readonly string[],
): void {
  const { store } = parts;
  const history = desired === null ? {} : store.histories.get(desired.pod.id.uid);
  const before = ownValue(history, container);
  const known = before?.warnings ?? [];
  const fresh = warnings.filter((message) => !known.includes(message));
  if (fresh.length === 0) return;
  store.transaction("normal", () => {
    for (const message of fresh)
      parts.events.recordPodEvent(podKey(pass), { type: "Warning", container, reason: "EngineWarning", message });
    if (desired === null || before === undefined) return;
    const kept = [...known, ...fresh].slice(-mostWarnings);
    store.histories.put(desired.pod.id.uid, { ...history, [container]: { ...before, warnings: kept } });
  });
}

function pulledEvent(
  { container, ...action }: Exclude<Action, { kind: "finish" }> | Pull,
  { image, archive }: Extract<Outcome, { kind: "image" }>,
) {
  const name = "image" in action ? action.image : "";
  const from = archive === undefined ? "" : ` from archive ${archive}`;
  return {
    type: "Normal",
    container,
    reason: "Pulled",
    message: `Image "${name}"${from} is on this device: ${image?.id ?? ""}`,
  } as const;
}

/** Another message, or the version before it, may name another image for the same container, while a turn is under way. */
export function imagesKey({ pod, request }: DesiredPod): string {
  return `${pod.id.uid} ${request} ${Object.values(pod.hashes.containers).join(" ")}`;
}

function rememberImage(
  pass: ReconcilePass,
  desired: DesiredPod | null,
  container: string,
  image: ImageInfo | null,
): void {
  if (desired === null) return;
  const key = imagesKey(desired);
  const candidate = pass.images.get(key) ?? new Map<string, ImageInfo | null>();
  pass.images.set(key, candidate.set(container, image));
}

/** The id an image name stands for is kept, so that a restart needs neither the name nor the registry. */
function recordImageId(store: Store, situation: Subject, container: string, image: ImageInfo, pulled: boolean): void {
  const { desired } = situation;
  const spec = desired === null ? undefined : partOf(desired, container);
  if (desired === null || spec === undefined) return;
  const hashes = hashesOf(desired, spec);
  const before =
    ownValue(situation.history, container) ?? emptyHistory({ attempt: 0, generation: desired.generation, ...hashes });
  const pulledFor = pulled ? hashes.specHash : (pinnedFor(before, spec.image)?.pulledFor ?? "");
  const pinnedImage = {
    name: spec.image,
    id: image.id,
    ...(image.digest === undefined ? {} : { digest: image.digest }),
    pulledFor,
  };
  // Of the version before an update: what the update has pinned stays.
  if (!pulled && before.madeFrom?.name === spec.image && before.madeFrom.id === image.id && before.pinnedImage !== null)
    return;
  const { updateFailure, ...rest } = before;
  const failure = pulled && rest.failure?.reason === "ErrImagePull" ? null : rest.failure;
  const isOver = updateFailure === undefined || (pulled && updateFailure.wanted === wantedKey(desired, spec));
  const next: ContainerHistory = { ...rest, pinnedImage, failure, ...(isOver ? {} : { updateFailure }) };
  store.histories.put(desired.pod.id.uid, { ...situation.history, [container]: next });
}

/** Keeps why it failed, for the report and the wait; what belongs to no container of the desired pod is tried again soon. */
function recordFailure(
  parts: OutcomeParts,
  pass: ReconcilePass,
  situation: Subject,
  action: Exclude<Action, { kind: "finish" }> | Pull,
  outcome: Extract<Outcome, { kind: "failed" }>,
): boolean {
  const { desired } = situation;
  const spec = desired === null ? undefined : partOf(desired, action.container);
  const { reason, message, containerId, isRegistryBusy, isKilled } = outcome;
  const record = (type: "Normal" | "Warning", text: string): void =>
    parts.events.recordPodEvent(podKey(pass), { type, container: action.container, reason, message: text });
  parts.store.transaction("normal", () => {
    if (desired === null || spec === undefined || action.kind === "stop" || action.kind === "remove") {
      record("Warning", message);
      return;
    }
    const history = parts.store.histories.get(desired.pod.id.uid);
    const before =
      ownValue(history, action.container) ??
      emptyHistory({ attempt: 0, generation: desired.generation, ...hashesOf(desired, spec) });
    const wanted = wantedKey(desired, spec);
    const last = failureOf(before, wanted);
    const count = last?.reason === reason ? last.count + 1 : 1;
    const usual = { reason, message, count, wanted, containerId, at: momentOf(parts.clock) };
    const failure = isRegistryBusy === true ? { ...usual, leastWaitMs: registryWaitMs(message, count) } : usual;
    if (isRetriedAtOnce(failure)) record("Normal", `${message}; the agent tries again at once, in another way`);
    else record("Warning", message);
    // The version before an update goes on, with failures of its own.
    const isOfUpdate = action.kind !== "create" && action.kind !== "start" && isMadeOtherwise(before, desired, spec);
    const failed = isOfUpdate ? { ...before, updateFailure: failure } : { ...before, failure };
    // Its exit code, which is seen later, does not say why.
    const isCurrent = isKilled === true && before.current !== null && before.current.id === containerId;
    const next = isCurrent
      ? { ...failed, current: { ...before.current, stoppedBecause: message, killedAs: reason } }
      : failed;
    parts.store.histories.put(desired.pod.id.uid, { ...history, [action.container]: next });
  });
  return action.kind !== "stop" && action.kind !== "remove";
}

/** Whether the newest container was made from another version of the pod. */
function isMadeOtherwise(history: ContainerHistory, desired: DesiredPod, spec: Part): boolean {
  const wasMade = history.current !== null || history.termination !== null;
  const { podHash, specHash } = hashesOf(desired, spec);
  return wasMade && (history.podHash !== podHash || history.specHash !== specHash);
}
