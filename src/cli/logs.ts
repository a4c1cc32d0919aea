import { momentOf } from "../agent/loop/moment.ts";
import { printable } from "../core/base/printable.ts";
import type { Config } from "../core/config/config.ts";
import { engineTodo } from "../core/doctor/engine-advice.ts";
import { sandboxName } from "../core/pod/identity.ts";
import type { ObservedContainer } from "../core/pod/observed.ts";
import { podKey } from "../core/pod/spec.ts";
import { parseDuration, parseTime } from "../core/pod/time.ts";
import { podRows } from "../core/status-document.ts";
import { dockerEngine } from "../docker/engine.ts";
import { containerLogs, type LogLine, type LogQuery } from "../docker/logs.ts";
import { linuxClock } from "../linux/clock.ts";
import { noRightSentence } from "../linux/file-rights.ts";
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
  readonly allContainers: boolean;
  readonly follow: boolean;
  /** The last run that has ended. */
  readonly previous: boolean;
  /** A duration, or RFC 3339. */
  readonly since?: string;
  readonly tail?: string;
  readonly timestamps: boolean;
}

/** An engine that says nothing for so long, and was not asked to wait, is given up. */
const quietMs = 30_000;

/** `edge logs NAME` (contracts.md): what containers of a pod have printed, through the engine; the agent need not run. */
export async function logsCommand(
  typed: string,
  options: LogsOptions,
  io: Output,
  signal: AbortSignal,
): Promise<number> {
  const read = await readConfig(options.config, io);
  if (read === null) return exitCodes.usage;
  const { config } = read;
  const part = partOf(options, io);
  if (part === null) return exitCodes.usage;
  const { socket } = config.engine;
  const listed = await dockerEngine({ socket }).list(
    AbortSignal.any([signal, AbortSignal.timeout(engineDeadlines.listMs)]),
  );
  if (!listed.ok) return failed(socket, listed.error, io);
  const containers = listed.value.filter(({ container }) => container !== sandboxName);
  const found = findPod(typed, containers, config, io);
  if (!found.ok) return found.code;
  const { key, name } = found;
  const podContainers = containers.filter(({ pod }) => podKey(pod) === key);
  const names = [...new Set(podContainers.map((container) => container.container))].sort();
  if (!options.allContainers && options.container === undefined && names.length > 1) {
    io.err(`Pod ${name} has several containers, name one with -c or use --all-containers: ${names.join(", ")}`);
    return exitCodes.usage;
  }
  if (names.length === 0) {
    io.err(found.whyNone);
    return exitCodes.no;
  }
  const wanted = options.allContainers ? names : [options.container ?? names[0] ?? ""];
  const printOne = async (container: string): Promise<number> => {
    const runs = podContainers.filter((run) => run.container === container).sort(byAge);
    // While a crash loop waits, the last run that has ended is the newest one.
    const run = (options.previous ? runs.filter(({ state }) => state.kind === "exited") : runs).at(-1);
    if (run !== undefined) return printRun({ name, run, part, options, socket }, io, signal);
    io.err(runs.length === 0 ? `Pod ${name} has no container ${container}` : noEndedRun(name, container));
    return exitCodes.no;
  };
  const codes: number[] = [];
  if (options.follow) codes.push(...(await Promise.all(wanted.map(printOne))));
  else for (const container of wanted) codes.push(await printOne(container));
  return Math.max(...codes);
}

function noEndedRun(name: string, container: string): string {
  return `The engine has no run of container ${container} that has ended. See edge pod ${name} for earlier ones.`;
}

/** Which part of the output is asked for. */
type Part = Pick<LogQuery, "tail" | "sinceWall">;

/** Null where an option is wrong, which has been said. */
function partOf({ tail, since, container, allContainers }: LogsOptions, io: Output): Part | null {
  const sinceWall = since === undefined ? null : startOfPart(since);
  const problem =
    tail !== undefined && !/^\d{1,9}$/.test(tail)
      ? `--tail takes a number of lines: current value is ${tail}`
      : Number.isNaN(sinceWall)
        ? `--since takes a duration such as 30s or 5m, or a time such as 2026-01-31T12:00:00Z: current value is ${since}`
        : container !== undefined && allContainers
          ? "-c and --all-containers exclude each other: leave one out"
          : null;
  if (problem !== null) io.err(problem);
  return problem === null ? { tail: tail === undefined ? null : Number(tail), sinceWall } : null;
}

/** Milliseconds since the epoch; NaN if the text is neither a duration nor a time. */
function startOfPart(since: string): number {
  const age = parseDuration(since);
  return age === null ? parseTime(since) : Date.now() - age;
}

interface Printed {
  /** Of the pod. */
  readonly name: string;
  readonly run: ObservedContainer;
  readonly part: Part;
  readonly options: LogsOptions;
  readonly socket: string;
}

async function printRun(
  { name, run, part, options, socket }: Printed,
  io: Output,
  signal: AbortSignal,
): Promise<number> {
  const { follow, timestamps } = options;
  let printed = 0;
  const printLine = printer(run.container, options, io);
  const take = (line: LogLine): void => {
    printed += 1;
    printLine(line);
  };
  const code = await print({ ...part, socket, container: run.id, follow, timestamps }, take, io, signal);
  const why = code === exitCodes.fine && printed === 0 ? whyNothing(run, follow, part) : null;
  if (why !== null) io.err(`Container ${run.container} printed nothing: ${why}. See edge pod ${name}.`);
  return code;
}

type FoundPod =
  /** namespace/name, its name for people, and why it has no container in case that it has none. */
  | { readonly ok: true; readonly key: string; readonly name: string; readonly whyNone: string }
  | { readonly ok: false; readonly code: number };

/** The pod by the store and the engine; what is wrong has been said. */
function findPod(typed: string, containers: readonly ObservedContainer[], { data }: Config, io: Output): FoundPod {
  const opened = openStoreReadOnly(data.dir);
  const store = opened.ok ? opened.store : null;
  const named = namedPod(
    typed,
    store,
    containers.map(({ pod }) => pod),
  );
  const key = named.kind === "found" ? podKey(named.pod) : typed;
  const name = named.kind === "found" ? named.pod.name : typed;
  const whyNone = `Pod ${name} has no container ${store === null ? "here" : `yet: ${stateOf(key, store)}`}`;
  store?.close();
  if (named.kind === "found") return { ok: true, key, name, whyNone };
  // Without the store nobody knows which pods there are.
  if (named.kind === "none" && store === null && named.code === exitCodes.no) return { ok: true, key, name, whyNone };
  if (named.kind === "none") return { ok: false, code: noSuchPod(named, io) };
  io.err(`There is no pod ${typed} on this device any more. See edge events --pod ${typed}.`);
  return { ok: false, code: exitCodes.no };
}

/** What the pod waits for. */
function stateOf(key: string, store: StoreReader): string {
  const now = momentOf(linuxClock());
  const pods = podRows({ ...storedPods(store), unready: new Map(), stopping: new Map(), unseen: null, now });
  const row = pods.find((pod) => podKey(pod) === key);
  if (row === undefined) return "it is terminating";
  return `${row.status}${row.reason === null ? "" : `, ${printable(row.reason)}`}`;
}

/** Null where it runs, may have started while it was followed, or all of its output was not asked for. */
function whyNothing({ state }: ObservedContainer, follow: boolean, { tail, sinceWall }: Part): string | null {
  if (state.kind === "exited" && tail !== 0 && sinceWall === null) return `it ended with exit code ${state.exitCode}`;
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

/** A container's name is in front of its lines if others print, too. */
function printer(
  container: string,
  { json, timestamps, allContainers }: LogsOptions,
  io: Output,
): (line: LogLine) => void {
  const prefix = allContainers ? `[${container}] ` : "";
  if (!json) return ({ line }) => io.out(`${prefix}${printable(line.replaceAll("\t", "        "))}`);
  return ({ stream, line }) => {
    const end = timestamps ? line.indexOf(" ") : -1;
    const time = line.slice(0, Math.max(0, end));
    // The rest of a very long line has no time of its own.
    const isTimed = !Number.isNaN(parseTime(time));
    const document = {
      ...(allContainers ? { container } : {}),
      ...(isTimed ? { time } : {}),
      stream,
      line: isTimed ? line.slice(end + 1) : line,
    };
    io.out(JSON.stringify(document));
  };
}

async function print(query: LogQuery, take: (line: LogLine) => void, io: Output, signal: AbortSignal): Promise<number> {
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
  const isForbidden = /\bEACCES\b/.test(message);
  io.err(
    isForbidden
      ? noRightSentence(socket, { verb: "use", joinable: false })
      : `The engine at ${socket} does not answer: ${message}. ${engineTodo({ silent: false, message })}`,
  );
  return exitCodes.no;
}
