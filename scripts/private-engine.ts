import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { cleanLeftovers, folderPrefix, namespaceOf } from "./engine-janitor.ts";
import { type DockerRelease, dockerPaths, type PodmanRelease, requirePackages } from "./packages.ts";
import { spawnPodman } from "./private-podman.ts";
import { findProcesses, isRunning, readText, signalAll, waitUntil } from "./processes.ts";

/** How the engine is started. */
export type EngineOptions = {
  /** Whether containers outlive the engine; off unless asked for. */
  readonly liveRestore?: boolean;
  /** MiB of a disk of its own for what it keeps, so that it can be filled. */
  readonly diskMiB?: number;
  /** The engine of a later Debian release in place of the installed one. */
  readonly release?: DockerRelease;
  /** Podman in place of Docker, the installed one or that of a later release; the other options mean nothing to it. */
  readonly podman?: "installed" | PodmanRelease;
  /** It does not see what is mounted on the host after its start. */
  readonly ownMounts?: boolean;
  /** Members of daemon.json beside live-restore; off the command line goes what they set. */
  readonly settings?: Readonly<Record<string, unknown>>;
};

/** A Docker engine for tests, demo and measurements. */
export type TestEngine = {
  readonly socket: string;
  /** Goes with the engine; for a registry beside it and the like. */
  readonly folder: string;
  /** Puts a command into the engine's network, where its published ports are. */
  readonly command: (...command: readonly string[]) => readonly [string, ...string[]];
  /** Removes whatever was started; safe to call twice. */
  readonly close: () => Promise<void>;
};

/** An engine of our own, that may be stopped, killed and frozen. */
export type PrivateEngine = TestEngine & {
  /** The engine's process, undefined while there is none. */
  readonly pid: () => number | undefined;
  /** Starts the stopped or killed engine again and waits for its first answer. */
  readonly start: (options?: EngineOptions) => Promise<void>;
  /** SIGTERM; containers end too unless the engine restores live ones. */
  readonly stop: () => Promise<void>;
  /** SIGKILL, as when the engine crashes. */
  readonly kill: () => Promise<void>;
  /** Stops the engine from answering until `thaw`. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** Stops what runs the containers, while the engine itself answers, until `thawContainerd`. */
  readonly freezeContainerd: () => void;
  readonly thawContainerd: () => void;
};

type Say = (line: string) => void;

const firstAnswerMs = 60_000;

const unchanged: TestEngine["command"] = (first = "", ...rest) => [first, ...rest];

/** As root a private engine, else the engine of DOCKER_HOST or the default socket, where nothing is made. */
export async function startTestEngine(say: Say, options: EngineOptions = {}): Promise<TestEngine> {
  if (process.getuid?.() === 0) return startPrivateEngine(say, options);
  const socket = (process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock").replace(/^unix:\/\//, "");
  if (!socket.startsWith("/")) throw new Error(`DOCKER_HOST must name a unix socket: current value is ${socket}`);
  say(`Using the Docker engine at ${socket}`);
  const folder = mkdtempSync(join(tmpdir(), "edge-test-"));
  return { socket, folder, command: unchanged, close: async () => rmSync(folder, { recursive: true, force: true }) };
}

/** The engine that the test command started for all suites, seen from a test, which runs in its network. */
export function sharedEngine(): Omit<TestEngine, "close"> {
  const { EDGE_TEST_SOCKET: socket, EDGE_TEST_FOLDER: folder } = process.env;
  if (!socket || !folder) throw new Error("No shared engine: run the file with `npm test -- FILE`");
  return { socket, folder, command: unchanged };
}

/** Starts a Docker engine with its own network namespace, socket and data folder; needs root. */
export async function startPrivateEngine(say: Say, options: EngineOptions = {}): Promise<PrivateEngine> {
  requirePackages(options.podman === undefined ? "engine" : "podman");
  await cleanLeftovers();
  const folder = mkdtempSync(join(tmpdir(), folderPrefix));
  // Users of another namespace have to pass it on their way to what is theirs.
  chmodSync(folder, 0o711);
  const close = hireJanitor(folder);
  try {
    addNamespace(folder);
    if (options.diskMiB !== undefined) mountDisk(folder, options.diskMiB);
    const engine = engineIn(folder, options.release === undefined ? [] : dockerPaths(options.release));
    say(`Private Docker engine in ${folder}`);
    await engine.start(options);
    return { ...engine, folder, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Closes on Ctrl-C and SIGTERM too, and only then lets the process end. */
export function closeOnSignal(close: () => Promise<void>): void {
  const numbers = { SIGINT: 2, SIGTERM: 15 } as const;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void close().finally(() => process.exit(128 + numbers[signal])));
  }
}

/** The janitor cleans when the pipe closes: by the returned function, or because this process ended however. */
function hireJanitor(folder: string): () => Promise<void> {
  const script = join(import.meta.dirname, "engine-janitor.ts");
  const log = openSync(join(folder, "janitor.log"), "a");
  const janitor = spawn(process.execPath, [script, folder], { detached: true, stdio: ["pipe", log, log] });
  const pid = janitor.pid;
  if (pid === undefined) throw new Error("Cannot start the process that cleans up");
  writeFileSync(join(folder, "janitor.pid"), String(pid));
  janitor.unref();
  const pipe = janitor.stdin as Socket;
  pipe.unref();
  return async () => {
    pipe.end();
    if (!(await waitUntil(() => !isRunning(pid), 90_000))) throw new Error(`Cannot clean up ${folder}`);
  };
}

function addNamespace(folder: string): void {
  const name = namespaceOf(folder);
  tool("ip", "netns", "add", name);
  tool("ip", "-n", name, "link", "set", "lo", "up");
}

function mountDisk(folder: string, sizeMiB: number): void {
  const [disk, data] = [join(folder, "disk"), join(folder, "data")];
  mkdirSync(data);
  tool("truncate", `--size=${sizeMiB}M`, disk);
  tool("mkfs.ext4", "-q", "-m", "0", disk);
  tool("mount", "-o", "loop", disk, data);
}

function tool(program: string, ...args: readonly string[]): void {
  const run = spawnSync(program, args, { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`${program} ${args.join(" ")} failed: ${run.error?.message ?? run.stderr}`);
}

/** @param paths where its programs are looked for first */
function engineIn(folder: string, paths: readonly string[]): Omit<PrivateEngine, "close" | "folder"> {
  const socket = join(folder, "docker.sock");
  const pidFile = join(folder, "docker.pid");
  // nsenter and not `ip netns exec`, which mounts another /sys and so hides the control groups.
  const command: TestEngine["command"] = (...args) => ["nsenter", `--net=/run/netns/${namespaceOf(folder)}`, ...args];
  const pid = (): number | undefined => {
    const written = Number(readText(pidFile) ?? 0);
    return written > 0 && isRunning(written) ? written : undefined;
  };
  const containerds = (): readonly number[] =>
    findProcesses((commandLine) => commandLine.startsWith("containerd\0") && commandLine.includes(folder));
  const end = async (signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    const running = pid();
    if (running === undefined) return;
    signalAll([running], signal);
    if (!(await waitUntil(() => !isRunning(running), firstAnswerMs))) throw new Error(`dockerd outlived ${signal}`);
    const children = containerds();
    if (!(await waitUntil(() => !children.some(isRunning), 2_000))) signalAll(children, "SIGKILL");
    // A killed engine leaves these, and the next one refuses to start, or waits for a containerd that has ended.
    for (const left of [pidFile, join(folder, "exec/containerd/containerd.pid")]) rmSync(left, { force: true });
  };
  const signal = (name: "SIGSTOP" | "SIGCONT"): void => signalAll([pid() ?? 0].filter(Boolean), name);
  return {
    socket,
    command,
    pid,
    start: (options = {}) => launch(folder, command, [...paths, process.env["PATH"]].join(":"), options),
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    freezeContainerd: () => signalAll(containerds(), "SIGSTOP"),
    thawContainerd: () => signalAll(containerds(), "SIGCONT"),
  };
}

/** There the driver is called a snapshotter, and is overlayfs by itself. */
function usesContainerdStore({ settings }: EngineOptions): boolean {
  return JSON.stringify(settings?.["features"] ?? {}).includes('"containerd-snapshotter":true');
}

function spawnDocker(folder: string, command: TestEngine["command"], path: string, options: EngineOptions) {
  const config = join(folder, "daemon.json");
  const settings = { "live-restore": options.liveRestore ?? false, "userland-proxy": false, ...options.settings };
  writeFileSync(config, JSON.stringify(settings));
  const [program, ...args] = command(
    ...(options.ownMounts === true ? ["unshare", "--mount", "--propagation", "private"] : []),
    "dockerd",
    ...["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec")],
    ...["--pidfile", join(folder, "docker.pid"), "--host", `unix://${join(folder, "docker.sock")}`],
    ...["--config-file", config, ...(usesContainerdStore(options) ? [] : ["--storage-driver", "overlay2"])],
    ...["--log-driver", "json-file", "--log-opt", "max-size=1m", "--log-opt", "max-file=2"],
  );
  const log = openSync(join(folder, "docker.log"), "a");
  return spawn(program, args, {
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...process.env, PATH: path },
  });
}

async function launch(
  folder: string,
  command: TestEngine["command"],
  path: string,
  options: EngineOptions,
): Promise<void> {
  const engine =
    options.podman === undefined
      ? spawnDocker(folder, command, path, options)
      : spawnPodman(folder, command, options.podman === "installed" ? undefined : options.podman);
  engine.unref();
  const docker = new Docker({ socketPath: join(folder, "docker.sock"), timeout: 1_000 });
  const answers = (): Promise<boolean> => docker.ping().then(Boolean, () => false);
  const settled = await waitUntil(async () => engine.exitCode !== null || (await answers()), firstAnswerMs);
  if (settled && engine.exitCode === null) return;
  const tail = (readText(join(folder, "docker.log")) ?? "").split("\n").slice(-15).join("\n");
  throw new Error(`The private engine did not start:\n${tail}`);
}
