import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { executableFile } from "../../scripts/executable.ts";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { testImages } from "../../scripts/test-images.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, runs } from "./harness.ts";

const engine = sharedEngine();
const site = createSite(engine);
const uids = ["99999999-0000-4000-8000-000000000071", "99999999-0000-4000-8000-000000000072"] as const;
/** The device as the program sees it: a root folder of its own, with this machine's libraries and the folders of the test. */
const root = join(site.folder, "device");
const built = executableFile(process.arch === "arm64" ? "arm64" : "x64");
const mayRun = process.getuid?.() === 0 && process.env.EDGE_FROM_SOURCE !== "1";

function makeDevice(config: string): void {
  for (const path of [
    "etc/edge",
    "etc/systemd/system",
    "usr/local/bin",
    "usr/lib",
    "usr/lib64",
    "proc",
    "tmp",
    "dev/shm",
  ])
    mkdirSync(join(root, path), { recursive: true });
  const wanted = join(root, "etc/systemd/system/multi-user.target.wants");
  mkdirSync(wanted);
  symlinkSync("/etc/systemd/system/edge.service", join(wanted, "edge.service"));
  for (const name of ["lib", "lib64"]) symlinkSync(`usr/${name}`, join(root, name));
  for (const path of [site.folder, dirname(engine.socket)]) mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, "etc/group"), "root:x:0:\nedge:x:990:\n");
  writeFileSync(join(root, "etc/edge/edge.config.json"), config);
  writeFileSync(join(root, "etc/systemd/system/edge.service"), "[Unit]\n");
  cpSync(built, join(root, "usr/local/bin/edge"));
}

/** In mounts of its own, which go with the process. */
function onDevice(...args: readonly string[]) {
  // The engine's folder first: the site's own are in it.
  const bound = ["/usr/lib", "/usr/lib64", "/proc", dirname(engine.socket), site.dataDir, site.runDir];
  const mounts = bound
    .filter(existsSync)
    .map((path) => `mkdir -p "${root}${path}" && mount --rbind "${path}" "${root}${path}"`);
  const script = `${mounts.join(" && ")} && exec chroot "${root}" /usr/local/bin/edge "$@"`;
  const options = { encoding: "utf8", timeout: 300_000, env: { PATH: process.env.PATH } } as const;
  const { status, stdout, stderr } = spawnSync("unshare", ["--mount", "sh", "-c", script, "sh", ...args], options);
  return { code: status, stdout, stderr };
}

const ours = async (): Promise<number> =>
  (await Promise.all(uids.map((uid) => site.containers(uid)))).reduce((sum, some) => sum + some.length, 0);

describe("edge uninstall --purge on a device whose pods run", {
  skip: mayRun ? false : "needs root and the executable",
}, () => {
  /** Looks like one of ours but for the install id. */
  let stranger = "";
  before(async () => {
    const Labels = { "io.kubernetes.pod.name": "purged-0", "edge.install": "another-device" };
    stranger = (await site.docker.createContainer({ Image: testImages.busybox, Labels })).id;
    await site.startCenter();
    await site.startAgent();
    await site.online();
    for (const [index, uid] of uids.entries()) {
      const container = { image: testImages.greeter };
      const reply = await site.ask(podUpdate({ name: `purged-${index}`, uid, msgId: uid, container }));
      assert.equal(reply.content, "OK");
    }
    for (const uid of uids) await site.reported(uid, "Running", (entry) => runs(entry, 0));
    makeDevice(readFileSync(site.config, "utf8"));
  });
  after(async () => {
    await site.docker.getContainer(stranger).remove({ force: true });
    await site.close();
    rmSync(root, { recursive: true, force: true });
  });

  test("is rejected while the agent runs, and removes nothing", async () => {
    const { code, stderr } = onDevice("uninstall", "--purge");
    assert.equal(code, 1, stderr);
    assert.match(stderr, /An agent still runs/);
    assert.equal(existsSync(join(root, "usr/local/bin/edge")), true);
    await site.endAgent("SIGTERM");
  });

  test("lists the containers in a dry run and touches none", async () => {
    const { code, stdout, stderr } = onDevice("uninstall", "--purge", "--dry-run", "--json");
    assert.equal(code, 0, stderr);
    const { steps } = JSON.parse(stdout) as {
      readonly steps: readonly { readonly what: string; readonly state: string }[];
    };
    // These pods have no host path, so nothing is mounted for them.
    const mounts = steps.filter(({ what }) => what.startsWith("mounts below "));
    assert.deepEqual(
      mounts.map(({ state }) => state),
      ["unchanged"],
    );
    for (const index of uids.keys())
      assert.ok(
        steps.some(({ what }) => what.includes(`of pod purged-${index} `)),
        stdout,
      );
    assert.ok((await ours()) >= uids.length);
  });

  test("removes nothing while the engine is stopped", async () => {
    const file = join(root, "etc/edge/edge.config.json");
    const right = readFileSync(file, "utf8");
    writeFileSync(file, right.replace(JSON.stringify(engine.socket), '"/nowhere.sock"'));
    const { code, stderr } = onDevice("uninstall", "--purge");
    writeFileSync(file, right);
    assert.equal(code, 1);
    assert.match(stderr, /The engine at \/nowhere\.sock does not answer, so pods cannot be removed/);
    assert.equal(existsSync(join(site.dataDir, "store.db")), true);
    assert.ok((await ours()) >= uids.length);
  });

  test("removes pods, data, configuration, service and program, and no other container", async () => {
    const { code, stdout, stderr } = onDevice("uninstall", "--purge");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^removed +container app of pod purged-0 \([0-9a-f]{12}\)$/m);
    assert.equal(await ours(), 0);
    assert.equal(
      (await site.docker.getContainer(stranger).inspect()).Config.Labels["io.kubernetes.pod.name"],
      "purged-0",
    );
    for (const path of ["etc/edge", "etc/systemd/system/edge.service", "usr/local/bin/edge"])
      assert.equal(existsSync(join(root, path)), false, path);
    assert.deepEqual(readdirSync(site.dataDir), [], "the data folder is a mount: emptied, and left");
  });
});
