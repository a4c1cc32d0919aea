import { tellingPulls } from "../../core/image/pull-progress.ts";
import type { Action } from "../../core/pod/action.ts";
import type { DesiredPod, TerminatingPod } from "../../core/pod/desired.ts";
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
import type { ContainerLister } from "../engine/container-lister.ts";
import { momentOf } from "../loop/moment.ts";
import type { Prober } from "../probes/prober.ts";
import { imagesKey, type ReconcilePass, recordOutcome, recordPodEvent } from "./action-outcome.ts";
import { recordStart } from "./action-start.ts";
import { refreshMounted } from "./config-maps.ts";
import { type ExecuteContext, type ExecutorParts, execute, secretsOf } from "./executor.ts";
import { freeNpus, takeNpus } from "./npus.ts";
import { keepOrphansRunning } from "./orphans.ts";
import { isAwaited, notYetHere, type PodPulls } from "./pod-pulls.ts";
import { keepStatus, keepStatuses, type StatusKeeperParts } from "./pod-statuses.ts";
import { withLastWords } from "./termination-message.ts";

export interface ReconcilerParts extends ExecutorParts, StatusKeeperParts {
  readonly store: Store;
  readonly log: Log;
  readonly lister: ContainerLister;
  readonly prober: Pick<Prober, "sync">;
  readonly pulls: Pick<PodPulls, "sync" | "takeEnded" | "progressTenths" | "isUnderWay">;
  /** The engine's session at hand; null while the engine is not ready. */
  readonly engineRun: () => EngineRun | null;
  readonly installId: () => string;
  /** Why no new pod is to begin now, null when one may. */
  readonly startsHeld: () => Waiting | null;
}

/** One pod of the name, and what is to be done for it. */
interface PodPlan {
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
  const pass: ReconcilePass = { ...pod, images: new Map() };
  refreshMounted(parts, pod);
  for (let step = 0; step < maxSteps && !signal.aborted; step += 1) {
    const engineRun = parts.engineRun();
    if (engineRun === null) return null;
    const known = recordPulls(parts, pass);
    const seen = await parts.lister.list(signal);
    if (!seen.ok || parts.engineRun()?.id !== engineRun.id) return afterUnknownMs;
    const { situation, podPlans, podPlan } = decide(parts, pass, { known, seen: seen.value, engineRun });
    if (situation.desired === null && situation.terminating.length === 0) {
      parts.pulls.sync(podKey(pod), []);
      return keepOrphansRunning(
        parts,
        { observed: situation.observed, seen: seen.value, engineRunId: engineRun.id },
        signal,
      );
    }
    if (!known) return afterUnknownMs;
    needPulls(parts, pass, podPlans);
    if (podPlan === undefined) return soonest(podPlans);
    const told = await Promise.all(
      podPlan.steps.map((action) => carryOut(parts, pass, podPlan.situation, action, signal)),
    );
    if (told.includes(false)) return afterUnknownMs;
  }
  if (!signal.aborted) parts.log.write("error", "A pod keeps needing steps", { pod: podKey(pod) });
  return afterCirclesMs;
}

/** See `EngineInfo`. */
export interface EngineRun {
  readonly id: string | null;
}

/** What a list showed, in which session of the engine; `known`: it is certain what came of all that was done before. */
interface Listing {
  readonly seen: readonly ObservedContainer[];
  readonly engineRun: EngineRun;
  readonly known: boolean;
}

/** What is to be done now: the first steps of the first podPlan that has any. */
interface Decision {
  readonly situation: Situation;
  readonly podPlans: readonly PodPlan[];
  readonly podPlan: (PodPlan & { readonly steps: readonly Action[] }) | undefined;
}

/**
 * From what was seen to what is to be done. One commit holds all of it, the record, the statuses and what is about to be
 * done: each costs flash, and a pod may crash for a month.
 */
function decide(parts: ReconcilerParts, pass: ReconcilePass, { known, seen, engineRun }: Listing): Decision {
  const { desired, terminating } = namesakes(parts.store, pass);
  const installId = parts.installId();
  const observed = seen.filter(
    (one) => one.pod.name === pass.name && one.pod.namespace === pass.namespace && one.installId === installId,
  );
  const records = recordsOf(parts, { desired, terminating, observed }, engineRun);
  return parts.store.transaction(records.some(({ ofJob }) => ofJob) ? "full" : "normal", () => {
    for (const { uid, history, events } of records) {
      parts.store.putHistory(uid, history);
      for (const event of events) recordPodEvent(parts, pass, event);
    }
    const situation = situationOf(parts, pass, { desired, terminating, observed, seen });
    if (desired === null && terminating.length === 0) return { situation, podPlans: [], podPlan: undefined };
    const podPlans = podPlansOf(parts, pass, situation);
    const first = podPlans.map((one) => ({ ...one, steps: atOnce(one.next.actions.filter(isStep)) }));
    const podPlan = known ? first.find(({ steps }) => steps.length > 0) : undefined;
    for (const action of podPlan?.steps ?? []) recordStart(parts, pass, podPlan?.situation ?? situation, action);
    return { situation, podPlans: podPlans, podPlan: podPlan };
  });
}

/** What is to be done for the pod that is wanted, and before it for the one that lives on until it may take its place. */
function podPlansOf(parts: ReconcilerParts, pass: ReconcilePass, situation: Situation): readonly PodPlan[] {
  const planned = (of: Situation): Plan =>
    tellingPulls(plan(of), (name) => parts.pulls.progressTenths(podKey(pass), of.desired?.pod.id.uid ?? "", name));
  const next = planned(situation);
  const { keepsRunning: livesOn } = next;
  const old = asDesired(livesOn);
  const known = old === null ? null : knownOf(parts, pass, old);
  const older = livesOn === undefined || known === null ? null : stillWanted(situation, livesOn, known);
  const podPlan = older === null ? null : { situation: older, next: planned(older) };
  keepStatuses(parts, situation, next, podPlan?.next ?? null);
  return podPlan === null ? [{ situation, next }] : [podPlan, { situation, next }];
}

const isStep = (action: Action): boolean => action.kind !== "pull";

/** Milliseconds until time alone changes any of the answers; null when it does not. */
function soonest(podPlans: readonly PodPlan[]): number | null {
  const times = podPlans.flatMap(({ next }) => next.requeueAfterMs ?? []);
  return times.length === 0 ? null : Math.min(...times);
}

/** Pulls are begun and not waited for; whoever is needed no more is given up. */
function needPulls(parts: ReconcilerParts, pass: ReconcilePass, podPlans: readonly PodPlan[]): void {
  // Each turn asks anew what is here: until that is known, no pull under way is known to be needless.
  if (podPlans.some(({ next }) => next.actions.some(({ kind }) => kind === "resolve"))) return;
  const needed = podPlans.flatMap(({ situation, next }) =>
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
          recordStart(parts, pass, situation, action);
          return execute(parts, action, contextOf(parts, pass, desired), signal, told);
        },
      };
    }),
  );
  parts.pulls.sync(podKey(pass), needed);
}

/** Keeps what came of pulls that have ended since. False when that is not known of one: it is tried again a little later. */
function recordPulls(parts: ReconcilerParts, pass: ReconcilePass): boolean {
  const { store } = parts;
  const landed = parts.pulls.takeEnded(podKey(pass)).map(({ uid, wanted, action, outcome }) => {
    const desired = store.desiredPod(pass.namespace, pass.name);
    const old = store.terminatingPods().find((one) => one.id.uid === uid);
    const its = desired?.pod.id.uid === uid ? desired : asDesired(old);
    const spec = its === null ? undefined : partOf(its, action.container);
    // A message that came while its worker was busy wants something else: its image may be another.
    if (its === null || spec === undefined || wantedKey(its, spec) !== wanted) return true;
    return recordOutcome(parts, pass, { desired: its, history: store.history(uid) }, action, outcome);
  });
  return !landed.includes(false);
}

function knownOf(
  parts: ReconcilerParts,
  pass: ReconcilePass,
  wanted: DesiredPod,
): Pick<Situation, "history" | "images"> {
  const { uid } = wanted.pod.id;
  const found = pass.images.get(imagesKey(wanted)) ?? [];
  const images = [...found].map(([container, image]) => [container, image?.id ?? null]);
  return { history: parts.store.history(uid), images: Object.fromEntries(images) };
}

function contextOf(parts: ReconcilerParts, pass: ReconcilePass, desired: DesiredPod | null): ExecuteContext {
  const images = (desired === null ? undefined : pass.images.get(imagesKey(desired))) ?? new Map();
  return { installId: parts.installId(), desired, images };
}

/** The pods of a name: the one that is wanted, and those that go. */
function namesakes(store: Store, pass: ReconcilePass): Pick<Situation, "desired" | "terminating"> {
  const terminating = store
    .terminatingPods()
    .filter((one) => one.id.namespace === pass.namespace && one.id.name === pass.name && !one.isTerminated);
  return { desired: store.desiredPod(pass.namespace, pass.name), terminating };
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
  { desired, terminating, observed }: Pick<Situation, "desired" | "terminating" | "observed">,
  engineRun: Listing["engineRun"],
): readonly News[] {
  const now = momentOf(parts.clock);
  const pods = new Map<string, AcceptedPod | null>();
  if (desired !== null) pods.set(desired.pod.id.uid, desired.pod);
  for (const { id, pod } of terminating) if (id.uid !== "" && !pods.has(id.uid)) pods.set(id.uid, pod);
  return [...pods].flatMap(([uid, pod]) => {
    const before = parts.store.history(uid);
    const seenOfIt = observed.filter((one) => one.pod.uid === uid);
    const its = withLastWords(parts.device, pod?.spec, seenOfIt, before);
    const { history, events } = record(before, its, { now, engineRunId: engineRun.id });
    if (events.length === 0 && history === before) return [];
    return [{ uid, history, events, ofJob: pod !== null && pod.spec.restartPolicy !== "Always" }];
  });
}

function situationOf(
  parts: ReconcilerParts,
  pass: ReconcilePass,
  look: Pick<Situation, "desired" | "terminating" | "observed"> & Pick<Listing, "containers">,
): Situation {
  const { desired, terminating, observed } = look;
  const known = desired === null ? { history: {}, images: {} } : knownOf(parts, pass, desired);
  // While one of its name lives on or goes, nothing of the new pod runs.
  const old = asDesired(terminating[0]);
  const probed = old === null ? known.history : parts.store.history(old.pod.id.uid);
  const probes = parts.prober.sync(pass, { desired: old ?? desired, observed, history: probed });
  const npus = takeNpus(parts, look, parts.onStatusChanged);
  const now = momentOf(parts.clock);
  return { desired, terminating, observed, ...known, probes, npus, startsHeld: parts.startsHeld(), now };
}

/** Carries out one action and keeps what came of it. False when nothing is known and the turn should end. */
async function carryOut(
  parts: ReconcilerParts,
  pass: ReconcilePass,
  situation: Situation,
  action: Action,
  signal: AbortSignal,
): Promise<boolean> {
  const outcome = await execute(parts, action, contextOf(parts, pass, situation.desired), signal);
  if (action.kind === "finish") {
    finish(parts, pass, situation, action.terminating);
    return true;
  }
  return recordOutcome(
    parts,
    pass,
    situation,
    action,
    isAwaited(parts.pulls, situation.desired, action) ? notYetHere : outcome,
  );
}

/** A terminating pod has no container left: its final status is kept until it was reported, everything else of it goes. */
function finish(parts: ReconcilerParts, pass: ReconcilePass, situation: Situation, terminating: TerminatingPod): void {
  const { store } = parts;
  const { uid } = terminating.id;
  const wantedAgain = situation.desired?.pod.id.uid === uid;
  store.transaction("normal", () => {
    recordPodEvent(parts, pass, {
      type: "Normal",
      container: "",
      reason: "Deleted",
      message: `Pod ${terminating.id.name} (${uid || "any uid"}) is gone`,
    });
    if (terminating.pod === null || uid === "" || wantedAgain) store.deleteTerminatingPod(terminating.seq);
    else {
      keepStatus(parts, terminating.pod, {
        history: store.history(uid),
        observed: [],
        waiting: {},
        probes: {},
        termination: "terminated",
        acceptedAtWall: terminating.acceptedAt.wall,
      });
      store.putTerminatingPod({ ...terminating, isTerminated: true });
    }
    if (uid !== "") store.deleteHistory(uid);
    if (uid !== "" && !wantedAgain) freeNpus(store, terminating.id);
  });
  if (uid !== "" && !wantedAgain) parts.device.removeVolumes(uid);
  parts.onStatusChanged();
}
