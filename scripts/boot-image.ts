import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "./processes.ts";

/** An image whose systemd runs. */
export type BootedImage = {
  /** Runs a program in it; what it printed. Throws where it fails. */
  readonly run: (...command: readonly string[]) => string;
  /** Ends everything in it. */
  readonly end: () => Promise<void>;
};

const hierarchies = "/sys/fs/cgroup";
const named = join(hierarchies, "systemd");
const environment = ["/usr/bin/env", "-i", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "container=edge"];

/**
 * What PID 1 of a container expects to find, in mounts that go with it. The image is a mount itself, as an engine in it needs
 * for its containers, with what is mounted in it.
 */
const start = `
set -e
mount --make-rprivate /
mount --rbind "$1" "$1"
mount -t proc proc "$1/proc"
for place in run tmp dev; do mount -t tmpfs none "$1/$place"; done
mount --rbind /sys "$1/sys"
mount -t tmpfs none "$1/sys/fs/cgroup"
mkdir "$1${named}" "$1/dev/shm"
mount -t cgroup -o none,name=systemd none "$1${named}"
for name in $(cut -f1,2 /proc/cgroups | grep -v -w 0 | grep -v "#" | cut -f1); do
  mkdir "$1${hierarchies}/$name"
  mount -t cgroup -o "$name" none "$1${hierarchies}/$name" || rmdir "$1${hierarchies}/$name"
done
for name in null zero full random urandom tty; do touch "$1/dev/$name"; mount --bind "/dev/$name" "$1/dev/$name"; done
ip link set lo up
root="$1"; shift
exec chroot "$root" "$@" /usr/lib/systemd/systemd --system --unit=multi-user.target --show-status=false`;

/** Whether this machine can do so: it needs root, and systemd's own hierarchy of cgroup v1. */
export function canBoot(): boolean {
  return process.getuid?.() === 0 && existsSync(join(named, "cgroup.procs"));
}

/** Boots an image with its systemd as PID 1: processes, mounts and network of its own, nothing of this machine's. */
export async function bootImage(root: string, log: string): Promise<BootedImage> {
  const groups = makeGroups();
  const output = openSync(log, "a");
  const spaces = ["--pid", "--fork", "--kill-child", "--mount", "--uts", "--ipc", "--net", "--cgroup"];
  const enterGroups = groups.map((group) => `echo $$ > "${group}/cgroup.procs"`).join("; ");
  const enter = `${enterGroups}; exec unshare ${spaces.join(" ")} sh -c '${start}' sh "$@"`;
  const child = spawn("sh", ["-c", enter, "sh", root, ...environment], { stdio: ["ignore", output, output] });
  closeSync(output);
  const pid = (): string => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
  const attempt = (command: readonly string[]) => {
    const into = ["-t", pid(), "--pid", "--mount", "--uts", "--ipc", "--net", "chroot", root, ...environment];
    return spawnSync("nsenter", [...into, ...command], { encoding: "utf8", timeout: 60_000 });
  };
  const booted: BootedImage = {
    run(...command) {
      const { status, stdout, stderr } = attempt(command);
      if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}: ${stdout}${stderr}`);
      return stdout.trim();
    },
    async end() {
      child.kill("SIGKILL");
      // A group can be removed once the processes in it have ended.
      await waitUntil(() => {
        spawnSync("find", [...groups, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
        return !groups.some((group) => existsSync(group));
      }, 30_000);
    },
  };
  const isUp = () => /^(running|degraded)$/m.test(attempt(["systemctl", "is-system-running"]).stdout ?? "");
  if (await waitUntil(isUp, 120_000)) return booted;
  await booted.end();
  throw new Error(`The image does not boot: ${readFileSync(log, "utf8").slice(-2000)}`);
}

/** A group in every hierarchy, below which all groups of the image are: its systemd and its engine make some. */
function makeGroups(): readonly string[] {
  const found = readdirSync(hierarchies).filter((name) => existsSync(join(hierarchies, name, "cgroup.procs")));
  return found.map((name) => {
    const group = join(hierarchies, name, `edge-boot-${process.pid}`);
    mkdirSync(group);
    // A new group of this controller has neither, and takes no process before.
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      const above = join(hierarchies, name, file);
      if (existsSync(above)) writeFileSync(join(group, file), readFileSync(above));
    }
    return group;
  });
}
