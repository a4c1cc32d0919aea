import { momentOf } from "../agent/loop/moment.ts";
import { printable } from "../core/base/printable.ts";
import type { Config } from "../core/config/config.ts";
import { sandboxName } from "../core/pod/identity.ts";
import type { ObservedContainer } from "../core/pod/observed.ts";
import { podKey } from "../core/pod/spec.ts";
import { parseTime } from "../core/pod/time.ts";
import { podRows } from "../core/status-document.ts";
import { dockerEngine } from "../docker/engine.ts";
import { containerLogs, type LogLine } from "../docker/logs.ts";
import { linuxClock } from "../linux/clock.ts";
import type { EngineError } from "../ports/engine.ts";
import type { StoreReader } from "../ports/store.ts";
import { openStoreReadOnly } from "../sqlite/store.ts";
import { readConfig } from "./device-store.ts";
import { engineDeadlines } from "./engine-deadlines.ts";
import { namedPod, noSuchPod } from "./named-pod.ts";
import { exitCodes, type Output } from "./output.ts";
import { storedPods } from "./seen-pods.ts";

export interface LogsOptions {
  readonly config?: string;
  readonly json: boolean;
  readonly container?: string;
  readonly follow: boolean;
  readonly tail?: string;
}

/** An engine that says nothing for so long, and was not asked to wait, is given up. */
const quietMs = 30_000;

/** `edge logs NAME` (contracts.md): what a container of a pod has printed, through the engine; the agent need not run. */
export async function logsCommand(
  name: string,
  options: LogsOptions,
  io: Output,
  signal: AbortSignal,
): Promise<number> {
  const config = readConfig(options.config, io);
  if (config === null) return exitCodes.usage;
  const tail = options.tail ?? null;
  if (tail !== null && !/^\d{1,9}$/.test(tail)) {
    io.err(`--tail takes a number of lines: current value is ${tail}`);
    return exitCodes.usage;
  }
  const { socket } = config.engine;
  const listed = await dockerEngine({ socket }).list(
    AbortSignal.any([signal, AbortSignal.timeout(engineDeadlines.listMs)]),
  );
  if (!listed.ok) return failed(socket, listed.error, io);
  const containers = listed.value.filter(({ container }) => container !== sandboxName);
  const found = findPod(name, containers, config, io);
  if (!found.ok) return found.code;
  const { key } = found;
  const podContainers = containers.filter(({ pod }) => podKey(pod) === key);
  const names = [...new Set(podContainers.map((container) => container.container))].sort();
  const wanted = options.container ?? names[0];
  if (options.container === undefined && names.length > 1) {
    io.err(`Pod ${name} has several containers, name one with -c: ${names.join(", ")}`);
    return exitCodes.usage;
  }
  const newest = podContainers
    .filter((container) => container.container === wanted)
    .sort(byAge)
    .at(-1);
  if (newest === undefined) {
    io.err(podContainers.length === 0 ? found.whyNone : `Pod ${name} has no container ${wanted}`);
    return exitCodes.no;
  }
  const query = { socket, container: newest.id, follow: options.follow, tail: tail === null ? null : Number(tail) };
  let printed = 0;
  const printLine = printer(options.json, io);
  const take = (line: LogLine): void => {
    printed += 1;
    printLine(line);
  };
  const code = await print(query, take, io, signal);
  const why = code === exitCodes.fine && printed === 0 ? whyNothing(newest, options.follow) : null;
  if (why !== null) io.err(`Container ${newest.container} printed nothing: ${why}. See edge pod ${name}.`);
  return code;
}

type FoundPod =
  /** namespace/name, and why it has no container in case that it has none. */
  { readonly ok: true; readonly key: string; readonly whyNone: string } | { readonly ok: false; readonly code: number };

/** The pod by the store and the engine; what is wrong has been said. */
function findPod(name: string, containers: readonly ObservedContainer[], { data }: Config, io: Output): FoundPod {
  const opened = openStoreReadOnly(data.dir);
  const store = opened.ok ? opened.store : null;
  const named = namedPod(
    name,
    store,
    containers.map(({ pod }) => pod),
  );
  const key = named.kind === "found" ? podKey(named.pod) : name;
  const whyNone = `Pod ${name} has no container ${store === null ? "here" : `yet: ${stateOf(key, store)}`}`;
  store?.close();
  if (named.kind === "found") return { ok: true, key, whyNone };
  // Without the store nobody knows which pods there are.
  if (named.kind === "none" && store === null && named.code === exitCodes.no) return { ok: true, key, whyNone };
  if (named.kind === "none") return { ok: false, code: noSuchPod(named, io) };
  io.err(`There is no pod ${name} on this device any more. See edge events --pod ${name}.`);
  return { ok: false, code: exitCodes.no };
}

/** What the pod waits for. */
function stateOf(key: string, store: StoreReader): string {
  const now = momentOf(linuxClock());
  const pods = podRows({ ...storedPods(store), unready: new Map(), unseen: null, now });
  const row = pods.find((pod) => podKey(pod) === key);
  if (row === undefined) return "it is terminating";
  return `${row.status}${row.reason === null ? "" : `, ${printable(row.reason)}`}`;
}

/** Null where it started, or may have while it was followed. */
function whyNothing({ state }: ObservedContainer, follow: boolean): string | null {
  if (state.kind !== "created") return null;
  if (state.startError !== undefined) return "it did not start";
  return follow ? null : "it has not started yet";
}

/** The one that started last; one that never did has printed nothing. */
function byAge(a: ObservedContainer, b: ObservedContainer): number {
  return startOf(a) - startOf(b) || a.attempt - b.attempt;
}

function startOf({ state }: ObservedContainer): number {
  const time = state.kind === "created" || state.kind === "unknown" ? Number.NaN : parseTime(state.startedAt);
  return Number.isNaN(time) ? 0 : time;
}

function printer(json: boolean, io: Output): (line: LogLine) => void {
  return (line) => io.out(json ? JSON.stringify(line) : printable(line.line.replaceAll("\t", "        ")));
}

async function print(
  query: Parameters<typeof containerLogs>[0],
  take: (line: LogLine) => void,
  io: Output,
  signal: AbortSignal,
): Promise<number> {
  const quiet = new AbortController();
  const timer = setTimeout(() => quiet.abort(), quietMs);
  const progressed = (): void => {
    if (query.follow) clearTimeout(timer);
    else timer.refresh();
  };
  const done = await containerLogs(query, take, AbortSignal.any([signal, quiet.signal]), progressed);
  clearTimeout(timer);
  // Being told to stop is how following ends.
  return done.ok || signal.aborted ? exitCodes.fine : failed(query.socket, done.error, io);
}

function failed(socket: string, { message }: EngineError, io: Output): number {
  io.err(`The engine at ${socket} does not answer: ${message}`);
  return exitCodes.no;
}
