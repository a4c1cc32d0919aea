// Ends everything that belongs to one private engine. It runs as a process of its own that waits for the owner to close
// a pipe, so that nothing is left even when the owner was killed: `node engine-janitor.ts FOLDER`.
import { spawnSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import Docker from "dockerode";
import { findProcesses, isRunning, readText, signalAll, waitUntil } from "./processes.ts";

/** What the folder of every private engine is called at its beginning. */
export const folderPrefix = "edge-engine-";

/** The network namespace of the engine in this folder. */
export function namespaceOf(folder: string): string {
  return basename(folder);
}

/** Ends engines whose owner and janitor were both killed. Only what is ours by folder and user is looked at. */
export async function cleanLeftovers(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(folderPrefix))) {
    const folder = join(tmpdir(), name);
    const made = lstatSync(folder, { throwIfNoEntry: false });
    if (!made?.isDirectory() || made.uid !== process.getuid?.()) continue;
    const janitor = readText(join(folder, "janitor.pid"));
    // A folder without a janitor may be one that is being made right now.
    if (janitor === undefined && Date.now() - made.ctimeMs < 60_000) continue;
    if (janitor !== undefined && (readText(`/proc/${janitor}/cmdline`) ?? "").includes(folder)) continue;
    await cleanUp(folder);
  }
}

async function cleanUp(folder: string): Promise<void> {
  const names = (commandLine: string): boolean => commandLine.includes(`${folder}/`);
  const inNamespace = namespacePids(folder).filter((pid) => !findProcesses(names).includes(pid));
  signalAll(inNamespace, "SIGKILL");
  await stopEngine(folder);
  const ids = readNames(join(folder, "data/containers"));
  const left = findProcesses((commandLine, cgroup) => names(commandLine) || ids.some((id) => cgroup.includes(id)));
  signalAll(left, "SIGKILL");
  await waitUntil(() => !left.some(isRunning), 10_000);
  removeShimSockets(folder);
  if (!removeMounts(folder)) throw new Error(`${folder} is kept: something is still mounted in it`);
  removeControlGroups(ids);
  spawnSync("ip", ["netns", "del", namespaceOf(folder)]);
  // Not rmSync: a tree 20,000 folders deep is more than it has files open for.
  spawnSync("rm", ["-rf", folder]);
}

/** Whoever works in the engine's network, but for janitors of engines that were started from there. */
function namespacePids(folder: string): readonly number[] {
  const pids = spawnSync("ip", ["netns", "pids", namespaceOf(folder)], { encoding: "utf8" }).stdout ?? "";
  const janitors = findProcesses((commandLine) => commandLine.includes("engine-janitor"));
  return pids
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 1 && pid !== process.pid && !janitors.includes(pid));
}

async function stopEngine(folder: string): Promise<void> {
  const [pid] = findProcesses(
    (commandLine) => /^(?:dockerd|podman)\0/.test(commandLine) && commandLine.includes(`${folder}/`),
  );
  if (pid === undefined) return;
  // A test may have frozen it, or what it started.
  signalAll(
    findProcesses((commandLine) => commandLine.includes(`${folder}/`)),
    "SIGCONT",
  );
  await removeContainers(join(folder, "docker.sock")).catch(() => undefined);
  signalAll([pid], "SIGTERM");
  await waitUntil(() => !isRunning(pid), 15_000);
}

async function removeContainers(socketPath: string): Promise<void> {
  const docker = new Docker({ socketPath });
  const abortSignal = AbortSignal.timeout(30_000);
  const containers = await docker.listContainers({ all: true, abortSignal });
  const remove = { force: true, v: true, abortSignal };
  await Promise.allSettled(containers.map(({ Id }) => docker.getContainer(Id).remove(remove)));
}

/** Shims keep their sockets outside every engine's folder; one that was killed leaves its socket there. */
function removeShimSockets(folder: string): void {
  const tasks = join(folder, "exec/containerd/daemon/io.containerd.runtime.v2.task/moby");
  for (const id of readNames(tasks)) {
    const address = readText(join(tasks, id, "address"));
    if (address?.startsWith("unix:///run/containerd/s/")) rmSync(address.slice("unix://".length), { force: true });
  }
}

/** Whether nothing is mounted there any more; else a removal of the folder would reach what is mounted. */
function removeMounts(folder: string): boolean {
  const points = (): readonly string[] =>
    readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "")
      .filter((point) => point === folder || point.startsWith(`${folder}/`));
  for (const point of points().toReversed()) spawnSync("umount", ["-l", point]);
  return points().length === 0;
}

function removeControlGroups(ids: readonly string[]): void {
  const roots = ["/sys/fs/cgroup", ...readNames("/sys/fs/cgroup").map((name) => `/sys/fs/cgroup/${name}`)];
  for (const path of roots.flatMap((root) => ids.map((id) => `${root}/docker/${id}`))) {
    try {
      rmdirSync(path);
    } catch {
      // The engine removed it.
    }
  }
}

function readNames(folder: string): readonly string[] {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
}

if (import.meta.main) {
  const folder = process.argv[2] ?? "";
  if (dirname(folder) !== tmpdir() || !basename(folder).startsWith(folderPrefix))
    throw new Error("Not an engine folder");
  // Ctrl-C and the owner's end must not reach it: it has work to do exactly then.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  process.stdin.resume().on("close", () => void cleanUp(folder));
}
