// `npm run flash`: an image as a device maker builds it, from debootstrap, with the executable of this machine installed
// into it and asked for its status inside. It has an engine, and runs a factory pod without a network. Takes minutes and 800 MB in
// the folder for temporary files.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootImage, canBoot } from "./boot-image.ts";
import { debianArchive, debianPackages, install } from "./installer.ts";
import { waitUntil } from "./processes.ts";
import { testImageArchive, testImages } from "./test-images.ts";

const executable = `dist/edge-linux-${process.arch}`;
const address = "wss://center.example:443/websocket/{serialNumber}/events";
const minutes = 60_000;

/** Runs a program, printing it and what it says; throws when it ends with another code. */
function expect(code: number, program: string, ...args: readonly string[]): string {
  console.log(`$ ${program} ${args.join(" ")}`);
  const run = spawnSync(program, args, { encoding: "utf8", timeout: 15 * minutes, maxBuffer: 1 << 26 });
  const said = `${run.stdout}${run.stderr}`;
  if (run.status !== code)
    throw new Error(`Exit code ${run.status}, expected ${code}: ${run.error?.message ?? said.slice(-4000)}`);
  return said;
}

function show(text: string): void {
  console.log(text.trimEnd().replace(/^/gm, "  "));
}

/** A pod and the archive of its image in files, as arguments of `edge install`. */
async function factoryFiles(): Promise<readonly string[]> {
  const resources = { requests: { cpu: "10m", memory: "8Mi" }, limits: { cpu: "100m", memory: "16Mi" } };
  const securityContext = { runAsUser: 65534, runAsGroup: 65534 };
  const container = { name: "app", image: testImages.greeter, resources, securityContext };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "greeter" }, spec: { containers: [container] } };
  const podFile = join(folder, "greeter.json");
  const archive = join(folder, "greeter.tar");
  writeFileSync(podFile, JSON.stringify(pod, null, 2));
  writeFileSync(archive, await testImageArchive(testImages.greeter));
  return ["--pod", podFile, "--image", archive];
}

/** Boots the image: the factory pod runs; the agent as systemd's service, killed, frozen and spoken to. */
async function serve(): Promise<void> {
  const booted = await bootImage(root, join(folder, "boot.log"));
  const shown = (name: string): string =>
    booted.run("systemctl", "show", "edge.service", "--property", name, "--value");
  const served = async (restarts: number): Promise<void> => {
    const isServed = () => shown("ActiveState") === "active" && shown("NRestarts") === String(restarts);
    if (!(await waitUntil(isServed, 5 * minutes)))
      throw new Error(`edge.service: ${booted.run("systemctl", "status", "edge")}`);
    console.log(`  edge.service is active, ${restarts} restarts`);
  };
  const signal = (name: string): void => void booted.run("systemctl", "kill", `--signal=${name}`, "edge.service");
  try {
    // Type=notify: it is active once the agent has said that it is ready.
    await served(0);
    const podRuns = () => /^greeter +1\/1 +Running +0 /m.test(booted.run("edge", "get", "pods"));
    if (!(await waitUntil(podRuns, 2 * minutes)))
      throw new Error(`The factory pod does not run: ${booted.run("edge", "events")}`);
    show(booted.run("edge", "status"));
    booted.run("systemctl", "reload", "edge.service");
    console.log("Killed");
    signal("SIGKILL");
    await served(1);
    console.log("Frozen: its watchdog takes 120 s");
    signal("SIGSTOP");
    await served(2);
    // Until the new agent has asked the engine, the pod is Unknown; another container would be a restart.
    if (!(await waitUntil(podRuns, 2 * minutes)))
      throw new Error(`The factory pod has not run on: ${booted.run("edge", "get", "pods")}`);
    console.log("  the factory pod has run on");
    booted.run("systemctl", "stop", "edge.service");
    console.log(`  stopped: ${shown("Result")}`);
  } finally {
    await booted.end();
  }
}

const folder = mkdtempSync(join(tmpdir(), "edge-flash-"));
const root = join(folder, "image");
try {
  install([debianPackages(["flash", "images"])], console.log);
  expect(
    0,
    "debootstrap",
    "--variant=minbase",
    "--include=systemd,docker.io,iptables,iproute2",
    "bookworm",
    root,
    debianArchive(),
  );
  const factory = await factoryFiles();
  show(expect(0, executable, "install", "--root", root, "--center", address, ...factory));
  show(expect(0, executable, "install", "--root", root, ...factory));
  show(expect(0, "systemd-analyze", `--root=${root}`, "--man=no", "verify", "edge.service"));
  show(expect(0, "systemctl", `--root=${root}`, "is-enabled", "edge.service"));
  show(expect(0, "chroot", root, "/usr/local/bin/edge", "--version"));
  // Whether the machine that runs this has a serial number is not the image's affair.
  expect(
    0,
    "sed",
    "-i",
    's/"serialNumber": "{serialNumber}"/"serialNumber": "FLASH-1"/',
    join(root, "etc/edge/edge.config.json"),
  );
  show(expect(0, "chroot", root, "/usr/local/bin/edge", "config", "check"));
  // Neither an agent nor an engine: exit code 1, and the page says so.
  show(expect(1, "chroot", root, "/usr/local/bin/edge", "status"));
  if (canBoot()) await serve();
  else console.log("Not booted: that needs root and systemd's hierarchy of cgroup v1");
} finally {
  rmSync(folder, { recursive: true, force: true });
}
