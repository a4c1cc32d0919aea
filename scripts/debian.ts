import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

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

/** Docker of the next Debian release (26.1, API 1.45), unpacked beside the installed one. */
const newerDocker = { release: "trixie", packages: ["docker.io", "containerd"] } as const;

/**
 * Folders for the front of PATH in which a newer engine than the installed one is, with this release's runc; fetched once.
 * Nothing is installed: Debian's own sources and packages stay as they are.
 */
export function ensureNewerDocker(say: (line: string) => void): readonly string[] {
  const { release, packages: names } = newerDocker;
  const folder = resolve("node_modules/.cache", `docker-${release}`);
  const paths = ["usr/sbin", "usr/bin"].map((path) => join(folder, path));
  if (existsSync(folder)) return paths;
  say(`Fetching Debian packages of ${release}: ${names.join(" ")}`);
  mkdirSync(resolve(folder, ".."), { recursive: true });
  // Put in its place when it is whole.
  const work = mkdtempSync(`${folder}-`);
  try {
    const keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
    writeFileSync(join(work, "sources"), `deb [signed-by=${keys}] http://deb.debian.org/debian ${release} main\n`);
    for (const path of ["lists/partial", "cache/archives/partial", "root"]) {
      mkdirSync(join(work, path), { recursive: true });
    }
    const places = { "Dir::Etc::SourceList": "sources", "Dir::State::Lists": "lists", "Dir::Cache": "cache" };
    const options = [
      ...Object.entries(places).flatMap(([name, path]) => ["-o", `${name}=${join(work, path)}`]),
      ...["-o", "Dir::Etc::SourceParts=/dev/null", "-o", "APT::Sandbox::User=root"],
    ];
    aptGet([...options, "update", "-qq"]);
    aptGet([...options, "download", "-qq", ...names], work);
    for (const name of readdirSync(work).filter((each) => each.endsWith(".deb"))) {
      run("dpkg-deb", ["-x", join(work, name), join(work, "root")]);
    }
    renameSync(join(work, "root"), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return paths;
}

function aptGet(args: readonly string[], cwd?: string): void {
  run("apt-get", ["-o", "DPkg::Lock::Timeout=300", ...args], cwd);
}

function run(program: string, args: readonly string[], cwd?: string): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const ran = spawnSync(program, args, { env, encoding: "utf8", ...(cwd === undefined ? {} : { cwd }) });
  if (ran.status !== 0) throw new Error(`${program} ${args.join(" ")} failed:\n${ran.stdout}${ran.stderr}`);
}
