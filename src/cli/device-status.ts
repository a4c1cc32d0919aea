import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { installIdOf } from "../agent/engine/install-id.ts";
import { momentOf } from "../agent/loop/moment.ts";
import { shownUrl } from "../core/base/shown-url.ts";
import type { Config } from "../core/config/config.ts";
import { noCenter } from "../core/config/config-schema.ts";
import { engineTodo } from "../core/doctor/engine-advice.ts";
import { notReadyWithoutAgent, readyCondition } from "../core/node/conditions.ts";
import { judgePressure } from "../core/node/pressure.ts";
import { keptRefusals, refusedUpdatesKey } from "../core/pod/refused-update.ts";
import { formatTime } from "../core/pod/time.ts";
import {
  type ConditionRow,
  conditionRows,
  npuRows,
  type PodRow,
  podRows,
  refusedUpdateRows,
  type StatusDocument,
} from "../core/status-document.ts";
import { linuxClock } from "../linux/clock.ts";
import { isLockedForWriting } from "../linux/locks.ts";
import { readUsage } from "../linux/usage.ts";
import type { EngineInfo } from "../ports/engine.ts";
import type { StoreReader } from "../ports/store.ts";
import { engineDeadlines } from "./engine-deadlines.ts";
import { type SeenOnEngine, type StoredFacts, seenPods, storedPods } from "./seen-pods.ts";
import { statusPath } from "./status-file.ts";
import { version } from "./version.ts";

/** What a live agent last published, by the kernel's list of locks; null where that does not show one. Loads no native code. */
export function publishedByLock(runDir: string): StatusDocument | null {
  return isLockedForWriting(join(runDir, "lock")) ? published(runDir) : null;
}

/** What a live agent last published; null where none runs. */
export async function publishedStatus(runDir: string): Promise<StatusDocument | null> {
  return (await isLocked(runDir)) ? published(runDir) : null;
}

async function isLocked(runDir: string): Promise<boolean> {
  const { runLockHeld } = await import("../sqlite/lock.ts");
  return runLockHeld(runDir);
}

function published(runDir: string): StatusDocument | null {
  try {
    return JSON.parse(readFileSync(statusPath(runDir), "utf8")) as StatusDocument;
  } catch {
    // Not written yet, in the first moments of an agent.
    return null;
  }
}

export interface WorkedOut {
  readonly document: StatusDocument;
  /** What the rows are of: as the engine shows the pods, or as the store last had them; null without a store. */
  readonly facts: StoredFacts | null;
}

/** With no agent there is no link. The rest is on disk, for those who may read it, and on the engine. */
export async function workedOutStatus(config: Config, file: string | null): Promise<WorkedOut> {
  const { dir, runDir } = config.data;
  const running = await isLocked(runDir);
  const { openStoreReadOnly } = await import("../sqlite/store.ts");
  const opened = openStoreReadOnly(dir);
  const store = opened.ok ? opened.store : null;
  const engine = await askEngine(config.engine.socket);
  const seen = store === null || engine.info === null ? null : await seenOnEngine(config, store, engine.info);
  const facts = store === null ? null : seen === null ? storedPods(store) : seenPods(store, seen);
  const noticed = [opened.ok ? null : opened.error.message, engine.notice];
  const notices = noticed.filter((notice) => notice !== null);
  const { npuNodes } = await import("../linux/npu.ts");
  const present = npuNodes(config.node.deviceDir).npus.map(({ name }) => name);
  const document: StatusDocument = {
    node: { name: config.node.name, conditions: conditionsNow(config, engine.info, running) },
    agent: { running, pid: null, version, startedAt: null, config: file },
    center: {
      state: config.center.url === noCenter ? "none" : "offline",
      url: shownUrl(config.center.url),
      since: null,
      lastError: running ? null : "The agent is not running",
    },
    engine: { state: engine.info === null ? "unavailable" : "ready", version: engine.info?.version ?? null },
    outbox: store?.outbox.counts() ?? { pending: 0, bytes: 0, dropped: 0 },
    pods: facts === null ? [] : rows(config, facts, seen !== null),
    ...npuRows(present, store?.npus.holders() ?? []),
    ...refusedUpdateRows(keptRefusals(store?.getMeta(refusedUpdatesKey) ?? null), Date.now()),
    ...(notices.length === 0 ? {} : { notices }),
  };
  store?.close();
  return { document, facts };
}

function rows({ data }: Config, facts: StoredFacts, isSeen: boolean): readonly PodRow[] {
  const unseen = isSeen ? null : { since: lastSeen(data) };
  return podRows({ ...facts, unready: new Map(), stopping: new Map(), unseen, now: momentOf(linuxClock()) });
}

/** When an agent last wrote down what it saw, to its run folder or to the store. */
function lastSeen({ dir, runDir }: Config["data"]): string | null {
  const files = [statusPath(runDir), join(dir, "store.db-wal"), join(dir, "store.db")];
  const times = files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  const latest = Math.max(...times);
  return latest === 0 ? null : formatTime(latest);
}

/** With nobody watching, since when is not known. */
function conditionsNow({ data }: Config, engine: EngineInfo | null, running: boolean): readonly ConditionRow[] {
  const now = Date.now();
  const ready = running ? readyCondition(null, engine !== null, now) : notReadyWithoutAgent(now);
  const usage = readUsage({ dataDir: data.dir, engineRoot: engine?.dataRoot || null });
  const conditions = [...judgePressure([], usage, now), ready];
  return conditionRows(conditions).map((row) => ({ ...row, lastTransitionTime: null }));
}

interface AskedEngine {
  readonly info: EngineInfo | null;
  /** Why it cannot be used, and what to do. */
  readonly notice: string | null;
}

async function askEngine(socket: string): Promise<AskedEngine> {
  const { dockerEngine } = await import("../docker/engine.ts");
  const info = await dockerEngine({ socket }).info(AbortSignal.timeout(engineDeadlines.infoMs));
  if (info.ok) return { info: info.value, notice: null };
  const { kind, message } = info.error;
  const todo = engineTodo({ silent: kind === "timeout", message });
  return { info: null, notice: `The engine at ${socket} cannot be used: ${message}. ${todo}.` };
}

/** The containers of this device's pods; null where the engine does not list them. */
async function seenOnEngine({ engine }: Config, store: StoreReader, info: EngineInfo): Promise<SeenOnEngine | null> {
  const { dockerEngine } = await import("../docker/engine.ts");
  const listed = await dockerEngine({ socket: engine.socket }).list(AbortSignal.timeout(engineDeadlines.listMs));
  if (!listed.ok) return null;
  const installId = installIdOf(store);
  const containers = listed.value.filter((container) => container.installId === installId);
  return { containers, engineRunId: info.runId, now: momentOf(linuxClock()) };
}
