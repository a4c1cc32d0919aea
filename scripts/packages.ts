import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

/** Why Debian packages are needed: what they are for, which test files use them, and a file of each that shows it. */
type Purpose = {
  readonly purpose: string;
  readonly tests: RegExp;
  readonly packages: Readonly<Record<string, string>>;
};

/** Every Debian package that tests, demo, build and measurements use and that a small Debian lacks. */
const needs = {
  engine: {
    purpose: "a private Docker engine",
    tests: /^test\/(?:contract|system)\//,
    packages: {
      "docker.io": "/usr/sbin/dockerd",
      iptables: "/usr/sbin/iptables",
      iproute2: "/sbin/ip",
      e2fsprogs: "/sbin/mkfs.ext4",
    },
  },
  images: {
    purpose: "the content of test images",
    tests: /^test\/(?:contract|system)\//,
    packages: { "busybox-static": "/bin/busybox" },
  },
  registry: {
    purpose: "registries on loopback, with passwords",
    tests: /^test\/(?:contract|system)\//,
    packages: { "docker-registry": "/usr/bin/docker-registry", "apache2-utils": "/usr/bin/htpasswd" },
  },
  certificates: {
    purpose: "certificates for TLS",
    tests: /^test\/(?:contract|simulation|system)\//,
    packages: { openssl: "/usr/bin/openssl" },
  },
  sandbox: {
    purpose: "compiling the first process of a sandbox",
    tests: /^test\/unit\/docker\/sandbox-image\.test\.ts$/,
    packages: {
      gcc: "/usr/bin/gcc",
      ...(process.arch === "arm64"
        ? { "gcc-x86-64-linux-gnu": "/usr/bin/x86_64-linux-gnu-gcc" }
        : { "gcc-aarch64-linux-gnu": "/usr/bin/aarch64-linux-gnu-gcc" }),
    },
  },
  executables: {
    purpose: "compiling SQLite's addon and stripping the executables for x64 and arm64",
    tests: /^test\/system\//,
    packages: {
      "binutils-x86-64-linux-gnu": "/usr/bin/x86_64-linux-gnu-strip",
      "binutils-aarch64-linux-gnu": "/usr/bin/aarch64-linux-gnu-strip",
      "g++": "/usr/bin/g++",
      ...(process.arch === "arm64"
        ? { "g++-x86-64-linux-gnu": "/usr/bin/x86_64-linux-gnu-g++" }
        : { "g++-aarch64-linux-gnu": "/usr/bin/aarch64-linux-gnu-g++" }),
    },
  },
  emulator: {
    purpose: "running the executable for arm64",
    tests: /^test\/system\/arm64\.test\.ts$/,
    packages:
      process.arch === "arm64"
        ? {}
        : {
            "qemu-user-static": "/usr/bin/qemu-aarch64-static",
            "libc6-arm64-cross": "/usr/aarch64-linux-gnu/lib/libc.so.6",
            "libstdc++6-arm64-cross": "/usr/aarch64-linux-gnu/lib/libstdc++.so.6",
            "libgcc-s1-arm64-cross": "/usr/aarch64-linux-gnu/lib/libgcc_s.so.1",
          },
  },
  conntrack: {
    purpose: "what the kernel remembers of senders",
    tests: /^test\/system\/udp-port\.test\.ts$/,
    packages: { conntrack: "/usr/sbin/conntrack" },
  },
  systemd: {
    purpose: "systemd-notify and systemd-analyze",
    tests: /^test\/(?:unit\/linux\/supervisor|system\/(?:install|watchdog))\.test\.ts$/,
    packages: { systemd: "/usr/bin/systemd-analyze" },
  },
  shells: {
    purpose: "completing commands in zsh and fish",
    tests: /^test\/system\/completion\.test\.ts$/,
    packages: { zsh: "/usr/bin/zsh", fish: "/usr/bin/fish" },
  },
  podman: {
    purpose: "podman in place of Docker",
    tests: /^$/,
    packages: {
      podman: "/usr/bin/podman",
      runc: "/usr/sbin/runc",
      netavark: "/usr/lib/podman/netavark",
      "aardvark-dns": "/usr/lib/podman/aardvark-dns",
      iptables: "/usr/sbin/iptables",
      iproute2: "/sbin/ip",
      debootstrap: "/usr/sbin/debootstrap",
    },
  },
  rivals: {
    purpose: "what the benchmark stands beside",
    tests: /^$/,
    packages: { "docker-compose": "/usr/bin/docker-compose", catatonit: "/usr/bin/catatonit" },
  },
  package: {
    purpose: "Debian packages and their check",
    tests: /^$/,
    packages: { lintian: "/usr/bin/lintian" },
  },
  flash: {
    purpose: "an image of a device",
    tests: /^$/,
    packages: { debootstrap: "/usr/sbin/debootstrap", iproute2: "/sbin/ip" },
  },
} as const satisfies Readonly<Record<string, Purpose>>;

/** A reason to need Debian packages, as `engine`. */
export type Need = keyof typeof needs;

/** Names the needs of a test run, so that a test file that uses what was not installed for it fails on every machine. */
export const needsVariable = "EDGE_TEST_NEEDS";

/** Debian releases whose Docker runs on this one with this one's runc, unpacked beside the installed: 26.1 and 28.5. */
export type DockerRelease = "trixie" | "forky";

/** Debian releases whose podman needs a newer libc than this machine's: it runs in a root of its own. */
export type PodmanRelease = "forky";

/** Where that root is. */
export function podmanFolder(release: PodmanRelease): string {
  return resolve("node_modules/.cache", `podman-${release}`);
}

/** What is installed in it. */
export const podmanPackages: readonly string[] = ["podman", "netavark", "aardvark-dns", "runc", "iptables", "nftables"];

/** What of such a release is unpacked. */
export const dockerPackages: readonly string[] = ["docker.io", "containerd"];

/** Where the Docker of a later release is unpacked. */
export function dockerFolder(release: DockerRelease): string {
  return resolve("node_modules/.cache", `docker-${release}`);
}

/** What the test files use, in the order of the table. */
export function needsOfTests(files: readonly string[]): readonly Need[] {
  const names = Object.keys(needs) as Need[];
  const used = names.filter((name) => files.some((file) => needs[name].tests.test(file)));
  return used.filter((name) => name !== "engine" || startsEngines());
}

/** What starting an engine with the test images takes: only root has an engine of its own. */
export function engineNeeds(): readonly Need[] {
  return startsEngines() ? ["engine", "images"] : ["images"];
}

function startsEngines(): boolean {
  return process.getuid?.() === 0;
}

/** The packages of these needs that are not installed, with the purpose of each group. */
export function missingPackages(names: readonly Need[]): readonly { purpose: string; packages: readonly string[] }[] {
  const groups = names.map((name) => {
    const entries: readonly (readonly [string, string])[] = Object.entries(needs[name].packages);
    const packages = entries.filter(([, file]) => !existsSync(file)).map(([name]) => name);
    return { purpose: needs[name].purpose, packages };
  });
  return groups.filter(({ packages }) => packages.length > 0);
}

/** Throws when packages of a need are missing, or, in a test run, when the table does not name the need for its files. */
export function requirePackages(need: Need): void {
  const granted = process.env[needsVariable];
  if (granted !== undefined && !granted.split(" ").includes(need))
    throw new Error(`scripts/packages.ts does not name this test file under "${need}": nothing was installed for it`);
  const missing = missingPackages([need]).flatMap(({ packages }) => packages);
  if (missing.length === 0) return;
  throw new Error(`Missing ${missing.join(" ")} (${needs[need].purpose}): \`npm test\` installs it`);
}

/** Folders for the front of PATH in which a later Docker is, with this release's runc; throws where it is missing. */
export function dockerPaths(release: DockerRelease): readonly string[] {
  const folder = dockerFolder(release);
  if (!existsSync(folder))
    throw new Error(`Missing Docker of ${release} in ${folder}: the command that needs it fetches it`);
  return ["usr/sbin", "usr/bin"].map((path) => join(folder, path));
}
