import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { openStoreReadOnly } from "../../src/sqlite/store.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, ids, only, runs } from "./harness.ts";

const site = createSite(sharedEngine(), { policy: { capabilities: ["CHOWN"] } });
const policyNow = {
  policy: {
    capabilities: [],
    hostPaths: [site.hostFolder, `${site.hostFolder}/**`],
    systemReserved: { cpu: "100m", memory: "64Mi" },
  },
};
const sleeper = { command: ["/bin/sleep", "1000"] };
const uids = { plain: uid(1), updated: uid(2), connected: uid(3), replaced: uid(4), outgrown: uid(5), covered: uid(6) };

function uid(last: number): string {
  return `66666666-0000-4000-8000-00000000000${last}`;
}

const isOfCovered = (line: string): boolean => line.startsWith("websocket/covered");
const notices = () => (site.published()?.notices ?? []).filter((line) => !isOfCovered(line));
/** Where a disk is mounted while a pod has the folder below. */
const disk = join(site.hostFolder, "disk");

function events(ofCovered = false): readonly string[] {
  const opened = openStoreReadOnly(site.dataDir);
  assert.ok(opened.ok);
  try {
    const drift = opened.store.events.list({ limit: 1000 }).filter(({ reason }) => reason === "Drift");
    return drift.map(({ pod, message }) => `${pod} ${message}`).filter((line) => isOfCovered(line) === ofCovered);
  } finally {
    opened.store.close();
  }
}

/** A container of the same name and labels, made by hand with more than was admitted. */
async function replaceByHand(): Promise<void> {
  const old = only(await site.containers(uids.replaced));
  const container = site.docker.getContainer(old.Id);
  const { Image, Name, Config, HostConfig } = old;
  await container.remove({ force: true });
  const made = await site.docker.createContainer({
    name: Name.slice(1),
    Image,
    Entrypoint: Config.Entrypoint as string[],
    Labels: Config.Labels,
    User: "0",
    // Not privileged: a nested engine, such as the one of these tests, may not be able to.
    HostConfig: { ...HostConfig, CapAdd: ["CHOWN"], ReadonlyRootfs: false, PidMode: "host" },
  });
  await made.start();
}

/** A pod with that folder. Its program heeds the signal to stop, so that its grace is not waited for. */
function withDisk(container: Readonly<Record<string, unknown>>) {
  const scripts = join(site.hostFolder, "scripts");
  mkdirSync(scripts);
  mkdirSync(disk);
  writeFileSync(join(scripts, "polite.sh"), "trap 'exit 0' TERM\nwhile true; do sleep 1; done\n");
  const volumes = Object.entries({ scripts, disk }).map(([name, path]) => ({ name, hostPath: { path, type: "" } }));
  const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}`, readOnly: true }));
  return { spec: { volumes }, container: { ...container, command: ["/bin/sh", "/scripts/polite.sh"], volumeMounts } };
}

function coverDisk(): void {
  const mount = spawnSync("mount", ["-t", "tmpfs", "none", disk], { encoding: "utf8" });
  assert.equal(mount.status, 0, mount.stderr);
  writeFileSync(join(disk, "here"), "");
}

describe("containers that differ from the admitted pod", () => {
  let known: readonly string[] = [];
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
    for (const [name, id] of Object.entries(uids)) {
      const capabilities = name === "outgrown" ? { capabilities: { add: ["CHOWN"] } } : {};
      const container = { ...sleeper, securityContext: { runAsUser: 1000, runAsGroup: 1000, ...capabilities } };
      const mounted = name === "covered" ? withDisk(container) : { container };
      const reply = await site.ask(podUpdate({ name, uid: id, msgId: id, ...mounted }));
      assert.equal(reply.content, "OK");
    }
    for (const id of Object.values(uids)) {
      await site.reported(id, "Running", ({ status }) => status.phase === "Running");
    }
  });
  after(async () => {
    spawnSync("umount", ["--lazy", disk]);
    await site.close();
  });

  test("changes during the agent's absence are reported at its start, in events and edge status", async () => {
    await site.endAgent("SIGTERM");
    const updated = only(await site.containers(uids.updated));
    await site.docker.getContainer(updated.Id).update({ Memory: 64 << 20, MemorySwap: 64 << 20 });
    await replaceByHand();
    known = ids((await site.containers()).filter(({ Name }) => !Name.includes("covered")));
    await site.startAgent();
    await site.eventually("notices of both", () => (notices().length >= 5 ? true : undefined));
    assert.deepEqual(
      notices().map((line) => line.replace("; it keeps running", "")),
      [
        "websocket/replaced/app: User is 0, the accepted pod has 1000:1000",
        "websocket/replaced/app: ReadonlyRootfs is false, the accepted pod has true",
        "websocket/replaced/app: CapAdd is CHOWN, the accepted pod has none",
        "websocket/replaced/app: PidMode is host, the accepted pod has private",
        "websocket/updated/app: Memory is 67108864, the accepted pod has 16777216",
      ],
    );
    assert.equal(events().length, 5);
    const shown = await site.run("status", "--wide");
    assert.match(shown.stdout, /^Note {5}websocket\/updated\/app: Memory is 67108864/m);
  });

  test("changes beside a running agent and a stricter policy are reported by the next full list", async () => {
    coverDisk();
    const network = await site.docker.createNetwork({ Name: `drift-${process.pid}` });
    const { Id: Container } = only(await site.containers(uids.connected));
    await network.connect({ Container });
    try {
      const config = JSON.parse(readFileSync(site.config, "utf8"));
      writeFileSync(site.config, JSON.stringify({ ...config, ...policyNow }));
      process.kill(site.agentPid(), "SIGHUP");
      await site.eventually("notices of both", () => (notices().length >= 7 ? true : undefined));
      const lines = notices().join("\n");
      assert.match(
        lines,
        new RegExp(`websocket/connected/app: Networks is bridge, drift-${process.pid}, the accepted pod has`),
      );
      assert.match(lines, /websocket\/outgrown: .*capabilities\.add\[0\] is "CHOWN".*today's policy would reject it/);
      // A second full list has seen the first five again.
      assert.equal(events().length, 7);
    } finally {
      await network.disconnect({ Container, Force: true });
      await network.remove();
    }
  });

  test("a disk that was mounted over a host path meanwhile is told as well, and the container restarted", async () => {
    await site.reported(uids.covered, "its restart", (entry) => runs(entry, 1));
    const { State } = only((await site.containers(uids.covered)).filter((one) => one.State.Running));
    assert.ok(existsSync(`/proc/${State.Pid}/root/disk/here`));
    assert.deepEqual(events(true), [
      `websocket/covered Something was mounted over ${disk}, and /disk shows the folder below it; it is restarted`,
    ]);
  });

  test("drift stops no container", async () => {
    const left = (await site.containers()).filter(({ Name }) => !Name.includes("covered"));
    assert.deepEqual(ids(left), known);
    for (const { State } of left) assert.equal(State.Running, true);
    const { document } = await site.status();
    const rows = document.pods.filter(({ name }) => name !== "covered");
    assert.ok(rows.every(({ status, restarts }) => status === "Running" && restarts === 0));
  });
});
