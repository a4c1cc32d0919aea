import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Packages that tests, demo and measurements need, each with a file that shows that it is there. */
const packages = {
  "docker.io": "/usr/sbin/dockerd",
  iptables: "/usr/sbin/iptables",
  iproute2: "/sbin/ip",
  "busybox-static": "/bin/busybox",
  e2fsprogs: "/sbin/mkfs.ext4",
  "docker-registry": "/usr/bin/docker-registry",
  "apache2-utils": "/usr/bin/htpasswd",
  debootstrap: "/usr/sbin/debootstrap",
  systemd: "/usr/bin/systemd-analyze",
  openssl: "/usr/bin/openssl",
  gcc: "/usr/bin/gcc",
  "gcc-aarch64-linux-gnu": "/usr/bin/aarch64-linux-gnu-gcc",
  "gcc-x86-64-linux-gnu": "/usr/bin/x86_64-linux-gnu-gcc",
  "binutils-aarch64-linux-gnu": "/usr/bin/aarch64-linux-gnu-strip",
  "binutils-x86-64-linux-gnu": "/usr/bin/x86_64-linux-gnu-strip",
  "qemu-user-static": "/usr/bin/qemu-aarch64-static",
  "libc6-arm64-cross": "/usr/aarch64-linux-gnu/lib/libc.so.6",
  "libstdc++6-arm64-cross": "/usr/aarch64-linux-gnu/lib/libstdc++.so.6",
  "libgcc-s1-arm64-cross": "/usr/aarch64-linux-gnu/lib/libgcc_s.so.1",
  "xz-utils": "/usr/bin/xz",
} as const;

type DebianPackage = keyof typeof packages;

/** Installs what is missing of the named packages, saying so; throws when it cannot. */
export function ensurePackages(names: readonly DebianPackage[], say: (line: string) => void): void {
  const missing = names.filter((name) => !existsSync(packages[name]));
  if (missing.length === 0) return;
  const list = missing.join(" ");
  if (process.getuid?.() !== 0) throw new Error(`Missing packages, install them as root: apt-get install ${list}`);
  say(`Installing Debian packages: ${list}`);
  aptGet(["update", "-qq"]);
  aptGet(["install", "-y", "-qq", "--no-install-recommends", ...missing]);
}

function aptGet(args: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const run = spawnSync("apt-get", ["-o", "DPkg::Lock::Timeout=300", ...args], { env, encoding: "utf8" });
  if (run.status !== 0) throw new Error(`apt-get ${args.join(" ")} failed:\n${run.stdout}${run.stderr}`);
}
