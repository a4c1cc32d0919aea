import type { Policy } from "../core/admission/policy.ts";
import type { ImageLimits } from "../core/image/image-gc.ts";
import type { Condition } from "../core/node/conditions.ts";
import { podKey } from "../core/pod/spec.ts";
import { formatTime } from "../core/pod/time.ts";
import type { StatusDialect } from "../core/protocol/fusion-director.ts";
import { conditionRows, npuRows, podRows, type StatusDocument } from "../core/status-document.ts";
import type { Clock } from "../ports/clock.ts";
import type { Device } from "../ports/device.ts";
import type { Engine, EngineInfo } from "../ports/engine.ts";
import type { HttpProbe } from "../ports/http.ts";
import type { Link } from "../ports/link.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import type { Store } from "../ports/store.ts";
import type { Supervisor } from "../ports/supervisor.ts";
import { type ContainerLister, createContainerLister } from "./engine/container-lister.ts";
import { type WatcherParts, watchEngine } from "./engine/engine-watcher.ts";
import { createRelist, installIdOf } from "./engine/relist.ts";
import { runHeartbeat } from "./heartbeat.ts";
import { createPuller } from "./images/image-puller.ts";
import { createLimiter } from "./loop/limiter.ts";
import { momentOf } from "./loop/moment.ts";
import { leastFreeBytes } from "./messages/apply.ts";
import { createIntake } from "./messages/intake.ts";
import { createPodsData } from "./messages/pods-data.ts";
import { createNode } from "./node/node.ts";
import { createDrift, type Drift } from "./pods/drift.ts";
import { oomScoreNotice } from "./pods/oom-score.ts";
import { createPodPulls } from "./pods/pod-pulls.ts";
import { createPodWorkers } from "./pods/pod-workers.ts";
import { type EngineRun, reconcile } from "./pods/reconciler.ts";
import { createProber } from "./probes/prober.ts";
import { createStatusPublisher } from "./status-publisher.ts";
import { createReporter } from "./uplink/reporter.ts";
import { type ConnectionState, runUplink } from "./uplink/uplink.ts";

export interface AgentParts {
  readonly engine: Engine;
  readonly store: Store;
  readonly link: Link;
  readonly device: Device;
  readonly http: HttpProbe;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Read anew for every message: SIGHUP changes it. */
  readonly policy: () => Policy;
  /** What no pod may see, whatever the policy says; the engine's own folder is among them once it is known. */
  readonly protectedPaths: () => readonly string[];
  readonly settings: AgentSettings;
  /** Hears that the agent has started and is alive; without one nobody does. */
  readonly supervisor?: Supervisor | null;
  /** Takes the document of `edge status` when something in it has changed, at most once a second. */
  readonly publish: (document: StatusDocument) => void;
}

export interface AgentSettings {
  readonly nodeName: string;
  readonly serialNumber: string | null;
  readonly centerUrl: string;
  readonly statusPeriodMs: number;
  readonly keepaliveMs: number;
  readonly statusDialect: StatusDialect;
  readonly images: ImageLimits;
  readonly pid: number;
  readonly version: string;
}

/** Two at a time saturate a two-core device; more only makes each one slower (measured). */
const createsAtOnce = 2;
interface EngineState {
  /** Null while it does not answer. */
  info: EngineInfo | null;
  /** Why it does not, as far as that is known. */
  lost: string | null;
}

/**
 * The whole agent: starts every loop and runs until the signal aborts. Stopping it leaves the pods as they are. A bug
 * in any loop rejects, and the process is to end and start again from disk.
 */
export async function runAgent(parts: AgentParts, signal: AbortSignal): Promise<void> {
  const { store, clock, random, log, engine, device } = parts;
  const state: EngineState = { info: null, lost: null };
  const startedAt = clock.wall();
  recordStart(parts);
  let link: ConnectionState = { state: "connecting", since: startedAt, lastError: null, certificates: [] };
  const statusPublisher = createStatusPublisher(clock, () =>
    parts.publish(document(parts, engineOf(state, lister), [link, node.conditions(), drift, startedAt])),
  );
  const drift = createDrift({ ...parts, onDriftChanged: () => statusPublisher.poke() });
  const reporter = createReporter({ store, clock, random, ...parts.settings, onDelivered: statusPublisher.poke });
  const lister = createContainerLister(engine, clock, () => statusPublisher.poke());
  const podsData = createPodsData({ store, clock, random, log, onOutboxChanged: reporter.outboxChanged });
  const onStatusChanged = (): void => {
    reporter.statusChanged();
    statusPublisher.poke();
    podsData.poke();
  };
  const prober = createProber({ ...parts, wakePod: (key) => podWorkers.wake(key) });
  const pulls = createPodPulls((key) => podWorkers.wake(key));
  const node = createNode({
    ...parts,
    lister,
    sendNow: reporter.sendNow,
    onConditionChanged: () => conditionChanged(),
  });
  const reconcilerParts = {
    ...{
      engine,
      store,
      device,
      clock,
      log,
      observer: lister,
      prober,
      pulls,
      reported: onStatusChanged,
      held: node.startsHeld,
    },
    ...{ engineRun: () => engineRunOf(state, store), installId: () => installIdOf(store) ?? "" },
    ...{ limiter: createLimiter(createsAtOnce), puller: createPuller(engine, clock, node.onImagePulled) },
  };
  const podWorkers = createPodWorkers(clock, (key, s) => reconcile(reconcilerParts, fromKey(key), s));
  const intake = createIntake({
    ...parts,
    nodeName: parts.settings.nodeName,
    sendNow: reporter.sendNow,
    onOutboxChanged: () => {
      reporter.outboxChanged();
      onStatusChanged();
    },
    wakePod: podWorkers.wake,
    lastListed: lister.lastListed,
  });
  const relist = createRelist({
    ...{ store, clock, random, log, lister },
    engineReady: () => state.info !== null,
    onListed: (keys) => {
      for (const key of keys) podWorkers.wake(key);
    },
    // Nothing else tells that a device node has gone or come.
    inspect: (ours, s) => drift.check(ours, s).finally(statusPublisher.poke),
  });
  const conditionChanged = (): void => {
    statusPublisher.poke();
    relist.poke();
  };
  const watcher = watcherParts(parts, state, {
    ready: relist.poke,
    changed: statusPublisher.poke,
    engineIs: node.engineIs,
    dirty: (pod) => podWorkers.wake(podKey(pod)),
  });
  const changed = (next: ConnectionState): void => {
    link = next;
    node.online(next.state === "online");
    statusPublisher.poke();
  };
  const uplink = { ...parts, intake, reporter, changed };

  const runners = [relist, podWorkers, pulls, prober, reporter, podsData, statusPublisher];
  await runTogether(signal, (stop) => [
    watchEngine(watcher, stop),
    ...runners.map((one) => one.run(stop)),
    ...node.run(stop),
    runUplink(uplink, stop),
    runHeartbeat({ clock, podWorkers, supervisor: parts.supervisor ?? null }, stop),
  ]);
}

/** So that `edge events` shows how often it was started, and when last. A full disk is no reason not to start. */
function recordStart({ store, clock, device, settings }: AgentParts): void {
  if (device.freeBytes() < leastFreeBytes) return;
  const message = `Version ${settings.version} of the agent runs`;
  store.appendEvent({ type: "Normal", pod: "", container: "", reason: "AgentStarted", message }, momentOf(clock));
}

function noticesOf(parts: AgentParts, { trouble }: EngineNow, drift: Drift): readonly string[] {
  const ofEngine = trouble === null ? null : `The engine cannot be used: ${trouble}`;
  return [ofEngine, ...drift.notices(), oomScoreNotice(parts)].filter((one) => one !== null);
}

/** The session at hand, once it is known which containers are ours. */
function engineRunOf({ info }: EngineState, store: Store): EngineRun | null {
  return info === null || installIdOf(store) === null ? null : { id: info.runId };
}

/** Until all have ended; when one fails the others are told to stop, and are waited for. */
async function runTogether(signal: AbortSignal, begin: (stop: AbortSignal) => readonly Promise<void>[]): Promise<void> {
  if (signal.aborted) return;
  const stop = new AbortController();
  signal.addEventListener("abort", () => stop.abort(), { once: true });
  const loops = begin(stop.signal);
  try {
    await Promise.all(loops);
  } finally {
    stop.abort();
    await Promise.allSettled(loops);
  }
}

interface EngineNews {
  ready(): void;
  changed(): void;
  engineIs(info: EngineInfo | null): void;
  dirty(pod: { readonly namespace: string; readonly name: string }): void;
}

/** What is kept of the engine's state, and who hears of it. */
function watcherParts(parts: AgentParts, state: EngineState, news: EngineNews): WatcherParts {
  const { engine, clock, log } = parts;
  return {
    ...{ engine, clock, log },
    onEngineReady(info) {
      state.info = info;
      state.lost = null;
      news.engineIs(info);
      news.ready();
      news.changed();
    },
    onEngineLost(why) {
      if (state.info !== null) log.write("error", "Engine unavailable", { why });
      state.info = null;
      state.lost = why;
      news.engineIs(null);
      news.changed();
    },
    onPodEvent: news.dirty,
  };
}

function fromKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

function centerOf({ state, since, lastError, certificates }: ConnectionState, url: string): StatusDocument["center"] {
  const shown = certificates.map(({ file, notBefore, notAfter }) => {
    return { file, notBefore: formatTime(notBefore), notAfter: formatTime(notAfter) };
  });
  const base = { state, url, since: formatTime(since), lastError };
  return shown.length === 0 ? base : { ...base, certificates: shown };
}

interface EngineNow extends Pick<EngineState, "info"> {
  readonly trouble: string | null;
}

/** An engine that hangs counts as one that is away. */
function engineOf({ info, lost }: EngineState, lister: ContainerLister): EngineNow {
  const trouble = lost ?? lister.unavailableBecause();
  return { info: trouble === null ? info : null, trouble };
}

function document(
  parts: AgentParts,
  engine: EngineNow,
  [link, conditions, drift, startedAt]: readonly [ConnectionState, readonly Condition[], Drift, number],
): StatusDocument {
  const notices = noticesOf(parts, engine, drift);
  const { info } = engine;
  const { store, settings } = parts;
  const { nodeName, centerUrl, pid, version } = settings;
  return {
    node: { name: nodeName, conditions: conditionRows(conditions) },
    agent: { running: true, pid, version, startedAt: formatTime(startedAt) },
    center: centerOf(link, centerUrl),
    engine: { state: info === null ? "unavailable" : "ready", version: info?.version ?? null },
    outbox: store.outboxCounts(),
    pods: podRows({ desired: store.desiredPods(), terminating: store.terminatingPods(), statuses: store.statuses() }),
    ...npuRows(
      parts.device.npus().npus.map(({ name }) => name),
      store.npuHolders(),
    ),
    ...(notices.length === 0 ? {} : { notices }),
  };
}
