// agent/pods: one worker for each pod: read, plan, save, execute.

import { ownValue } from "../../core/base/own-value.ts";
import type { PodHistory } from "../../core/pod/container-history.ts";
import type { DesiredPod, TerminatingPod } from "../../core/pod/desired.ts";
import { stillTerminating } from "../../core/pod/known-pods.ts";
import type { ObservedContainer } from "../../core/pod/observed.ts";
import type { ProbeVerdicts } from "../../core/pod/probe.ts";
import { type Recorded, record } from "../../core/pod/record.ts";
import type { Waiting } from "../../core/pod/situation.ts";
import { type AcceptedPod, podKey } from "../../core/pod/spec.ts";
import { asDesired, asProbed } from "../../core/pod/terminating-plan.ts";
import { versionBefore } from "../../core/pod/version-before.ts";
import { partOf, wantedKey } from "../../core/pod/wanted.ts";
import type { Log } from "../../ports/log.ts";
import type { Store } from "../../ports/store.ts";
import type { ContainerLister } from "../engine/container-lister.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { momentOf } from "../loop/moment.ts";
import type { Prober } from "../probes/prober.ts";
import { type ReconcilePass, recordOutcome } from "./action-outcome.ts";
import { pullRecorder, recordStart } from "./action-start.ts";
import { type CarryOutParts, carryOut } from "./carry-out.ts";
import { refreshMounted } from "./config-maps.ts";
import type { Drift } from "./drift.ts";
import { executePull, secretsOf } from "./execute-pull.ts";
import { type NpuReading, readNpus, saveNpus } from "./npus.ts";
import { keepOrphansRunning } from "./orphans.ts";
import type { OwnEvents } from "./own-events.ts";
import { firstSteps, inOrder, type NextSteps, planPods, soonest } from "./plan-pods.ts";
import type { EndedPull, NeededPull, PodPulls } from "./pod-pulls.ts";
import { type PodPlan, type PodPlans, saveStatuses } from "./pod-statuses.ts";
import { withLastWords } from "./termination-message.ts";

export interface ReconcilerParts extends CarryOutParts {
  readonly store: Store;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly lister: Pick<ContainerLister, "begun" | "changed" | "list">;
  readonly ownEvents: Pick<OwnEvents, "begin" | "end" | "forget">;
  readonly prober: Pick<Prober, "sync">;
  readonly drift: Pick<Drift, "outdated">;
  readonly pulls: Pick<PodPulls, "sync" | "takeEnded" | "progress" | "isUnderWay">;
  /** The run of the engine at hand; null while the engine is not ready. */
  readonly engineRun: () => EngineRun | null;
  readonly installId: () => string;
  /** Why no new pod is to begin now, null when one may. */
  readonly startsHeld: () => Waiting | null;
}

/** See `EngineInfo.runId`. */
export interface EngineRun {
  readonly id: string | null;
}

/** What a list showed, with what was done since, and in which run of the engine. */
interface Listing {
  readonly containers: readonly ObservedContainer[];
  readonly engineRun: EngineRun;
}

/** The pods of one name as the store and a list have them. Nothing of it is written yet. */
interface Reading {
  readonly desired: DesiredPod | null;
  readonly terminating: readonly TerminatingPod[];
  readonly observed: readonly ObservedContainer[];
  /** What the list adds to the histories. */
  readonly records: readonly PodRecord[];
  readonly npus: NpuReading;
  /** See `Situation.before`. */
  readonly before: DesiredPod | null;
}

/** What a list adds to what is known of one pod. */
interface PodRecord extends Recorded {
  readonly uid: string;
  /**
   * What becomes of a job is kept over a power cut, before it is started even: after one nobody could tell whether it has
   * ended by itself.
   */
  readonly ofJob: boolean;
}

/** More steps than any pod needs; beyond it something is going round in circles, and the device must not burn for it. */
const maxSteps = 1024;
const afterCirclesMs = 10_000;
const afterUnknownMs = 2_000;

/**
 * Drives the pods of one name toward what is wanted: read, plan, save, execute the first steps, and again until nothing is
 * left to do. What was seen is saved before it is acted on, what is reported is saved with it. A step that worked tells what
 * it has left behind; whatever else happens meanwhile takes a list to know.
 * @param wokenAfter the list that is too old, by whatever has woken this pod
 * @returns milliseconds until time alone changes the answer; null when only an event or a message can
 */
export async function reconcile(
  parts: ReconcilerParts,
  pod: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
  wokenAfter: () => number,
): Promise<number | null> {
  const { lister } = parts;
  const pass: ReconcilePass = { namespace: pod.namespace, name: pod.name, images: new Map() };
  parts.ownEvents.forget(podKey(pass));
  await refreshMounted(parts, pass);
  let unknownUntil = 0;
  for (let step = 0; step < maxSteps && !signal.aborted; step += 1) {
    const engineRun = parts.engineRun();
    if (engineRun === null) return null;
    const outcomesKnown = recordEndedPulls(parts, pass);
    const listed = await lister.list(signal, Math.max(wokenAfter(), unknownUntil));
    if (!listed.ok || parts.engineRun()?.id !== engineRun.id) return afterUnknownMs;
    const listing: Listing = { containers: listed.value, engineRun };
    const reading = read(parts, pass, listing);
    const probes = syncProbes(parts, pass, reading);
    if (reading.desired === null && reading.terminating.length === 0) {
      parts.pulls.sync(podKey(pass), []);
      const { observed } = reading;
      const orphans = { observed, seen: listing.containers, engineRunId: engineRun.id };
      return keepOrphansRunning(parts, orphans, signal);
    }
    const podPlans = planPods(parts, pass, {
      ...reading,
      npus: reading.npus.inventory,
      probes,
      historyOf: (uid) => historyOf(parts, reading, uid),
    });
    const next = outcomesKnown ? firstSteps(podPlans) : null;
    save(parts, pass, reading, podPlans, next);
    if (!outcomesKnown) return afterUnknownMs;
    syncPulls(parts, pass, podPlans);
    if (next === null) return soonest(podPlans);
    const effect = await carryOut(parts, pass, next, signal);
    if (effect === "unknown") return afterUnknownMs;
    if (effect === "look") unknownUntil = lister.begun();
  }
  if (!signal.aborted) parts.log.write("error", "A pod keeps needing steps", { pod: podKey(pass) });
  return afterCirclesMs;
}

/** Reads what is known of the pods of this name; a list is folded into their histories. */
function read(parts: ReconcilerParts, pass: ReconcilePass, { containers, engineRun }: Listing): Reading {
  const { store, device } = parts;
  const desired = store.desiredPods.get(pass.namespace, pass.name);
  const terminating = stillTerminating(store.terminatingPods.list()).filter(({ id }) => isNamed(id, pass));
  const installId = parts.installId();
  const observed = containers.filter((container) => isNamed(container.pod, pass) && container.installId === installId);
  const records = recordsOf(parts, { desired, terminating, observed }, engineRun);
  const before = desired === null || terminating.length > 0 ? null : beforeUpdate(parts, desired, records);
  return {
    desired,
    before,
    terminating,
    observed,
    records,
    npus: readNpus({ store, device }, { desired, terminating, observed, seen: containers }),
  };
}

function beforeUpdate({ store }: ReconcilerParts, desired: DesiredPod, records: Reading["records"]): DesiredPod | null {
  const { namespace, name, uid } = desired.pod.id;
  const history = records.find((podRecord) => podRecord.uid === uid)?.history ?? store.histories.get(uid);
  return versionBefore(desired, store.desiredPods.previous(namespace, name), history);
}

type Name = Pick<ReconcilePass, "namespace" | "name">;

function isNamed(id: Name, { namespace, name }: Name): boolean {
  return id.name === name && id.namespace === namespace;
}

/** Folds what was seen into the histories of the pods it is of; those that it adds nothing to are left out. */
function recordsOf(
  parts: ReconcilerParts,
  { desired, terminating, observed }: Pick<Reading, "desired" | "terminating" | "observed">,
  engineRun: EngineRun,
): readonly PodRecord[] {
  const now = momentOf(parts.clock);
  const pods = new Map<string, AcceptedPod | null>();
  if (desired !== null) pods.set(desired.pod.id.uid, desired.pod);
  for (const { id, pod } of terminating) if (id.uid !== "" && !pods.has(id.uid)) pods.set(id.uid, pod);
  return [...pods].flatMap(([uid, pod]) => {
    const before = parts.store.histories.get(uid);
    const podContainers = observed.filter((container) => container.pod.uid === uid);
    const withMessages = withLastWords(parts.podFiles, pod?.spec, podContainers, before);
    const { history, events } = record(before, withMessages, { now, engineRunId: engineRun.id });
    if (events.length === 0 && history === before) return [];
    return [{ uid, history, events, ofJob: pod !== null && pod.spec.restartPolicy !== "Always" }];
  });
}

/** The history of a pod with what the list has added. */
function historyOf(parts: ReconcilerParts, { records }: Reading, uid: string): PodHistory {
  return records.find((podRecord) => podRecord.uid === uid)?.history ?? parts.store.histories.get(uid);
}

/** While a pod of this name keeps running or terminates, nothing of the new one runs: the older one is probed. */
function syncProbes(parts: ReconcilerParts, pass: ReconcilePass, reading: Reading): ProbeVerdicts {
  const oldest = asProbed(reading.terminating[0]);
  const probed = oldest ?? reading.before ?? reading.desired;
  const history = probed === null ? {} : historyOf(parts, reading, probed.pod.id.uid);
  const isDeleted = oldest !== null && reading.terminating[0]?.kind === "deleted";
  const verdicts = parts.prober.sync(pass, { desired: probed, isDeleted, observed: reading.observed, history });
  return withOutdated(verdicts, parts.drift.outdated(), reading.observed);
}

/** What is to be restarted for another cause than its probe is stopped as one that is not live. */
function withOutdated(
  verdicts: ProbeVerdicts,
  outdated: ReadonlyMap<string, string>,
  observed: readonly ObservedContainer[],
): ProbeVerdicts {
  const found = observed.filter(({ id }) => outdated.has(id));
  if (found.length === 0) return verdicts;
  const stopped = found.map(({ id }) => {
    const ready = ownValue(verdicts, id)?.ready ?? null;
    return [id, { ready, live: false, why: outdated.get(id) ?? "" }] as const;
  });
  return { ...verdicts, ...Object.fromEntries(stopped) };
}

/** One commit for all that a pass writes: each costs flash, and a pod may crash for a month. */
function save(
  parts: ReconcilerParts,
  pass: ReconcilePass,
  { records, npus }: Reading,
  podPlans: PodPlans,
  next: NextSteps | null,
): void {
  const { store, events } = parts;
  store.transaction(records.some(({ ofJob }) => ofJob) ? "full" : "normal", () => {
    for (const { uid, history, events: recorded } of records) {
      store.histories.put(uid, history);
      for (const event of recorded) events.recordPodEvent(podKey(pass), event);
    }
    if (saveNpus(store, npus)) parts.onStatusChanged();
    saveStatuses(parts, podPlans);
    if (next === null) return;
    for (const action of next.steps) recordStart(parts, pass, next.situation, action);
  });
}

/** Pulls are started and not waited for; those that are needed no more are aborted. */
function syncPulls(parts: ReconcilerParts, pass: ReconcilePass, podPlans: PodPlans): void {
  const plans = inOrder(podPlans);
  // Each pass looks anew what is here: until that is known, no pull under way is known to be needless.
  if (plans.some(({ plan }) => plan.actions.some(({ kind }) => kind === "resolve"))) return;
  parts.pulls.sync(
    podKey(pass),
    plans.flatMap((podPlan) => neededPulls(parts, pass, podPlan)),
  );
}

function neededPulls(parts: ReconcilerParts, pass: ReconcilePass, { situation, plan }: PodPlan): readonly NeededPull[] {
  const { desired } = situation;
  if (desired === null) return [];
  const { uid } = desired.pod.id;
  return plan.pulls.flatMap((action) => {
    const spec = partOf(desired, action.container);
    if (spec === undefined) return [];
    const wanted = wantedKey(desired, spec);
    const secrets = secretsOf(parts.store, action.image, desired);
    return {
      id: JSON.stringify([uid, action.container, action.image, wanted, secrets]),
      uid,
      wanted,
      action,
      pull: (signal, onProgress) => {
        const recordSource = pullRecorder(parts, pass, action);
        if (parts.puller.archiveOf(action.image) === null) recordSource(null);
        return executePull(parts, action, desired, signal, (progress) => {
          recordSource(progress.archive);
          onProgress(progress);
        });
      },
    };
  });
}

/** Records what came of pulls that have ended since. False when that is not known of one: it is tried again a little later. */
function recordEndedPulls(parts: ReconcilerParts, pass: ReconcilePass): boolean {
  const { store } = parts;
  const recorded = parts.pulls.takeEnded(podKey(pass)).map(({ uid, wanted, action, outcome }) => {
    const desired = store.desiredPods.get(pass.namespace, pass.name);
    const older = asDesired(store.terminatingPods.list().find(({ id }) => id.uid === uid));
    const previous = store.desiredPods.previous(pass.namespace, pass.name);
    const before = desired === null || previous === null ? null : { ...desired, pod: previous };
    const pod = [desired, before, older].find(
      (desiredPod) => desiredPod !== null && isFor(desiredPod, { uid, wanted, action }),
    );
    // A message that came while its worker was busy wants something else: its image may be another.
    if (pod === null || pod === undefined) return true;
    return recordOutcome(parts, pass, { desired: pod, history: store.histories.get(uid) }, action, outcome);
  });
  return !recorded.includes(false);
}

function isFor(version: DesiredPod, pull: Pick<EndedPull, "uid" | "wanted" | "action">): boolean {
  const spec = partOf(version, pull.action.container);
  return version.pod.id.uid === pull.uid && spec !== undefined && wantedKey(version, spec) === pull.wanted;
}
