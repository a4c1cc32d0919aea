import { readFileSync } from "node:fs";
import { join } from "node:path";
import { styleText } from "node:util";
import { printableValue } from "../core/base/printable.ts";
import type { Config } from "../core/config/config.ts";
import { readyCondition } from "../core/node/conditions.ts";
import { judgePressure } from "../core/node/pressure.ts";
import { parseTime } from "../core/pod/time.ts";
import { certificateConcern } from "../core/protocol/certificate.ts";
import {
  type ConditionRow,
  conditionRows,
  npuRows,
  type PodRow,
  podRows,
  type StatusDocument,
} from "../core/status-document.ts";
import { isLockedForWriting } from "../linux/locks.ts";
import { readUsage } from "../linux/usage.ts";
import { addonProblem } from "../sqlite/addon.ts";
import { foldersOf, keptConfig, linesOf, loadConfig } from "./config-file.ts";
import { exitCodes, type Output } from "./output.ts";
import { version } from "./version.ts";

const engineDeadlineMs = 5_000;

export interface StatusOptions {
  readonly config?: string;
  readonly json: boolean;
}

/** `edge status`: what a live agent last published; with the agent dead, what the store and the engine still tell. */
export async function statusCommand(options: StatusOptions, io: Output): Promise<number> {
  const loaded = loadConfig(options.config, { strict: false });
  const { dir, runDir } = loaded.ok ? loaded.config.data : foldersOf(loaded);
  // Only where this does not find the agent is SQLite loaded, whose word it is.
  const seen = isLockedForWriting(join(runDir, "lock")) ? published(runDir) : null;
  if (seen !== null) return print(seen, options, io);
  const problem = addonProblem();
  if (problem !== null) {
    io.err(problem);
    return exitCodes.no;
  }
  const live = (await isLocked(runDir)) ? published(runDir) : null;
  if (live !== null) return print(live, options, io);
  if (!loaded.ok) for (const line of linesOf(loaded)) io.err(line);
  const config = loaded.ok ? loaded.config : await keptConfig(dir);
  if (config === null) return exitCodes.usage;
  return print(await workedOut(config, loaded.file), options, io);
}

async function isLocked(runDir: string): Promise<boolean> {
  const { runLockHeld } = await import("../sqlite/lock.ts");
  return runLockHeld(runDir);
}

function print(document: StatusDocument, options: StatusOptions, io: Output): number {
  if (options.json) io.out(JSON.stringify(document));
  else for (const line of show(printableValue(document), Date.now())) io.out(line);
  return document.agent.running && document.engine.state === "ready" ? exitCodes.fine : exitCodes.no;
}

function published(runDir: string): StatusDocument | null {
  try {
    return JSON.parse(readFileSync(join(runDir, "status.json"), "utf8")) as StatusDocument;
  } catch {
    // Not written yet, in the first moments of an agent.
    return null;
  }
}

/** With no agent there is no link. The rest is on disk, for those who may read it, and on the engine. */
async function workedOut(config: Config, file: string | null): Promise<StatusDocument> {
  const notices: string[] = [];
  const running = await isLocked(config.data.runDir);
  const { openStoreReadOnly } = await import("../sqlite/store.ts");
  const opened = openStoreReadOnly(config.data.dir);
  if (!opened.ok) notices.push(opened.error.message);
  const store = opened.ok ? opened.store : null;
  const { root, ...engine } = await probeEngine(config, notices);
  const pods =
    store === null
      ? []
      : podRows({
          desired: store.desiredPods.list(),
          terminating: store.terminatingPods.list(),
          statuses: store.statuses.list(),
        });
  const { npuNodes } = await import("../linux/npu.ts");
  const present = npuNodes(config.node.deviceDir).npus.map(({ name }) => name);
  const npus = npuRows(present, store?.npus.holders() ?? []);
  const outbox = store?.outbox.counts() ?? { pending: 0, bytes: 0, dropped: 0 };
  store?.close();
  return {
    node: { name: config.node.name, conditions: conditionsNow(config, root) },
    agent: { running, pid: null, version, startedAt: null, config: file },
    center: {
      state: "offline",
      url: config.center.url,
      since: null,
      lastError: running ? null : "The agent is not running",
    },
    engine,
    outbox,
    pods,
    ...npus,
    ...(notices.length === 0 ? {} : { notices }),
  };
}

/** With nobody watching, since when is not known. */
function conditionsNow({ data }: Config, engineRoot: string | null): readonly ConditionRow[] {
  const now = Date.now();
  const ready = readyCondition(null, false, now);
  const conditions = [...judgePressure([], readUsage({ dataDir: data.dir, engineRoot }), now), ready];
  return conditionRows(conditions).map((row) => ({ ...row, lastTransitionTime: null }));
}

type Probed = StatusDocument["engine"] & { readonly root: string | null };

async function probeEngine(config: Config, notices: string[]): Promise<Probed> {
  const { dockerEngine } = await import("../docker/engine.ts");
  const info = await dockerEngine({ socket: config.engine.socket }).info(AbortSignal.timeout(engineDeadlineMs));
  if (info.ok) return { state: "ready", version: info.value.version, root: info.value.dataRoot || null };
  notices.push(`The engine at ${config.engine.socket} cannot be used: ${info.error.message}`);
  return { state: "unavailable", version: null, root: null };
}

/** The whole page, at most 80 columns where the names allow it. */
function show(document: StatusDocument, nowWall: number): readonly string[] {
  const { node, agent, center, engine, outbox, pods } = document;
  // An agent of another version may still run, one that tells no conditions.
  const conditions: readonly ConditionRow[] = node.conditions ?? [];
  const good = (ok: boolean, text: string) => styleText(ok ? "green" : "red", text);
  const since = (time: string | null) => (time === null ? "" : ` for ${age(time, nowWall)} (since ${time})`);
  const dropped = outbox.dropped === 0 ? "" : styleText("red", `, ${outbox.dropped} dropped`);
  return [
    `Node     ${node.name}`,
    ...conditions.filter(isPressure).map((row) => styleText("red", `         ${row.type}: ${row.message}`)),
    `Agent    ${agent.running ? `${good(true, "running")}${since(agent.startedAt)}, version ${agent.version}` : good(false, "not running")}`,
    ...(agent.config == null ? [] : [`Config   ${agent.config}`]),
    `Center   ${good(center.state === "online", center.state)}${since(center.since)}`,
    `         ${center.url}`,
    ...(center.lastError === null ? [] : [`         ${center.lastError}`]),
    `Engine   ${good(engine.state === "ready", engine.state)}${engine.version === null ? "" : `, version ${engine.version}`}`,
    ...(document.npus ?? []).map(
      ({ name, present, holder }) =>
        `NPU      ${name} ${holder === null ? "is free" : `is held by ${holder}`}${present ? "" : good(false, ", and is not there")}`,
    ),
    `Outbox   ${outbox.pending} waiting, ${outbox.bytes} bytes${dropped}`,
    ...[...(document.notices ?? []), ...concerns(center, nowWall)].map((notice) =>
      styleText("yellow", `Note     ${notice}`),
    ),
    "",
    ...(pods.length === 0 ? ["No pods"] : table(pods, nowWall)),
  ];
}

/** Certificates that have ended, will soon, or are not yet valid. */
function concerns({ certificates = [] }: StatusDocument["center"], nowWall: number): readonly string[] {
  const all = certificates.map(({ file, notBefore, notAfter }) =>
    certificateConcern({ file, notBefore: parseTime(notBefore), notAfter: parseTime(notAfter) }, nowWall),
  );
  return all.filter((one) => one !== null);
}

function isPressure({ type, status }: ConditionRow): boolean {
  return type !== "Ready" && status === "True";
}

function table(pods: readonly PodRow[], nowWall: number): readonly string[] {
  const head = ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "REASON"];
  const rows = pods.map((pod) => [
    pod.name,
    pod.ready,
    pod.status,
    pod.lastRestart === undefined ? String(pod.restarts) : `${pod.restarts} (${age(pod.lastRestart, nowWall)} ago)`,
    pod.startTime === null ? "-" : age(pod.startTime, nowWall),
    pod.reason ?? "",
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** As kubectl prints ages (`duration.HumanDuration`): two units while they are small, one when they are not. */
export function age(time: string, nowWall: number): string {
  const seconds = Math.floor((nowWall - parseTime(time)) / 1000);
  if (Number.isNaN(seconds)) return "<unknown>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  return `${days}d`;
}
