// `npm run soak:package`: the Debian package in a Debian of its own, from debootstrap, as an owner uses it: install, upgrade,
// remove, install again and purge, with systemd as PID 1. Takes minutes and 700 MB in the folder for temporary files.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BootedImage, bootImage, canBoot } from "./boot-image.ts";
import { debianArchive, debianPackages, install } from "./installer.ts";
import { makePackage, packageOfCommit } from "./package.ts";
import { waitUntil } from "./processes.ts";
import type { Architecture } from "./runtimes.ts";

const minutes = 60_000;
const address = "wss://center.example:443/websocket/device-1/events";

function run(program: string, ...args: readonly string[]): string {
  console.log(`$ ${program} ${args.join(" ")}`);
  const ran = spawnSync(program, args, { encoding: "utf8", timeout: 20 * minutes, maxBuffer: 1 << 26 });
  if (ran.status === 0) return `${ran.stdout}${ran.stderr}`;
  throw new Error(`Exit code ${ran.status}: ${ran.error?.message ?? `${ran.stdout}${ran.stderr}`.slice(-4_000)}`);
}

/** A package for a trial, at the root of an image. */
function putPackage(root: string, architecture: Architecture, version: string): string {
  const file = `edge_${version}.deb`;
  makePackage({ ...packageOfCommit(architecture), version, compression: "none" }, join(root, file));
  return `/${file}`;
}

function isIn(root: string, path: string): boolean {
  return existsSync(join(root, path));
}

async function activeAs(booted: BootedImage, state: string): Promise<string> {
  const shown = (name: string): string =>
    booted.run("systemctl", "show", "edge.service", "--property", name, "--value");
  if (!(await waitUntil(() => shown("ActiveState") === state, 5 * minutes)))
    throw new Error(`edge.service is ${shown("ActiveState")}, expected ${state}`);
  console.log(`  edge.service is ${state}`);
  return shown("MainPID");
}

/** The life of a package on a device whose systemd runs. */
async function live(root: string, booted: BootedImage): Promise<void> {
  const first = putPackage(root, "x64", "0.0.1");
  const second = putPackage(root, "x64", "0.0.2");
  const said = booted.run("dpkg", "--install", first);
  assert.match(said, /edge is not started: complete \/etc\/edge\/edge\.config\.json/);
  await activeAs(booted, "inactive");
  assert.equal(booted.run("systemctl", "is-enabled", "edge.service"), "enabled");
  assert.equal(booted.run("stat", "-c", "%a %U:%G", "/etc/edge/edge.config.json"), "640 root:edge");
  assert.equal(booted.run("stat", "-c", "%a %U:%G", "/var/lib/edge"), "750 root:edge");
  const config = { node: { name: "device-1" }, center: { url: address } };
  writeFileSync(join(root, "etc/edge/edge.config.json"), JSON.stringify(config));
  booted.run("systemctl", "start", "edge.service");
  const before = await activeAs(booted, "active");
  booted.run("dpkg", "--install", second);
  assert.notEqual(await activeAs(booted, "active"), before, "another process after the upgrade");
  assert.deepEqual(JSON.parse(readFileSync(join(root, "etc/edge/edge.config.json"), "utf8")), config);
  booted.run("dpkg", "--remove", "edge");
  assert.deepEqual([isIn(root, "usr/bin/edge"), isIn(root, "var/lib/edge/store.db")], [false, true]);
  assert.ok(isIn(root, "etc/edge/edge.config.json"));
  booted.run("dpkg", "--install", second);
  await activeAs(booted, "active");
  assert.equal(isIn(root, "var/lib/edge/purge"), false);
  booted.run("dpkg", "--purge", "edge");
  assert.deepEqual(
    ["usr/bin/edge", "etc/edge", "var/lib/edge", "lib/systemd/system/edge.service"].filter((path) => isIn(root, path)),
    [],
  );
  console.log("  nothing of the package is left after the purge");
}

/** Unpacks the package for arm64 into a system of that architecture, and runs its program with qemu. */
function runForeign(root: string): void {
  for (const path of ["updates", "info"]) mkdirSync(join(root, "var/lib/dpkg", path), { recursive: true });
  for (const name of ["status", "available"]) writeFileSync(join(root, "var/lib/dpkg", name), "");
  writeFileSync(join(root, "var/lib/dpkg/arch"), "arm64\n");
  const file = join(root, putPackage(root, "arm64", "0.0.1"));
  run("dpkg", `--root=${root}`, "--force-architecture", "--force-depends", "--unpack", file);
  assert.match(
    run("dpkg-query", `--admindir=${join(root, "var/lib/dpkg")}`, "--status", "edge"),
    /Architecture: arm64/,
  );
  const shown = run("qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu", join(root, "usr/bin/edge"), "--version");
  console.log(`  arm64: ${shown.trim()}`);
}

const folder = mkdtempSync(join(tmpdir(), "edge-package-"));
try {
  install([debianPackages(["flash", "package", "emulator"])], console.log);
  runForeign(join(folder, "arm64"));
  const root = join(folder, "image");
  const file = join(folder, "edge_0.0.1_amd64.deb");
  makePackage({ ...packageOfCommit("x64"), version: "0.0.1", compression: "xz" }, file);
  console.log(run("lintian", "--allow-root", "--fail-on=error,warning", file).trimEnd());
  run("debootstrap", "--variant=minbase", "--include=systemd,libstdc++6", "bookworm", root, debianArchive());
  if (!canBoot()) throw new Error("This needs root and systemd's hierarchy of cgroup v1");
  const booted = await bootImage(root, join(folder, "boot.log"));
  try {
    await live(root, booted);
  } finally {
    await booted.end();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
