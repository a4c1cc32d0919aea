// agent: the loops of the agent, and how they are wired.

import type { Policy } from "../core/admission/policy.ts";
import { noCenter } from "../core/config/config-schema.ts";
import type { ImageLimits } from "../core/image/image-gc.ts";
import type { SafeMode } from "../core/node/safe-mode.ts";
import { podKey } from "../core/pod/spec.ts";
import type { StatusDialect } from "../core/protocol/fusion-director.ts";
import type { StatusDocument } from "../core/status-document.ts";
import type { Clock } from "../ports/clock.ts";
import type { ControlSocket } from "../ports/control.ts";
import type { Engine } from "../ports/engine.ts";
import type { FactoryFiles } from "../ports/factory-files.ts";
import type { HttpProbe } from "../ports/http.ts";
import type { ImageArchives } from "../ports/image-archives.ts";
import type { Link } from "../ports/link.ts";
import type { Log } from "../ports/log.ts";
import type { NodeDevice } from "../ports/node-device.ts";
import type { PodFiles } from "../ports/pod-files.ts";
import type { Random } from "../ports/random.ts";
import type { Store } from "../ports/store.ts";
import type { Supervisor } from "../ports/supervisor.ts";
import { type ContainerLister, createContainerLister } from "./engine/container-lister.ts";
import { createEngineWatcher, type EngineHandlers, type EngineWatcher } from "./engine/engine-watcher.ts";
import { installIdOf } from "./engine/install-id.ts";
import { createRelist, type Relist } from "./engine/relist.ts";
import { createTroubledContainers } from "./engine/troubled-containers.ts";
import { createEventRecorder, type EventRecorder } from "./event-recorder.ts";
import { runHeartbeat } from "./heartbeat.ts";
import { createPuller } from "./images/image-puller.ts";
import { createKnownImages, type KnownImages } from "./images/known-images.ts";
import { createPreloadedImages } from "./images/preloaded-images.ts";
import { createLocalPods, type LocalPods } from "./local/local-pods.ts";
import { createLimiter } from "./loop/limiter.ts";
import { type StoreWhileFull, storeWhileFull } from "./loop/store-while-full.ts";
import { type Loop, recordFailure, supervise } from "./loop/supervise.ts";
import { leastFreeBytes } from "./messages/applied.ts";
import { createIntake, type Intake } from "./messages/intake.ts";
import { createPodsData } from "./messages/pods-data.ts";
import { createNode, type Node } from "./node/node.ts";
import { createDrift, type Drift } from "./pods/drift.ts";
import { createHeldPods, type HeldPods } from "./pods/held-pods.ts";
import { createOwnEvents, type OwnEvents } from "./pods/own-events.ts";
import { parkPod } from "./pods/parked-pods.ts";
import { createPodPulls } from "./pods/pod-pulls.ts";
import { createPodWorkers, type PodWork, type PodWorkers } from "./pods/pod-workers.ts";
import { type EngineRun, type ReconcilerParts, reconcile } from "./pods/reconciler.ts";
import { createStops } from "./pods/stops.ts";
import { createProber } from "./probes/prober.ts";
import { createStatusPublisher, type StatusPublisher } from "./status-publisher.ts";
import { statusSnapshot } from "./status-snapshot.ts";
import { createReporter, type Reporter } from "./uplink/reporter.ts";
import { type ConnectionState, runUplink, type UplinkParts } from "./uplink/uplink.ts";

export interface AgentParts {
  readonly engine: Engine;
  readonly store: Store;
  readonly link: Link;
  readonly device: NodeDevice;
  readonly podFiles: PodFiles;
  readonly http: HttpProbe;
  /** Images that were put on this device. */
  readonly archives: ImageArchives;
  readonly factoryFiles: FactoryFiles;
  readonly controlSocket: ControlSocket;
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
  /** The pods that were being worked on when the agent ended by itself too often are held; absent or null in a usual start. */
  readonly safeMode?: SafeMode | null;
  /** Hears, once, how to ask which pods are being worked on at a moment. */
  readonly onWorkers?: (busy: () => readonly string[]) => void;
  /** Takes the document of `edge status` when something in it has changed, at most once a second. */
  readonly publish: (document: StatusDocument) => void;
}

export interface AgentSettings {
  readonly nodeName: string;
  readonly serialNumber: string | null;
  /** `noCenter` on a device without one. */
  readonly centerUrl: string;
  readonly statusPeriodMs: number;
  readonly keepaliveMs: number;
  readonly statusDialect: StatusDialect;
  readonly images: ImageLimits;
  readonly pid: number;
  readonly version: string;
  /** The file that these come from, for `edge status`. */
  readonly configFile?: string | null;
}

/** The parts, with a store that goes on while its disk is full. */
interface RunningParts extends AgentParts {
  readonly store: StoreWhileFull;
  readonly events: EventRecorder;
  readonly safeMode: SafeMode | null;
}

/** Two at a time saturate a two-core device; more only makes each one slower (measured). */
const createsAtOnce = 2;

/**
 * The whole agent: starts every loop and runs until the signal aborts. Stopping it leaves the pods as they are. A worker
 * that throws parks its pod, a loop that throws starts again; it rejects only if the disk of the store fails, and the
 * process is to start again from what was committed.
 */
export async function runAgent(given: AgentParts, signal: AbortSignal): Promise<void> {
  const parts = runningParts(given);
  const { clock, random, log, engine, settings, store, events } = parts;
  const startedAt = clock.wall();
  recordAgentStart(parts);
  const hasCenter = settings.centerUrl !== noCenter;
  let connection: ConnectionState = {
    state: hasCenter ? "connecting" : "none",
    since: startedAt,
    lastError: null,
    certificates: [],
  };

  const statusPublisher = createStatusPublisher(clock);
  const engineWatcher = createEngineWatcher({ engine, clock, events });
  const troubledContainers = createTroubledContainers({ ...parts, onChanged: statusPublisher.poke });
  const lister = createContainerLister(engine, clock, statusPublisher.poke, troubledContainers.onListed);
  const podWorkers = createPodWorkers(clock, lister.begun);
  const ownEvents = createOwnEvents(podWorkers.wake);
  const images = createKnownImages(engine, clock);
  const drift = createDrift({ ...parts, onDriftChanged: statusPublisher.poke, wakePod: podWorkers.wake });
  const reporter = createReporter({ ...settings, store, clock, random, onDelivered: statusPublisher.poke });
  const podsData = createPodsData({ store, clock, random, log, onOutboxChanged: reporter.outboxChanged });
  const onStatusChanged = (): void => {
    reporter.statusChanged();
    statusPublisher.poke();
    podsData.poke();
  };
  const heldPods = createHeldPods({ ...parts, onStatusChanged, onSafeModeChanged: statusPublisher.poke });
  const prober = createProber({
    ...parts,
    wakePod: podWorkers.wake,
    onFailed: (key, error) => recordFailure(parts, { what: `A probe of pod ${key}`, pod: key, error }),
  });
  const stops = createStops(clock, statusPublisher.poke);
  const pulls = createPodPulls(podWorkers.wake);
  const relist = createRelist({
    ...parts,
    lister,
    engineReady: () => engineWatcher.info() !== null,
    images,
    onListed: podWorkers.wakeAll,
    // Nothing else tells that a device node has gone or come.
    inspect: (ours, stop) => drift.check(ours, stop).finally(statusPublisher.poke),
  });
  const preloaded = createPreloadedImages({ ...parts, onNoticesChanged: statusPublisher.poke });
  const node = createNode({
    ...parts,
    preloaded,
    lister,
    sendNow: reporter.sendNow,
    onConditionChanged: inOrder(statusPublisher.poke, relist.poke),
  });
  parts.onWorkers?.(podWorkers.busy);
  const sources = { parts, heldPods, podWorkers, reporter, lister, onStatusChanged, status: () => snapshot() };
  const { intake, localPods } = createSources(sources);
  const reconcilerParts: ReconcilerParts = {
    ...parts,
    lister,
    ownEvents,
    prober,
    drift,
    pulls,
    stops,
    images,
    puller: createPuller({ engine, clock, preloaded, onImagePulled: node.onImagePulled }),
    limiter: createLimiter(createsAtOnce),
    engineRun: () => engineRunOf(engineWatcher, store),
    installId: () => installIdOf(store) ?? "",
    startsHeld: node.startsHeld,
    onStatusChanged,
  };
  const uplinkParts: UplinkParts = {
    ...parts,
    intake,
    reporter,
    onConnectionStateChanged(next) {
      connection = next;
      node.online(next.state === "online");
      statusPublisher.poke();
    },
  };
  const shown = { parts, startedAt, node, drift, heldPods, engineWatcher, lister, prober, preloaded, localPods };
  const snapshot = (): StatusDocument => statusSnapshot({ ...shown, troubledContainers, stops }, connection);

  const handlers = engineHandlers({ node, relist, lister, ownEvents, images, drift, statusPublisher });
  const loops: readonly Loop[] = [
    { name: "engine watcher", run: (stop) => engineWatcher.run(handlers, stop) },
    { name: "relist", run: relist.run },
    { name: "pod workers", run: (stop) => podWorkers.run(podWork(reconcilerParts, heldPods), stop) },
    { name: "held pods", run: heldPods.run },
    { name: "pulls", run: pulls.run },
    { name: "prober", run: prober.run },
    { name: "reporter", run: reporter.run },
    { name: "pods data", run: podsData.run },
    { name: "status publisher", run: (stop) => statusPublisher.run(() => parts.publish(snapshot()), stop) },
    ...localPods.loops,
    ...node.loops,
    ...(hasCenter ? [{ name: "uplink", run: (stop: AbortSignal) => runUplink(uplinkParts, stop) }] : []),
    { name: "heartbeat", run: (stop) => runHeartbeat({ ...parts, podWorkers }, stop) },
  ];
  await runTogether(signal, (stop) => loops.map((loop) => supervise(loop, parts, stop)));
}

function runningParts(given: AgentParts): RunningParts {
  const { clock, log } = given;
  const store = storeWhileFull(given.store, clock);
  return { ...given, store, events: createEventRecorder({ store, clock, log }), safeMode: given.safeMode ?? null };
}

function inOrder(...calls: readonly (() => void)[]): () => void {
  return () => {
    for (const call of calls) call();
  };
}

interface SourcesWiring {
  readonly parts: RunningParts;
  readonly heldPods: Pick<HeldPods, "release">;
  readonly podWorkers: Pick<PodWorkers, "wakeAfresh">;
  readonly reporter: Pick<Reporter, "sendNow" | "outboxChanged">;
  readonly lister: Pick<ContainerLister, "lastListed">;
  readonly onStatusChanged: () => void;
  readonly status: () => StatusDocument;
}

/** Who changes which pods are wanted: the center by its messages, and the device by files and requests. */
function createSources({ parts, heldPods, podWorkers, reporter, lister, onStatusChanged, status }: SourcesWiring): {
  readonly intake: Intake;
  readonly localPods: LocalPods;
} {
  const { nodeName, version } = parts.settings;
  const wakePod = (key: string): void => {
    heldPods.release(key);
    podWorkers.wakeAfresh(key);
  };
  const onOutboxChanged = inOrder(reporter.outboxChanged, onStatusChanged);
  const { lastListed } = lister;
  return {
    intake: createIntake({ ...parts, nodeName, wakePod, lastListed, sendNow: reporter.sendNow, onOutboxChanged }),
    localPods: createLocalPods({ ...parts, nodeName, version, wakePod, lastListed, onStatusChanged, status }),
  };
}

/** So that `edge events` shows how often it was started, and when last. A full disk is no reason not to start. */
function recordAgentStart({ events, device, settings }: RunningParts): void {
  if (device.freeBytes() < leastFreeBytes) return;
  const message = `Version ${settings.version} of the agent runs`;
  events.recordDeviceEvent({ type: "Normal", reason: "AgentStarted", message });
}

/** A pod that is held is left as it is; one whose pass throws is parked. */
function podWork(parts: ReconcilerParts, heldPods: Pick<HeldPods, "hold">): PodWork {
  return {
    reconcile: async (key, stop, after) => heldPods.hold(fromKey(key)) ?? reconcile(parts, fromKey(key), stop, after),
    onFailed: (key, error, failures) => parkPod(parts, fromKey(key), error, failures),
  };
}

/** Who hears of the engine. */
interface EngineListeners {
  readonly node: Pick<Node, "engineIs">;
  readonly relist: Pick<Relist, "poke">;
  readonly lister: Pick<ContainerLister, "outdate">;
  readonly ownEvents: Pick<OwnEvents, "hear">;
  readonly images: Pick<KnownImages, "forget">;
  readonly drift: Pick<Drift, "doubt">;
  readonly statusPublisher: Pick<StatusPublisher, "poke">;
}

function engineHandlers(listeners: EngineListeners): EngineHandlers {
  const { node, relist, lister, ownEvents, images, drift, statusPublisher } = listeners;
  return {
    onEngineReady(info) {
      lister.outdate();
      images.forget();
      node.engineIs(info);
      relist.poke();
      statusPublisher.poke();
    },
    onEngineLost() {
      lister.outdate();
      node.engineIs(null);
      statusPublisher.poke();
    },
    onPodEvent: (event) => ownEvents.hear(podKey(event), event),
    onImagesChanged: images.forget,
    onReconfigured: drift.doubt,
  };
}

/** The run of the engine at hand, once it is known which containers are ours. */
function engineRunOf(engineWatcher: EngineWatcher, store: Store): EngineRun | null {
  const info = engineWatcher.info();
  return info === null || installIdOf(store) === null ? null : { id: info.runId };
}

/** Runs loops until all have ended; when one fails, the others are stopped and waited for. */
async function runTogether(signal: AbortSignal, start: (stop: AbortSignal) => readonly Promise<void>[]): Promise<void> {
  if (signal.aborted) return;
  const stop = new AbortController();
  signal.addEventListener("abort", () => stop.abort(), { once: true });
  const loops = start(stop.signal);
  try {
    await Promise.all(loops);
  } finally {
    stop.abort();
    await Promise.allSettled(loops);
  }
}

function fromKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
