import { engineTodo } from "../core/doctor/engine-advice.ts";
import { keptRefusals, refusedUpdatesKey } from "../core/pod/refused-update.ts";
import { formatTime } from "../core/pod/time.ts";
import {
  conditionRows,
  factoryFileRows,
  npuRows,
  type PodFacts,
  podRows,
  refusedUpdateRows,
  type StatusDocument,
} from "../core/status-document.ts";
import type { Clock } from "../ports/clock.ts";
import type { EngineInfo } from "../ports/engine.ts";
import type { NodeDevice } from "../ports/node-device.ts";
import type { ContainerLister } from "./engine/container-lister.ts";
import type { EngineWatcher } from "./engine/engine-watcher.ts";
import type { TroubledContainers } from "./engine/troubled-containers.ts";
import type { PreloadedImages } from "./images/preloaded-images.ts";
import type { LocalPods } from "./local/local-pods.ts";
import { momentOf } from "./loop/moment.ts";
import type { StoreWhileFull } from "./loop/store-while-full.ts";
import type { Node } from "./node/node.ts";
import type { Drift } from "./pods/drift.ts";
import type { HeldPods } from "./pods/held-pods.ts";
import { oomScoreNotice } from "./pods/oom-score.ts";
import type { Stops } from "./pods/stops.ts";
import type { ConnectionState } from "./uplink/uplink.ts";

/** What `edge status` is computed from. */
export interface SnapshotSources {
  readonly parts: {
    readonly store: StoreWhileFull;
    readonly clock: Clock;
    readonly device: NodeDevice;
    readonly settings: {
      readonly nodeName: string;
      readonly centerUrl: string;
      readonly pid: number;
      readonly version: string;
      readonly configFile?: string | null;
    };
  };
  /** Wall milliseconds. */
  readonly startedAt: number;
  readonly node: Pick<Node, "conditions">;
  readonly drift: Pick<Drift, "notices">;
  readonly heldPods: Pick<HeldPods, "notice">;
  readonly engineWatcher: Pick<EngineWatcher, "info" | "lostBecause" | "lostAt">;
  readonly lister: Pick<ContainerLister, "unavailableBecause" | "listedAt">;
  /** Words of the readiness probes that fail, by container id. */
  readonly prober: { unready(): ReadonlyMap<string, string> };
  readonly stops: Pick<Stops, "underWay">;
  readonly preloaded: Pick<PreloadedImages, "notices">;
  readonly troubledContainers: Pick<TroubledContainers, "notices">;
  readonly localPods: Pick<LocalPods, "refusedFiles" | "notices">;
}

/** Everything that `edge status` shows of a running agent, right now. */
export function statusSnapshot(sources: SnapshotSources, connection: ConnectionState): StatusDocument {
  const { parts, startedAt, node } = sources;
  const { store, device, settings } = parts;
  const engine = engineOf(sources);
  const notices = noticesOf(sources, engine.unavailableBecause);
  const npuNames = device.npus().npus.map(({ name }) => name);
  return {
    node: { name: settings.nodeName, conditions: conditionRows(node.conditions()) },
    agent: {
      running: true,
      pid: settings.pid,
      version: settings.version,
      startedAt: formatTime(startedAt),
      ...(settings.configFile == null ? {} : { config: settings.configFile }),
    },
    center: centerOf(connection, settings.centerUrl),
    engine: { state: engine.info === null ? "unavailable" : "ready", version: engine.info?.version ?? null },
    outbox: store.outbox.counts(),
    pods: podRows({
      desired: store.desiredPods.list(),
      terminating: store.terminatingPods.list(),
      statuses: store.statuses.list(),
      historyOf: store.histories.get,
      unready: sources.prober.unready(),
      stopping: sources.stops.underWay(),
      unseen: unseenSince(sources, engine),
      now: momentOf(parts.clock),
    }),
    ...npuRows(npuNames, store.npus.holders()),
    ...refusedUpdateRows(keptRefusals(store.getMeta(refusedUpdatesKey)), parts.clock.wall()),
    ...factoryFileRows(sources.localPods.refusedFiles()),
    ...(notices.length === 0 ? {} : { notices }),
  };
}

interface EngineNow {
  readonly info: EngineInfo | null;
  readonly unavailableBecause: string | null;
}

/** An engine that hangs counts as one that is away. */
function engineOf({ engineWatcher, lister }: SnapshotSources): EngineNow {
  const unavailableBecause = engineWatcher.lostBecause() ?? lister.unavailableBecause();
  return { info: unavailableBecause === null ? engineWatcher.info() : null, unavailableBecause };
}

/** The engine's stream of events shows every change up to its end; one that hangs was seen when it listed last. */
function unseenSince({ engineWatcher, lister }: SnapshotSources, { info }: EngineNow): PodFacts["unseen"] {
  if (info !== null) return null;
  const at = engineWatcher.lostAt() ?? lister.listedAt();
  return { since: at === null ? null : formatTime(at) };
}

const diskFull =
  "The disk of the data folder is full: pods are restarted, probed and reported, but no message is accepted. Free space on it.";

function noticesOf(
  { parts, drift, heldPods, preloaded, troubledContainers, localPods }: SnapshotSources,
  unavailableBecause: string | null,
): readonly string[] {
  const full = parts.store.isFull() ? diskFull : null;
  const ofEngine =
    unavailableBecause === null
      ? null
      : `The engine cannot be used: ${unavailableBecause}. ${engineTodo({ silent: false, message: unavailableBecause })}.`;
  return [
    heldPods.notice(),
    full,
    ofEngine,
    ...troubledContainers.notices(),
    ...drift.notices(),
    ...preloaded.notices(),
    ...localPods.notices(),
    oomScoreNotice(parts),
  ].filter((notice) => notice !== null);
}

function centerOf(connection: ConnectionState, url: string): StatusDocument["center"] {
  const { state, since, lastError } = connection;
  const certificates = connection.certificates.map(({ file, notBefore, notAfter }) => {
    return { file, notBefore: formatTime(notBefore), notAfter: formatTime(notAfter) };
  });
  const center = { state, url, since: formatTime(since), lastError };
  return certificates.length === 0 ? center : { ...center, certificates };
}
