import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type PodmanRelease, podmanFolder } from "./packages.ts";

/** As for an engine on a machine without CAP_SYS_RESOURCE: podman would raise limits that the machine does not let it raise. */
const config = (folder: string): string => `[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
[engine]
events_logger = "file"
cgroup_manager = "cgroupfs"
runtime = "runc"
[network]
network_backend = "netavark"
network_config_dir = "${folder}/networks"
`;

/** Docker asks for no certificate on a loopback address; podman has to be told, by port. */
const insecurePorts = [15_018, 15_019, 15_043];

/**
 * Starts podman's service behind the socket of a private engine's folder; its containers live on when it ends.
 * @param release of Debian whose podman runs, from a root of its own; the installed podman without one
 */
export function spawnPodman(
  folder: string,
  command: (...command: readonly string[]) => readonly [string, ...string[]],
  release?: PodmanRelease,
) {
  const file = join(folder, "containers.conf");
  writeFileSync(file, config(folder));
  const registries = join(folder, "registries.conf");
  const insecure = insecurePorts.map((port) => `[[registry]]\nlocation = "127.0.0.1:${port}"\ninsecure = true\n`);
  writeFileSync(registries, insecure.join(""));
  const [program, ...args] = command(
    ...(release === undefined ? [] : intoRoot(mountedRoot(folder, podmanFolder(release)))),
    "podman",
    ...["--root", join(folder, "data"), "--runroot", join(folder, "exec"), "--tmpdir", join(folder, "tmp")],
    ...["system", "service", "--time=0", `unix://${join(folder, "docker.sock")}`],
  );
  const log = openSync(join(folder, "docker.log"), "a");
  const env = {
    ...process.env,
    CONTAINERS_CONF: file,
    CONTAINERS_REGISTRIES_CONF: registries,
    PODMAN_IGNORE_CGROUPSV1_WARNING: "1",
  };
  const engine = spawn(program, args, { cwd: folder, detached: true, stdio: ["ignore", log, log], env });
  writeFileSync(join(folder, "docker.pid"), String(engine.pid));
  return engine;
}

/** Runs a program with mounts of its own and this folder as its root: in a chroot podman lists no processes of containers. */
function intoRoot(root: string): readonly string[] {
  const script = 'cd "$0" && pivot_root . mnt && umount -l /mnt && exec "$@"';
  return ["unshare", "--mount", "--propagation=slave", "sh", "-c", script, root];
}

/** The root of another release for this engine alone: changes stay in its folder, which is seen there under its own name. */
function mountedRoot(folder: string, source: string): string {
  const root = join(folder, "root");
  if (mkdirSync(root, { recursive: true }) === undefined) return root;
  const [changes, work] = [join(folder, "root-changes"), join(folder, "root-work")];
  for (const path of [changes, work]) mkdirSync(path);
  // What an agent mounts in the folder later is to be seen by podman, which has mounts of its own.
  mount("--bind", folder, folder);
  mount("--make-shared", folder);
  mount("-t", "overlay", "-o", `lowerdir=${source},upperdir=${changes},workdir=${work}`, "overlay", root);
  for (const path of ["proc", "sys", "dev"]) {
    mount("--rbind", `/${path}`, join(root, path));
    // An unmount there must not reach the machine's own.
    mount("--make-rprivate", join(root, path));
  }
  mkdirSync(join(root, folder), { recursive: true });
  mount("--bind", folder, join(root, folder));
  return root;
}

function mount(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync("mount", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`mount ${args.join(" ")} failed: ${error?.message ?? stderr}`);
}
