// A device and its central node as processes of the built program in the network of one engine: what the demo shows and the
// measurements measure.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import type { Config } from "../src/core/config/config.ts";
import type { PodStatus } from "../src/core/pod/pod-status.ts";
import { deviceTls, writeCertificates } from "./certificates.ts";
import type { TestEngine } from "./private-engine.ts";
import { isRunning, readText, signalAll, waitUntil } from "./processes.ts";
import { installProgram, type Program } from "./programs.ts";

export const nodeName = "edge-1";

/** A message as the dev center recorded it. */
export type Recorded = {
  readonly header: { readonly msg_id: string; readonly parent_msg_id: string };
  readonly route: { readonly resource: string; readonly operation: string };
  readonly content: unknown;
};

/** One pod of a podstatus message. */
export type ReportedPod = {
  readonly Name: string;
  readonly UID: string;
  readonly status: PodStatus;
};

/** What a command of the program printed. */
export type Ran = { readonly code: number; readonly out: string };

/** The processes of one agent and one center, and what they tell. */
export type Site = ReturnType<typeof createSite>;

export type SiteOptions = {
  readonly program?: Program;
  /** Mutual TLS between them, with certificates made for the occasion; else plain WebSocket. */
  readonly tls?: boolean;
  /** The bundle to run, if not the one in dist. */
  readonly bundle?: string;
  /** The executable to run, if not the one in dist. */
  readonly executable?: string;
  /** Containers of all pods together, if not the program's own default. */
  readonly maxContainerNumber?: number;
  /** What pods may mount. */
  readonly hostPaths?: readonly string[];
  /** The program's own periods in place of short ones, and the run folder in memory. */
  readonly asOnDevice?: boolean;
};

type Role = "agent" | "center";
type Place = Readonly<Record<"config" | "data" | "run" | "record" | "control" | "tls" | Role, string>>;

/** Nothing runs yet; every file is in the engine's folder and goes with it. */
export function createSite(engine: Pick<TestEngine, "socket" | "folder" | "command">, options: SiteOptions = {}) {
  const { program = "node", tls = false, bundle, executable, asOnDevice = false } = options;
  const run = asOnDevice ? mkdtempSync("/dev/shm/edge-run-") : null;
  const place = placesIn(engine.folder, run);
  const edge = installProgram(program, dirname(place.config), bundle, executable);
  if (tls) writeCertificates(place.tls);
  // Another file than the agent's: memory that two processes share counts as half of each one's.
  const center = installProgram("node", dirname(place.config), bundle);
  const live = new Map<Role, ChildProcess>();
  const start = (role: Role, ...args: readonly string[]): void => {
    const [command, ...rest] = engine.command(...(role === "center" ? center : edge), ...args);
    const log = openSync(place[role], "a");
    const child = spawn(command, rest, { stdio: ["ignore", log, log] });
    child.unref();
    live.set(role, child);
  };
  const end = async (role: Role, signal: NodeJS.Signals): Promise<void> => {
    const child = live.get(role);
    live.delete(role);
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.ref();
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(late);
  };
  return {
    place,
    /** What the agent and the commands are run from. */
    program: edge.at(-1) ?? "",
    pid: (role: Role): number => live.get(role)?.pid ?? 0,
    /** Starts the center and waits until it listens. `port` 0 takes a free one. @returns the port it took */
    async startCenter(port: number): Promise<number> {
      const before = readText(place.center)?.length ?? 0;
      const where = ["--listen", `127.0.0.1:${port}`, ...(tls ? ["--tls", place.tls] : [])];
      start("center", "center", ...where, "--record", place.record, "--control", place.control);
      const listening = () => /wss?:\/\/127\.0\.0\.1:(\d+)\//.exec((readText(place.center) ?? "").slice(before))?.[1];
      await this.until(() => listening() !== undefined, "the center to listen", "center");
      return Number(listening());
    },
    startAgent(port: number): void {
      const { maxContainerNumber, hostPaths } = options;
      writeConfig(place, { socket: engine.socket, port, tls, asOnDevice, maxContainerNumber, hostPaths });
      this.restartAgent();
    },
    /** With the configuration as it is now. */
    restartAgent(): void {
      start("agent", "run", "--config", place.config);
    },
    end,
    async close(): Promise<void> {
      await end("agent", "SIGTERM");
      await end("center", "SIGTERM");
      if (run !== null) rmSync(run, { recursive: true, force: true });
    },
    /** Waits for something that must come; when it does not, says what, with the last words of a process. */
    async until(condition: () => boolean | Promise<boolean>, what: string, role: Role = "agent"): Promise<void> {
      if (await waitUntil(condition, 30_000)) return;
      const words = (readText(place[role]) ?? "").trimEnd().split("\n").slice(-5).join("\n");
      const pid = live.get(role)?.pid;
      const state = pid !== undefined && isRunning(pid) ? "still runs" : "does not run";
      throw new Error(`Waited 30 s for ${what}. The ${role} ${state}; its last words:\n${words}`);
    },
    /** Runs a command of the program to its end. */
    run: (...args: readonly string[]): Promise<Ran> => runProgram(engine.command(...edge, ...args)),
    /** Sends a message, or a Pod, through the center. @returns the device's reply */
    async send(body: string): Promise<Recorded> {
      const answer = await post(place.control, `/send?node=${nodeName}`, body);
      if (answer.status !== 200) throw new Error(`The center says ${answer.status}: ${answer.body}`);
      return JSON.parse(answer.body) as Recorded;
    },
    /** Everything the center has received, over all its lives. */
    recorded: (): readonly Recorded[] => recordedIn(place.record),
    /** The pods of the newest podstatus; null before the first. `skip`: so many messages are too old to count. */
    reported(skip = 0): readonly ReportedPod[] | null {
      const reports = recordedIn(place.record).slice(skip).filter(isReport);
      return (reports.at(-1)?.content ?? null) as readonly ReportedPod[] | null;
    },
  };
}

/** For the end of a program that is interrupted: whatever still runs of the site ends at once. */
export function killSite(site: Site): void {
  signalAll([site.pid("agent"), site.pid("center")].filter(Boolean), "SIGKILL");
}

function isReport({ route }: Recorded): boolean {
  return route.resource === "websocket/podstatus";
}

function placesIn(engineFolder: string, run: string | null): Place {
  const folder = join(engineFolder, "site");
  mkdirSync(folder, { recursive: true });
  return {
    config: join(folder, "edge.config.json"),
    data: join(folder, "data"),
    run: run ?? join(folder, "run"),
    record: join(folder, "record.jsonl"),
    control: join(folder, "control"),
    tls: join(folder, "tls"),
    agent: join(folder, "agent.log"),
    center: join(folder, "center.log"),
  };
}

interface ConfigOf {
  readonly socket: string;
  readonly port: number;
  readonly tls: boolean;
  readonly asOnDevice: boolean;
  readonly maxContainerNumber: number | undefined;
  readonly hostPaths: readonly string[] | undefined;
}

/** Small machines take part too, so little is kept back for the system. */
function writeConfig(place: Place, options: ConfigOf): void {
  const { socket, port, tls, asOnDevice, maxContainerNumber, hostPaths } = options;
  const config = {
    node: { name: nodeName },
    center: {
      url: `${tls ? "wss" : "ws"}://127.0.0.1:${port}/websocket/${nodeName}/events`,
      ...(tls && { tls: deviceTls(place.tls) }),
      ...(asOnDevice ? {} : { keepaliveSeconds: 5, statusPeriodSeconds: 5 }),
    },
    engine: { socket },
    data: { dir: place.data, runDir: place.run },
    policy: {
      systemReserved: { cpu: "100m", memory: "256Mi" },
      ...(maxContainerNumber === undefined ? {} : { maxContainerNumber }),
      ...(hostPaths === undefined ? {} : { hostPaths }),
    },
  } satisfies { readonly [key in keyof Config]?: object };
  writeFileSync(place.config, JSON.stringify(config, null, 2));
}

async function runProgram([command, ...rest]: readonly [string, ...string[]]): Promise<Ran> {
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "inherit"] });
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { code: Number(code), out: out.trimEnd() };
}

function recordedIn(file: string): readonly Recorded[] {
  const lines = (readText(file) ?? "").split("\n").slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { readonly message: Recorded }).message);
}

function post(socketPath: string, path: string, body: string): Promise<{ readonly status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method: "POST" }, (response) => {
      text(response).then((said) => resolve({ status: response.statusCode ?? 0, body: said.trim() }), reject);
    });
    call.on("error", reject);
    call.end(body);
  });
}
