import { tellingPulls } from "../../core/image/pull-progress.ts";
import type { Action } from "../../core/pod/action.ts";
import type { DesiredPod, LeavingPod } from "../../core/pod/desired.ts";
import type { ObservedContainer } from "../../core/pod/observed.ts";
import { plan } from "../../core/pod/plan.ts";
import { type Recorded, record } from "../../core/pod/record.ts";
import { atOnce } from "../../core/pod/sandbox-plan.ts";
import type { Plan, Situation, Waiting } from "../../core/pod/situation.ts";
import { type AcceptedPod, podKey } from "../../core/pod/spec.ts";
import { asDesired, stillWanted } from "../../core/pod/terminating-plan.ts";
import { partOf, wantedKey } from "../../core/pod/wanted.ts";
import type { Log } from "../../ports/log.ts";
import type { Store } from "../../ports/store.ts";
import type { Observer } from "../engine/container-lister.ts";
import { momentOf } from "../loop/moment.ts";
import type { Prober } from "../probes/prober.ts";
import { imagesKey, note, settle, type Turn } from "./action-outcome.ts";
import { begin } from "./action-start.ts";
import { refreshMounted } from "./config-maps.ts";
import type { ExecuteContext } from "./create-request.ts";
import { type ExecutorParts, execute, secretsOf } from "./executor.ts";
import { freeNpus, takeNpus } from "./npus.ts";
import { keepUnmanaged } from "./orphans.ts";
import { isAwaited, notYetHere, type PodPulls } from "./pod-pulls.ts";
import { keepStatus, keepStatuses, type StatusKeeperParts } from "./pod-statuses.ts";
import { withLastWords } from "./termination-message.ts";

export interface ReconcilerParts extends ExecutorParts, StatusKeeperParts {
  readonly store: Store;
  readonly log: Log;
  readonly observer: Observer;
  readonly prober: Pick<Prober, "follow">;
  readonly pulls: Pick<PodPulls, "need" | "landed" | "tenths" | "isUnderWay">;
  /** The engine's session at hand; null while the engine is not ready. */
  readonly session: () => EngineSession | null;
  readonly installId: () => string;
  /** Why no new pod is to begin now, null when one may. */
  readonly held: () => Waiting | null;
}

/** One pod of the name, and what is to be done for it. */
interface Course {
  readonly situation: Situation;
  readonly next: Plan;
}

/** More steps than any pod needs; beyond it something is going round in circles, and the device must not burn for it. */
const maxSteps = 1024;
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
  signal: AbortSignal,
): Promise<number | null> {
  const turn: Turn = { ...pod, images: new Map() };
  refreshMounted(parts, pod);
  for (let step = 0; step < maxSteps && !signal.aborted; step += 1) {
    const session = parts.session();
    if (session === null) return null;
    const known = land(parts, turn);
    const seen = await parts.observer.look(signal);
    if (!seen.ok || parts.session()?.id !== session.id) return afterUnknownMs;
    const { situation, courses, course } = decide(parts, turn, { known, seen: seen.value, session });
    if (situation.desired === null && situation.leaving.length === 0) {
      parts.pulls.need(podKey(pod), []);
      return keepUnmanaged(parts, { observed: situation.observed, seen: seen.value, session: session.id }, signal);
    }
    if (!known) return afterUnknownMs;
    needPulls(parts, turn, courses);
    if (course === undefined) return soonest(courses);
    const told = await Promise.all(course.steps.map((action) => act(parts, turn, course.situation, action, signal)));
    if (told.includes(false)) return afterUnknownMs;
  }
  if (!signal.aborted) parts.log.write("error", "A pod keeps needing steps", { pod: podKey(pod) });
  return afterCirclesMs;
}

/** See `EngineInfo`. */
export interface EngineSession {
  readonly id: string | null;
}

/** What a list showed, in which session of the engine; `known`: it is certain what came of all that was done before. */
interface Look {
  readonly seen: readonly ObservedContainer[];
  readonly session: EngineSession;
  readonly known: boolean;
}

/** What is to be done now: the first steps of the first course that has any. */
interface Decision {
  readonly situation: Situation;
  readonly courses: readonly Course[];
  readonly course: (Course & { readonly steps: readonly Action[] }) | undefined;
}

/**
 * From what was seen to what is to be done. One commit holds all of it, the record, the statuses and what is about to be
 * done: each costs flash, and a pod may crash for a month.
 */
function decide(parts: ReconcilerParts, turn: Turn, { known, seen, session }: Look): Decision {
  const { desired, leaving } = namesakes(parts.store, turn);
  const installId = parts.installId();
  const observed = seen.filter(
    (one) => one.pod.name === turn.name && one.pod.namespace === turn.namespace && one.installId === installId,
  );
  const records = recordsOf(parts, { desired, leaving, observed }, session);
  return parts.store.transaction(records.some(({ ofJob }) => ofJob) ? "full" : "normal", () => {
    for (const { uid, history, events } of records) {
      parts.store.putHistory(uid, history);
      for (const event of events) note(parts, turn, event);
    }
    const situation = situationOf(parts, turn, { desired, leaving, observed, seen });
    if (desired === null && leaving.length === 0) return { situation, courses: [], course: undefined };
    const courses = coursesOf(parts, turn, situation);
    const first = courses.map((one) => ({ ...one, steps: atOnce(one.next.actions.filter(isStep)) }));
    const course = known ? first.find(({ steps }) => steps.length > 0) : undefined;
    for (const action of course?.steps ?? []) begin(parts, turn, course?.situation ?? situation, action);
    return { situation, courses, course };
  });
}

/** What is to be done for the pod that is wanted, and before it for the one that lives on until it may take its place. */
function coursesOf(parts: ReconcilerParts, turn: Turn, situation: Situation): readonly Course[] {
  const planned = (of: Situation): Plan =>
    tellingPulls(plan(of), (name) => parts.pulls.tenths(podKey(turn), of.desired?.pod.id.uid ?? "", name));
  const next = planned(situation);
  const { livesOn } = next;
  const old = asDesired(livesOn);
  const known = old === null ? null : knownOf(parts, turn, old);
  const older = livesOn === undefined || known === null ? null : stillWanted(situation, livesOn, known);
  const course = older === null ? null : { situation: older, next: planned(older) };
  keepStatuses(parts, situation, next, course?.next ?? null);
  return course === null ? [{ situation, next }] : [course, { situation, next }];
}

const isStep = (action: Action): boolean => action.kind !== "pull";

/** Milliseconds until time alone changes any of the answers; null when it does not. */
function soonest(courses: readonly Course[]): number | null {
  const times = courses.flatMap(({ next }) => next.lookAgainInMs ?? []);
  return times.length === 0 ? null : Math.min(...times);
}

/** Pulls are begun and not waited for; whoever is needed no more is given up. */
function needPulls(parts: ReconcilerParts, turn: Turn, courses: readonly Course[]): void {
  // Each turn asks anew what is here: until that is known, no pull under way is known to be needless.
  if (courses.some(({ next }) => next.actions.some(({ kind }) => kind === "resolve"))) return;
  const needed = courses.flatMap(({ situation, next }) =>
    next.actions.flatMap((action) => {
      const { desired } = situation;
      if (action.kind !== "pull" || desired === null) return [];
      const spec = partOf(desired, action.container);
      if (spec === undefined) return [];
      const { uid } = desired.pod.id;
      const wanted = wantedKey(desired, spec);
      const shown = secretsOf(parts.store, action.image, desired);
      return {
        id: JSON.stringify([uid, action.container, action.image, wanted, shown]),
        ...{ uid, wanted, action },
        begin: (signal: AbortSignal, told: (tenths: number) => void) => {
          begin(parts, turn, situation, action);
          return execute(parts, action, contextOf(parts, turn, desired), signal, told);
        },
      };
    }),
  );
  parts.pulls.need(podKey(turn), needed);
}

/** Keeps what came of pulls that have ended since. False when that is not known of one: it is tried again a little later. */
function land(parts: ReconcilerParts, turn: Turn): boolean {
  const { store } = parts;
  const landed = parts.pulls.landed(podKey(turn)).map(({ uid, wanted, action, outcome }) => {
    const desired = store.desiredPod(turn.namespace, turn.name);
    const old = store.leavingPods().find((one) => one.id.uid === uid);
    const its = desired?.pod.id.uid === uid ? desired : asDesired(old);
    const spec = its === null ? undefined : partOf(its, action.container);
    // A message that came while its worker was busy wants something else: its image may be another.
    if (its === null || spec === undefined || wantedKey(its, spec) !== wanted) return true;
    return settle(parts, turn, { desired: its, history: store.history(uid) }, action, outcome);
  });
  return !landed.includes(false);
}

function knownOf(parts: ReconcilerParts, turn: Turn, wanted: DesiredPod): Pick<Situation, "history" | "images"> {
  const { uid } = wanted.pod.id;
  const found = turn.images.get(imagesKey(wanted)) ?? [];
  const images = [...found].map(([container, image]) => [container, image?.id ?? null]);
  return { history: parts.store.history(uid), images: Object.fromEntries(images) };
}

function contextOf(parts: ReconcilerParts, turn: Turn, desired: DesiredPod | null): ExecuteContext {
  const images = (desired === null ? undefined : turn.images.get(imagesKey(desired))) ?? new Map();
  return { installId: parts.installId(), desired, images };
}

/** The pods of a name: the one that is wanted, and those that go. */
function namesakes(store: Store, turn: Turn): Pick<Situation, "desired" | "leaving"> {
  const leaving = store
    .leavingPods()
    .filter((one) => one.id.namespace === turn.namespace && one.id.name === turn.name && !one.gone);
  return { desired: store.desiredPod(turn.namespace, turn.name), leaving };
}

/** What a look adds to what is known of one pod. */
interface News extends Recorded {
  readonly uid: string;
  /**
   * What becomes of a job is kept over a power cut, before it is started even: after one nobody could tell whether it has
   * ended by itself.
   */
  readonly ofJob: boolean;
}

/** Folds what was seen into the histories of the pods it is of; those that it adds nothing to are left out. */
function recordsOf(
  parts: ReconcilerParts,
  { desired, leaving, observed }: Pick<Situation, "desired" | "leaving" | "observed">,
  session: Look["session"],
): readonly News[] {
  const now = momentOf(parts.clock);
  const pods = new Map<string, AcceptedPod | null>();
  if (desired !== null) pods.set(desired.pod.id.uid, desired.pod);
  for (const { id, pod } of leaving) if (id.uid !== "" && !pods.has(id.uid)) pods.set(id.uid, pod);
  return [...pods].flatMap(([uid, pod]) => {
    const before = parts.store.history(uid);
    const seenOfIt = observed.filter((one) => one.pod.uid === uid);
    const its = withLastWords(parts.device, pod?.spec, seenOfIt, before);
    const { history, events } = record(before, its, { now, session: session.id });
    if (events.length === 0 && history === before) return [];
    return [{ uid, history, events, ofJob: pod !== null && pod.spec.restartPolicy !== "Always" }];
  });
}

function situationOf(
  parts: ReconcilerParts,
  turn: Turn,
  look: Pick<Situation, "desired" | "leaving" | "observed"> & Pick<Look, "seen">,
): Situation {
  const { desired, leaving, observed } = look;
  const known = desired === null ? { history: {}, images: {} } : knownOf(parts, turn, desired);
  // While one of its name lives on or goes, nothing of the new pod runs.
  const old = asDesired(leaving[0]);
  const probed = old === null ? known.history : parts.store.history(old.pod.id.uid);
  const probes = parts.prober.follow(turn, { desired: old ?? desired, observed, history: probed });
  const npus = takeNpus(parts, look, parts.reported);
  const now = momentOf(parts.clock);
  return { desired, leaving, observed, ...known, probes, npus, held: parts.held(), now };
}

/** Carries out one action and keeps what came of it. False when nothing is known and the turn should end. */
async function act(
  parts: ReconcilerParts,
  turn: Turn,
  situation: Situation,
  action: Action,
  signal: AbortSignal,
): Promise<boolean> {
  const outcome = await execute(parts, action, contextOf(parts, turn, situation.desired), signal);
  if (action.kind === "finish") {
    finish(parts, turn, situation, action.leaving);
    return true;
  }
  return settle(
    parts,
    turn,
    situation,
    action,
    isAwaited(parts.pulls, situation.desired, action) ? notYetHere : outcome,
  );
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
    if (uid !== "" && !wantedAgain) freeNpus(store, leaving.id);
  });
  if (uid !== "" && !wantedAgain) parts.device.removeVolumes(uid);
  parts.reported();
}
