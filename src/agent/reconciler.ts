import type { Action } from "../core/pod/action.ts";
import { showAction } from "../core/pod/action.ts";
import type { DesiredPod, LeavingPod } from "../core/pod/desired.ts";
import type { PodEvent } from "../core/pod/event.ts";
import type { ContainerHistory } from "../core/pod/history.ts";
import type { ObservedContainer } from "../core/pod/observed.ts";
import { plan } from "../core/pod/plan.ts";
import { emptyHistory, record } from "../core/pod/record.ts";
import { atOnce } from "../core/pod/sandbox-plan.ts";
import type { Situation } from "../core/pod/situation.ts";
import { podKey } from "../core/pod/spec.ts";
import { hashesOf, partOf, wantedKey } from "../core/pod/wanted.ts";
import type { ImageFacts } from "../ports/engine.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import { refreshMounted } from "./config-maps.ts";
import { type ExecutorParts, execute, type Outcome } from "./executor.ts";
import { withLastWords } from "./last-words.ts";
import { momentOf } from "./moment.ts";
import type { Observer } from "./observer.ts";
import { keepStatus, keepStatuses, type StatusKeeperParts } from "./pod-statuses.ts";
import type { Prober } from "./prober.ts";
import { keepUnmanaged } from "./unmanaged.ts";

export interface ReconcilerParts extends ExecutorParts, StatusKeeperParts {
  readonly store: Store;
  readonly log: Log;
  readonly observer: Observer;
  readonly prober: Pick<Prober, "follow">;
  /** The engine session at hand and those that took their containers along; null while the engine is not ready. */
  readonly session: () => { readonly id: string; readonly lost: ReadonlySet<string> } | null;
  readonly installId: () => string;
}

interface Turn {
  readonly namespace: string;
  readonly name: string;
  readonly images: Map<string, ImageFacts | null>;
  readonly interrupt: AbortSignal;
}

/** More steps than any pod needs; beyond it something is going round in circles, and the device must not burn for it. */
const maxSteps = 1024;
/** Of a container, that are remembered as told; an engine has about a dozen. */
const mostWarnings = 16;
const afterCirclesMs = 10_000;
const afterUnknownMs = 2_000;

/**
 * Drives the pods of one name toward what is wanted: observe, record, plan, execute the first steps, and again until nothing
 * is left to do. What was seen is committed before it is acted on, what is reported is committed with it.
 * @returns milliseconds until time alone changes the answer; null when only an event or a message can
 */
export async function reconcile(
  parts: ReconcilerParts,
  pod: { readonly namespace: string; readonly name: string },
  interrupt: AbortSignal,
  signal: AbortSignal,
): Promise<number | null> {
  const turn: Turn = { ...pod, images: new Map(), interrupt };
  refreshMounted(parts, pod);
  for (let step = 0; step < maxSteps && !signal.aborted; step += 1) {
    const session = parts.session();
    if (session === null) return null;
    const seen = await parts.observer.look(signal);
    if (!seen.ok) return afterUnknownMs;
    const situation = take(parts, turn, seen.value, session);
    if (situation.desired === null && situation.leaving.length === 0) {
      return keepUnmanaged(parts, situation.observed, session, signal);
    }
    const next = plan(situation);
    keepStatuses(parts, situation, next);
    const actions = atOnce(next.actions);
    if (actions.length === 0) return next.lookAgainInMs;
    const known = await Promise.all(actions.map((action) => act(parts, turn, situation, action, signal)));
    if (known.includes(false)) return afterUnknownMs;
  }
  if (!signal.aborted) parts.log.write("error", "A pod keeps needing steps", { pod: podKey(pod) });
  return afterCirclesMs;
}

/** Reads what is wanted, and folds what was seen into the history on disk. */
function take(
  parts: ReconcilerParts,
  turn: Turn,
  seen: readonly ObservedContainer[],
  session: { readonly id: string; readonly lost: ReadonlySet<string> },
): Situation {
  const { store } = parts;
  const now = momentOf(parts.clock);
  const observed = seen.filter(
    (one) => one.installId === parts.installId() && one.pod.namespace === turn.namespace && one.pod.name === turn.name,
  );
  const desired = store.desiredPod(turn.namespace, turn.name);
  const leaving = store
    .leavingPods()
    .filter((one) => one.id.namespace === turn.namespace && one.id.name === turn.name && !one.gone);
  const uids = new Set(
    [desired?.pod.id.uid, ...leaving.map((one) => one.id.uid)].filter((uid) => uid !== undefined && uid !== ""),
  );
  for (const uid of uids) {
    if (uid === undefined) continue;
    const before = store.history(uid);
    const pod = desired?.pod.id.uid === uid ? desired.pod : leaving.find((one) => one.id.uid === uid)?.pod;
    const seenOfIt = observed.filter((one) => one.pod.uid === uid);
    const its = withLastWords(parts.device, pod?.spec, seenOfIt, before);
    const { history, events } = record(before, its, { now, session: session.id, lostSessions: session.lost });
    if (events.length === 0 && JSON.stringify(history) === JSON.stringify(before)) continue;
    store.transaction("normal", () => {
      store.putHistory(uid, history);
      for (const event of events) note(parts, turn, event);
    });
  }
  const history = desired === null ? {} : store.history(desired.pod.id.uid);
  const images = Object.fromEntries([...turn.images].map(([container, image]) => [container, image?.id ?? null]));
  const probes = parts.prober.follow(turn, { desired, observed, history });
  return { desired, leaving, observed, history, images, probes, now };
}

/** Carries out one action and keeps what came of it. False when nothing is known and the turn should end. */
async function act(
  parts: ReconcilerParts,
  turn: Turn,
  situation: Situation,
  action: Action,
  signal: AbortSignal,
): Promise<boolean> {
  const { desired } = situation;
  begin(parts, turn, situation, action);
  const context = { installId: parts.installId(), desired, images: turn.images, interrupt: turn.interrupt };
  const outcome = await execute(parts, action, context, signal);
  if (action.kind === "finish") {
    finish(parts, turn, situation, action.leaving);
    return true;
  }
  return settle(parts, turn, situation, action, outcome);
}

/** What must be on disk before the call: an attempt that is about to be made, and why something stops. */
function begin(parts: ReconcilerParts, turn: Turn, situation: Situation, action: Action): void {
  const { store } = parts;
  if (action.kind === "resolve") return;
  parts.log.write("info", "Action", { pod: podKey(turn), action: showAction(action) });
  store.transaction("normal", () => {
    if (action.kind === "create" && situation.desired !== null)
      beginAttempt(store, situation, situation.desired, action);
    if (action.kind !== "finish") note(parts, turn, announce(action));
  });
}

const announced = {
  pull: "Pulling",
  create: "Creating",
  start: "Starting",
  stop: "Killing",
  remove: "Removing",
} as const;

function announce(action: Exclude<Action, { kind: "resolve" | "finish" }>): Omit<PodEvent, "pod"> {
  return { type: "Normal", container: action.container, reason: announced[action.kind], message: showAction(action) };
}

function beginAttempt(
  store: Store,
  situation: Situation,
  desired: DesiredPod,
  action: Extract<Action, { kind: "create" }>,
): void {
  const spec = partOf(desired, action.container);
  if (spec === undefined) return;
  const made = { attempt: action.attempt, generation: desired.generation, ...hashesOf(desired, spec) };
  const before = situation.history[action.container] ?? emptyHistory(made);
  const next: ContainerHistory = {
    ...before,
    ...made,
    backoffLevel: action.backoffLevel,
    current: null,
    termination: null,
    lastTermination: before.termination ?? before.lastTermination,
    diedAt: null,
  };
  store.putHistory(desired.pod.id.uid, { ...situation.history, [action.container]: next });
}

function settle(
  parts: ReconcilerParts,
  turn: Turn,
  situation: Situation,
  action: Exclude<Action, { kind: "finish" }>,
  outcome: Outcome,
): boolean {
  switch (outcome.kind) {
    case "done":
      if (outcome.warnings.length > 0) warn(parts, turn, situation, action.container, outcome.warnings);
      return true;
    case "image":
      turn.images.set(action.container, outcome.image);
      if (outcome.image !== null) pin(parts.store, situation, action.container, outcome.image, outcome.pulled);
      return true;
    case "failed":
      return fail(parts, turn, situation, action, outcome);
    case "unknown":
      // A pull that was given up for a new intent is no trouble: that intent has this pod looked at again at once.
      if (!(action.kind === "pull" && turn.interrupt.aborted)) {
        parts.log.write("warn", "Action has no known outcome", {
          pod: podKey(turn),
          action: showAction(action),
          error: outcome.error.message,
        });
      }
      return false;
    default:
      return outcome satisfies never;
  }
}

/** Each warning of the engine is told once for a container of a pod, however often it is made. */
function warn(
  parts: ReconcilerParts,
  turn: Turn,
  { desired }: Situation,
  container: string,
  warnings: readonly string[],
): void {
  const { store } = parts;
  const history = desired === null ? {} : store.history(desired.pod.id.uid);
  const before = history[container];
  const told = before?.warnings ?? [];
  const fresh = warnings.filter((message) => !told.includes(message));
  if (fresh.length === 0) return;
  store.transaction("normal", () => {
    for (const message of fresh) note(parts, turn, { type: "Warning", container, reason: "EngineWarning", message });
    if (desired === null || before === undefined) return;
    const kept = [...told, ...fresh].slice(-mostWarnings);
    store.putHistory(desired.pod.id.uid, { ...history, [container]: { ...before, warnings: kept } });
  });
}

/** The id an image name stands for is kept, so that a restart needs neither the name nor the registry. */
function pin(store: Store, situation: Situation, container: string, image: ImageFacts, pulled: boolean): void {
  const { desired } = situation;
  const spec = desired === null ? undefined : partOf(desired, container);
  if (desired === null || spec === undefined) return;
  const hashes = hashesOf(desired, spec);
  const before =
    situation.history[container] ?? emptyHistory({ attempt: 0, generation: desired.generation, ...hashes });
  const pulledFor = pulled
    ? hashes.specHash
    : before.pinnedImage?.name === spec.image
      ? before.pinnedImage.pulledFor
      : "";
  const pinnedImage = {
    name: spec.image,
    id: image.id,
    ...(image.digest === undefined ? {} : { digest: image.digest }),
    pulledFor,
  };
  const failure = pulled && before.failure?.reason === "ErrImagePull" ? null : before.failure;
  const history = { ...situation.history, [container]: { ...before, pinnedImage, failure } };
  store.putHistory(desired.pod.id.uid, history);
}

/** Keeps why it failed, for the report and the wait; what belongs to no container of the desired pod is tried again soon. */
function fail(
  parts: ReconcilerParts,
  turn: Turn,
  situation: Situation,
  action: Exclude<Action, { kind: "finish" }>,
  outcome: Extract<Outcome, { kind: "failed" }>,
): boolean {
  const { desired } = situation;
  const spec = desired === null ? undefined : partOf(desired, action.container);
  const { reason, message, containerId } = outcome;
  parts.log.write("warn", "Action failed", { pod: podKey(turn), action: showAction(action), reason, message });
  parts.store.transaction("normal", () => {
    note(parts, turn, { type: "Warning", container: action.container, reason, message });
    if (desired === null || spec === undefined || action.kind === "stop" || action.kind === "remove") return;
    const history = parts.store.history(desired.pod.id.uid);
    const before =
      history[action.container] ??
      emptyHistory({ attempt: 0, generation: desired.generation, ...hashesOf(desired, spec) });
    const wanted = wantedKey(desired, spec);
    const count = before.failure?.wanted === wanted && before.failure.reason === reason ? before.failure.count + 1 : 1;
    const failure = { reason, message, count, wanted, containerId, at: momentOf(parts.clock) };
    parts.store.putHistory(desired.pod.id.uid, { ...history, [action.container]: { ...before, failure } });
  });
  return action.kind !== "stop" && action.kind !== "remove";
}

/** A leaving pod has no container left: its final status is kept until it was reported, everything else of it goes. */
function finish(parts: ReconcilerParts, turn: Turn, situation: Situation, leaving: LeavingPod): void {
  const { store } = parts;
  const { uid } = leaving.id;
  const wantedAgain = situation.desired?.pod.id.uid === uid;
  store.transaction("normal", () => {
    note(parts, turn, {
      type: "Normal",
      container: "",
      reason: "Deleted",
      message: `Pod ${leaving.id.name} (${uid || "any uid"}) is gone`,
    });
    if (leaving.pod === null || uid === "" || wantedAgain) store.deleteLeavingPod(leaving.seq);
    else {
      keepStatus(parts, leaving.pod, {
        history: store.history(uid),
        observed: [],
        waiting: {},
        probes: {},
        leaving: "gone",
        acceptedAtWall: leaving.acceptedAt.wall,
      });
      store.putLeavingPod({ ...leaving, gone: true });
    }
    if (uid !== "") store.deleteHistory(uid);
  });
  if (uid !== "" && !wantedAgain) parts.device.removeVolumes(uid);
  parts.reported();
}

function note(
  parts: ReconcilerParts,
  turn: { readonly namespace: string; readonly name: string },
  event: Omit<PodEvent, "pod">,
): void {
  parts.store.appendEvent({ ...event, pod: podKey(turn) }, momentOf(parts.clock));
}
