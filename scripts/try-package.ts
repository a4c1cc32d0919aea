// `npm run soak:package`: the Debian package in a Debian of its own, from debootstrap, as an owner uses it: install, upgrade,
// remove, install again and purge, with systemd as PID 1, and a pod on an engine of its own. Takes minutes and 700 MB in /var/tmp.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import Docker from "dockerode";
import { installLabel } from "../src/core/pod/identity.ts";
import { type BootedImage, bootImage, canBoot } from "./boot-image.ts";
import { debianArchive, debianPackages, install } from "./installer.ts";
import { makePackage, packageOfCommit } from "./package.ts";
import { type PrivateEngine, startPrivateEngine } from "./private-engine.ts";
import { waitUntil } from "./processes.ts";
import type { Architecture } from "./runtimes.ts";
import { loadTestImages, testImages } from "./test-images.ts";

const minutes = 60_000;
const listen = "127.0.0.1:9011";
const configFile = "/etc/edge/edge.config.json";
/** Of factory pods, and of archives of images. */
const places = ["/etc/edge/pods.d", "/var/lib/edge/images"];

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

/** The container of the pod, as the engine has it: its id, and since when it runs; null if there is none. */
async function containerOf(engine: PrivateEngine): Promise<string | null> {
  const docker = new Docker({ socketPath: engine.socket });
  const containers = await docker.listContainers({ all: true });
  const [found, ...others] = containers.filter(({ Labels }) => Labels[installLabel] !== undefined);
  assert.deepEqual(others, []);
  if (found === undefined) return null;
  // What is listed may be gone at the next call.
  const { State } = (await docker
    .getContainer(found.Id)
    .inspect()
    .catch(() => null)) ?? { State: null };
  return State?.Running === true ? `${found.Id} since ${State.StartedAt}` : null;
}

/** A center in the image sends one pod, and the agent runs it on the engine of this machine. */
async function runPod(booted: BootedImage, engine: PrivateEngine, site: string): Promise<string> {
  const control = join(site, "center.sock");
  const center = ["/usr/bin/edge", "center", "--listen", listen, "--control", control];
  booted.run("systemd-run", "--unit=center", ...center);
  booted.run("systemctl", "start", "edge.service");
  await activeAs(booted, "active");
  const resources = { requests: { cpu: "10m", memory: "8Mi" }, limits: { cpu: "100m", memory: "16Mi" } };
  const container = { name: "app", image: testImages.busybox, command: ["/bin/sleep", "100000"], resources };
  const securityContext = { runAsUser: 1000, runAsGroup: 1000 };
  const metadata = { name: "web", namespace: "websocket", uid: "20200000-0000-4000-8000-000000000009" };
  const spec = { containers: [{ ...container, securityContext }], restartPolicy: "Always" };
  const pod = JSON.stringify({ metadata: { ...metadata, resourceVersion: "1" }, spec });
  let answer = "";
  const isSent = async () => {
    answer = await post(control, "/send?node=device-1", pod).catch(String);
    return answer.includes("OK");
  };
  if (!(await waitUntil(isSent, 2 * minutes))) {
    const log = booted.run("journalctl", "-u", "edge", "-u", "center", "-n", "40", "--no-pager");
    throw new Error(`The agent does not accept the pod: ${answer}\n${log}`);
  }
  let found: string | null = null;
  await waitUntil(async () => {
    found = await containerOf(engine);
    return found !== null;
  }, 2 * minutes);
  return found ?? assert.fail(booted.run("journalctl", "-u", "edge", "-n", "40"));
}

function post(socketPath: string, path: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method: "POST", path }, (answer) => text(answer).then(resolve, reject));
    sent.on("error", reject).end(body);
  });
}

/** The life of a package on a device whose systemd runs, with a pod on an engine. */
async function live(root: string, booted: BootedImage, engine: PrivateEngine): Promise<void> {
  const first = putPackage(root, "x64", "0.0.1");
  const second = putPackage(root, "x64", "0.0.2");
  const said = booted.run("dpkg", "--install", first);
  // The first configuration is complete on a device that has a serial number.
  const isIncomplete = /edge is not started: complete \/etc\/edge\/edge\.config\.json/.test(said);
  await activeAs(booted, isIncomplete ? "inactive" : "active");
  assert.equal(booted.run("systemctl", "is-enabled", "edge.service"), "enabled");
  assert.equal(booted.run("stat", "-c", "%a %U:%G", configFile), "640 root:edge");
  assert.equal(booted.run("stat", "-c", "%a %U:%G", "/var/lib/edge"), "750 root:edge");
  for (const place of places) assert.equal(booted.run("stat", "-c", "%a %U:%G", place), "755 root:root");
  const site = join(engine.folder, "site");
  mkdirSync(site);
  const config = JSON.stringify({
    node: { name: "device-1" },
    center: { url: `ws://${listen}/websocket/device-1/events` },
    engine: { socket: engine.socket },
    data: { dir: join(site, "data"), runDir: join(site, "run") },
    policy: { systemReserved: { cpu: "100m", memory: "64Mi" } },
  });
  writeFileSync(join(root, configFile), config);
  const pod = await runPod(booted, engine, site);
  const running = async (after: string): Promise<void> => {
    assert.equal(await containerOf(engine), pod, after);
    console.log(`  the container runs on after the ${after}`);
  };
  const before = await activeAs(booted, "active");
  booted.run("dpkg", "--install", second);
  assert.notEqual(await activeAs(booted, "active"), before, "another process after the upgrade");
  assert.equal(readFileSync(join(root, configFile), "utf8"), config);
  await running("upgrade");
  booted.run("dpkg", "--remove", "edge");
  await activeAs(booted, "inactive");
  assert.deepEqual([isIn(root, "usr/bin/edge"), isIn(root, configFile)], [false, true]);
  assert.deepEqual(
    places.filter((place) => !isIn(root, place)),
    [],
    "a removal leaves the folders of factory pods and images",
  );
  await running("removal");
  booted.run("dpkg", "--install", second);
  await activeAs(booted, "active");
  assert.equal(isIn(root, "var/lib/edge/purge"), false);
  await running("installation");
  booted.run("dpkg", "--purge", "edge");
  const paths = ["usr/bin/edge", "etc/edge", "var/lib/edge", "lib/systemd/system/edge.service", join(site, "data")];
  assert.deepEqual([...paths.filter((path) => isIn(root, path)), await containerOf(engine)], [null]);
  console.log("  nothing of the package and no container is left after the purge");
  booted.run("dpkg", "--install", second);
  const purged = booted.run("sh", "-c", "dpkg --purge edge 2>&1");
  assert.match(purged, /^removed .*\/var\/lib\/edge$/m, "a purge of the first configuration, with the usual folders");
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

/** A folder of this machine in an image, under its own path. */
function shareFolder(root: string, folder: string): () => void {
  const place = join(root, folder);
  mkdirSync(place, { recursive: true });
  run("mount", "--bind", folder, place);
  return () => void run("umount", place);
}

/** The image, the engine and the package's life in both. */
async function liveInImage(root: string, log: string): Promise<void> {
  const engine = await startPrivateEngine(console.log);
  try {
    await loadTestImages(engine.socket);
    const unshare = shareFolder(root, engine.folder);
    try {
      const booted = await bootImage(root, log);
      await live(root, booted, engine).finally(booted.end);
    } finally {
      unshare();
    }
  } finally {
    await engine.close();
  }
}

// A booted image has a /tmp of its own, which would hide the engine's folder.
process.env["TMPDIR"] = "/var/tmp";
const folder = mkdtempSync(join(tmpdir(), "edge-package-"));
try {
  install([debianPackages(["flash", "package", "emulator", "engine", "images"])], console.log);
  runForeign(join(folder, "arm64"));
  const file = join(folder, "edge_0.0.1_amd64.deb");
  makePackage({ ...packageOfCommit("x64"), version: "0.0.1", compression: "xz" }, file);
  console.log(run("lintian", "--allow-root", "--fail-on=error,warning", file).trimEnd());
  if (!canBoot()) throw new Error("This needs root and systemd's hierarchy of cgroup v1");
  const root = join(folder, "image");
  run("debootstrap", "--variant=minbase", "--include=systemd", "bookworm", root, debianArchive());
  await liveInImage(root, join(folder, "boot.log"));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
