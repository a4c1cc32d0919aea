import type { Policy } from "../core/admission/policy.ts";
import type { ImageLimits } from "../core/image/image-gc.ts";
import type { Condition } from "../core/node/conditions.ts";
import type { SafeMode } from "../core/node/safe-mode.ts";
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
import { createObserver, type Observer } from "./engine/container-lister.ts";
import { type WatcherParts, watchEngine } from "./engine/engine-watcher.ts";
import { createStock, installIdOf } from "./engine/relist.ts";
import { runHeartbeat } from "./heartbeat.ts";
import { createPuller } from "./images/image-puller.ts";
import { createLimiter } from "./loop/limiter.ts";
import { momentOf } from "./loop/moment.ts";
import { type StoreWhileFull, storeWhileFull } from "./loop/store-while-full.ts";
import { type Loop, recordFailure, supervise } from "./loop/supervise.ts";
import { leastFreeBytes } from "./messages/apply.ts";
import { createIntake } from "./messages/intake.ts";
import { createClearing } from "./messages/pods-data.ts";
import { createNode } from "./node/node.ts";
import { createDrift, type Drift } from "./pods/drift.ts";
import { createHeldPods } from "./pods/held-pods.ts";
import { oomScoreNotice } from "./pods/oom-score.ts";
import { parkPod } from "./pods/parked-pods.ts";
import { createPodPulls } from "./pods/pod-pulls.ts";
import { createMailbox } from "./pods/pod-workers.ts";
import { type EngineSession, reconcile } from "./pods/reconciler.ts";
import { createProber } from "./probes/prober.ts";
import { createPublisher } from "./status-publisher.ts";
import { createReporter } from "./uplink/reporter.ts";
import { type LinkState, runUplink } from "./uplink/uplink.ts";

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
  readonly centerUrl: string;
  readonly statusPeriodMs: number;
  readonly keepaliveMs: number;
  readonly statusDialect: StatusDialect;
  readonly images: ImageLimits;
  readonly pid: number;
  readonly version: string;
}

/** The parts, with a store that goes on while its disk is full. */
type RunningParts = AgentParts & { readonly store: StoreWhileFull };

/** Two at a time saturate a two-core device; more only makes each one slower (measured). */
const createsAtOnce = 2;
interface EngineState {
  /** Null while it does not answer. */
  info: EngineInfo | null;
  /** Why it does not, as far as that is known. */
  lost: string | null;
}

/**
 * The whole agent: starts every loop and runs until the signal aborts. Stopping it leaves the pods as they are. A worker
 * that throws parks its pod, a loop that throws starts again; it rejects only if the disk of the store fails, and the
 * process is to start again from what was committed.
 */
export async function runAgent(given: AgentParts, signal: AbortSignal): Promise<void> {
  const store = storeWhileFull(given.store, given.clock);
  const parts: RunningParts = { ...given, store };
  const { clock, random, log, engine, device } = parts;
  const state: EngineState = { info: null, lost: null };
  const startedAt = clock.wall();
  tellStart(parts);
  let link: LinkState = { state: "connecting", since: startedAt, lastError: null, certificates: [] };
  const publisher = createPublisher(clock, () =>
    parts.publish(document(parts, engineOf(state, observer), [link, node.conditions(), noticesOf, startedAt])),
  );
  const drift = createDrift({ ...parts, changed: () => publisher.poke() });
  const reporter = createReporter({ store, clock, random, ...parts.settings, released: publisher.poke });
  const observer = createObserver(engine, clock, () => publisher.poke());
  const clearing = createClearing({ store, clock, random, log, stored: reporter.stored });
  const reported = (): void => {
    reporter.changed();
    publisher.poke();
    clearing.poke();
  };
  const prober = createProber({
    ...parts,
    wake: (key) => mailbox.wake(key),
    failed: (key, error) => recordFailure(parts, { what: `A probe of pod ${key}`, pod: key, error }),
  });
  const pulls = createPodPulls((key) => mailbox.wake(key));
  const node = createNode({ ...parts, observer, say: reporter.say, conditionChanged: () => conditionChanged() });
  const reconcilerParts = {
    ...{ engine, store, device, clock, log, observer, prober, pulls, reported, held: node.held },
    ...{ session: () => sessionOf(state, store), installId: () => installIdOf(store) ?? "" },
    ...{ limiter: createLimiter(createsAtOnce), puller: createPuller(engine, clock, node.brought) },
  };
  const heldPods = createHeldPods({
    ...parts,
    safeMode: parts.safeMode ?? null,
    reported,
    changed: publisher.poke,
  });
  const noticesOf = (now: EngineNow): readonly string[] =>
    [heldPods.notice(), ...notices(parts, now, drift)].filter((one) => one !== null);
  const mailbox = createMailbox(
    clock,
    async (key, s) => heldPods.hold(fromKey(key)) ?? reconcile(reconcilerParts, fromKey(key), s),
    (key, error, failures) => parkPod({ ...parts, reported }, fromKey(key), error, failures),
  );
  parts.onWorkers?.(mailbox.busy);
  const intake = createIntake({
    ...parts,
    nodeName: parts.settings.nodeName,
    say: reporter.say,
    stored: () => {
      reporter.stored();
      reported();
    },
    wake: (key) => {
      heldPods.release(key);
      mailbox.wakeAfresh(key);
    },
    seen: observer.seen,
  });
  const stock = createStock({
    ...{ store, clock, random, log, observer },
    engineReady: () => state.info !== null,
    taken: (keys) => {
      for (const key of keys) mailbox.wake(key);
    },
    // Nothing else tells that a device node has gone or come.
    inspect: (ours, s) => drift.check(ours, s).finally(publisher.poke),
  });
  const conditionChanged = (): void => {
    publisher.poke();
    stock.poke();
  };
  const watcher = watcherParts(parts, state, {
    ready: stock.poke,
    changed: publisher.poke,
    engineIs: node.engineIs,
    dirty: (pod) => mailbox.wake(podKey(pod)),
  });
  const changed = (next: LinkState): void => {
    link = next;
    node.online(next.state === "online");
    publisher.poke();
  };
  const uplink = { ...parts, intake, reporter, changed };

  const heartbeat = { clock, mailbox, supervisor: parts.supervisor ?? null };
  const loops: readonly Loop[] = [
    { name: "engine watcher", run: (stop) => watchEngine(watcher, stop) },
    { name: "relist", run: stock.run },
    { name: "pod workers", run: mailbox.run },
    { name: "pulls", run: pulls.run },
    { name: "prober", run: prober.run },
    { name: "reporter", run: reporter.run },
    { name: "pods data", run: clearing.run },
    { name: "status publisher", run: publisher.run },
    ...node.loops,
    { name: "uplink", run: (stop) => runUplink(uplink, stop) },
    { name: "safe mode", run: heldPods.run },
    { name: "heartbeat", run: (stop) => runHeartbeat(heartbeat, stop) },
  ];
  await together(signal, (stop) => loops.map((loop) => supervise(loop, parts, stop)));
}

const diskFull =
  "The disk of the data folder is full: pods are restarted, probed and reported, but no message is accepted. Free space on it.";

/** So that `edge events` shows how often it was started, and when last. A full disk is no reason not to start. */
function tellStart({ store, clock, device, settings }: AgentParts): void {
  if (device.freeBytes() < leastFreeBytes) return;
  const message = `Version ${settings.version} of the agent runs`;
  store.appendEvent({ type: "Normal", pod: "", container: "", reason: "AgentStarted", message }, momentOf(clock));
}

function notices(parts: RunningParts, { trouble }: EngineNow, drift: Drift): readonly string[] {
  const full = parts.store.isFull() ? diskFull : null;
  const ofEngine = trouble === null ? null : `The engine cannot be used: ${trouble}`;
  return [full, ofEngine, ...drift.notices(), oomScoreNotice(parts)].filter((one) => one !== null);
}

/** The session at hand, once it is known which containers are ours. */
function sessionOf({ info }: EngineState, store: Store): EngineSession | null {
  return info === null || installIdOf(store) === null ? null : { id: info.session };
}

/** Until all have ended; when one fails the others are told to stop, and are waited for. */
async function together(signal: AbortSignal, begin: (stop: AbortSignal) => readonly Promise<void>[]): Promise<void> {
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
    ready(info) {
      state.info = info;
      state.lost = null;
      news.engineIs(info);
      news.ready();
      news.changed();
    },
    lost(why) {
      if (state.info !== null) log.write("error", "Engine unavailable", { why });
      state.info = null;
      state.lost = why;
      news.engineIs(null);
      news.changed();
    },
    dirty: news.dirty,
  };
}

function fromKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

function centerOf({ state, since, lastError, certificates }: LinkState, url: string): StatusDocument["center"] {
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
function engineOf({ info, lost }: EngineState, observer: Observer): EngineNow {
  const trouble = lost ?? observer.trouble();
  return { info: trouble === null ? info : null, trouble };
}

function document(
  parts: RunningParts,
  engine: EngineNow,
  [link, conditions, noticesOf, startedAt]: readonly [
    LinkState,
    readonly Condition[],
    (now: EngineNow) => readonly string[],
    number,
  ],
): StatusDocument {
  const notices = noticesOf(engine);
  const { info } = engine;
  const { store, settings } = parts;
  const { nodeName, centerUrl, pid, version } = settings;
  return {
    node: { name: nodeName, conditions: conditionRows(conditions) },
    agent: { running: true, pid, version, startedAt: formatTime(startedAt) },
    center: centerOf(link, centerUrl),
    engine: { state: info === null ? "unavailable" : "ready", version: info?.version ?? null },
    outbox: store.outboxCounts(),
    pods: podRows({ desired: store.desiredPods(), leaving: store.leavingPods(), statuses: store.statuses() }),
    ...npuRows(
      parts.device.npus().npus.map(({ name }) => name),
      store.npuHolders(),
    ),
    ...(notices.length === 0 ? {} : { notices }),
  };
}
