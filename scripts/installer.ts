import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import {
  type DockerRelease,
  dockerFolder,
  dockerPackages,
  missingPackages,
  type Need,
  needsVariable,
  type PodmanRelease,
  podmanFolder,
  podmanPackages,
} from "./packages.ts";
import { installRuntimes, runtimesFolder, runtimesInstalled } from "./runtimes.ts";

/** Something that a command needs on this machine. */
type Installation = {
  /** What is missing, where it goes and how long it takes, as one line; undefined when it is there. */
  readonly missing: () => string | undefined;
  /** Throws with what a tool said. */
  readonly install: () => void;
};

/**
 * Installs what is missing, after all of it was told, one line each. It is the only place where anything is installed, and
 * no test reaches it: within an engine's network nothing can be fetched. Throws when it cannot, and within a test run.
 */
export function install(installations: readonly Installation[], say: (line: string) => void): void {
  const missing = installations.filter((each) => each.missing() !== undefined);
  for (const each of missing) say(`Will install ${each.missing()}`);
  if (missing.length > 0 && process.env[needsVariable] !== undefined)
    throw new Error("A test run installs nothing after it has begun; scripts/packages.ts says what goes before");
  for (const each of missing) each.install();
}

/** Packages of this Debian, by apt-get. */
export function debianPackages(needs: readonly Need[]): Installation {
  const missing = () => missingPackages(needs);
  return {
    missing() {
      const groups = missing().map(({ purpose, packages }) => `${packages.join(" ")} (${purpose})`);
      return groups.length === 0 ? undefined : `into the system with apt-get, 1 to 2 minutes: ${groups.join(", ")}`;
    },
    install() {
      const names = [...new Set(missing().flatMap(({ packages }) => packages))];
      if (process.getuid?.() !== 0) throw new Error(`Install them as root: apt-get install ${names.join(" ")}`);
      aptGet(["update", "-qq"]);
      aptGet(["install", "-y", "-qq", "--no-install-recommends", ...names]);
    },
  };
}

/** Docker of a later Debian release, unpacked into a folder: Debian's own sources and packages stay as they are. */
export function dockerOfRelease(release: DockerRelease): Installation {
  const folder = dockerFolder(release);
  return {
    missing() {
      if (existsSync(folder)) return undefined;
      return `into ${folder}, half a minute: ${dockerPackages.join(" ")} of ${release} (a newer Docker engine)`;
    },
    install: () => unpackInto(folder, release, dockerPackages),
  };
}

/** Podman of a later Debian release, in a root that debootstrap makes. */
export function podmanOfRelease(release: PodmanRelease): Installation {
  const folder = podmanFolder(release);
  return {
    missing() {
      if (existsSync(folder)) return undefined;
      return `into ${folder}, 2 to 4 minutes: a root of ${release} with ${podmanPackages.join(" ")} (a newer podman)`;
    },
    install() {
      mkdirSync(resolve(folder, ".."), { recursive: true });
      const work = mkdtempSync(`${folder}-`);
      // The script for unstable fits every later release; this debootstrap may not know its name.
      const script = "/usr/share/debootstrap/scripts/sid";
      const packages = `--include=${podmanPackages.join(",")}`;
      run("debootstrap", ["--variant=minbase", packages, release, work, debianArchive(), script]);
      renameSync(work, folder);
    },
  };
}

/** Node for both architectures, from which the executables are made. */
export function executableRuntimes(): Installation {
  return {
    missing() {
      if (runtimesInstalled()) return undefined;
      return `into ${resolve(runtimesFolder)} with npm, half a minute: Node for x64 and arm64 (the executables)`;
    },
    install: installRuntimes,
  };
}

/** The address of Debian's archive, as this machine's apt has it configured: a mirror, a proxy or Debian's own. */
export function debianArchive(): string {
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
  // Not by the address: a mirror may have any, and other archives name their releases like Debian's.
  const wanted = [
    ["Component", "main"],
    ["Origin", "Debian"],
    ["Label", "Debian"],
    ["Codename", codename],
  ];
  const filters = ["Created-By: Packages", ...wanted.map(([field, value]) => `${field}: ${value}`)];
  const listed = (): string | undefined =>
    run("apt-get", ["indextargets", "--format", "$(REPO_URI)", ...filters])
      .split("\n")
      .find((uri) => uri !== "" && !uri.startsWith("cdrom:"));
  const found = listed();
  if (found !== undefined) return found;
  // What origin a source has is known once its lists are here.
  aptGet(["update", "-qq"]);
  const uri = listed();
  if (uri === undefined) throw new Error(`apt has no source for Debian ${codename} main: see /etc/apt/sources.list`);
  return uri;
}

function unpackInto(folder: string, release: string, names: readonly string[]): void {
  mkdirSync(resolve(folder, ".."), { recursive: true });
  // Put in its place when it is whole.
  const work = mkdtempSync(`${folder}-`);
  try {
    const keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
    writeFileSync(join(work, "sources"), `deb [signed-by=${keys}] ${debianArchive()} ${release} main\n`);
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
}

function aptGet(args: readonly string[], cwd = "."): void {
  run("apt-get", ["-o", "DPkg::Lock::Timeout=300", ...args], cwd);
}

function run(program: string, args: readonly string[], cwd = "."): string {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const ran = spawnSync(program, args, { env, encoding: "utf8", cwd });
  if (ran.status === 0) return ran.stdout;
  throw new Error(`${program} ${args.join(" ")} failed:\n${ran.error?.message ?? ran.stdout + ran.stderr}`);
}
