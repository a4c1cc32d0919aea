import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import Docker from "dockerode";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { unmountBelow } from "../../src/linux/bind-mounts.ts";
import { podDelete, podUpdate } from "../samples/messages.ts";
import { assertScreen, deviceScreen, lookedAt, steady } from "../screens/screen.ts";
import { bareAgent } from "./bare-agent.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const uid = "77777777-0000-4000-8000-000000000001";
const messageId = (number: number): string => `77777777-0000-4000-8000-${String(number).padStart(12, "0")}`;

function mounted(program: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

/** Writes until nothing more fits, not one byte. */
function fill(file: string): void {
  for (const bytes of [1 << 20, 4_096]) {
    try {
      for (let part = 0; ; part += 1) writeFileSync(`${file}-${bytes}-${part}`, Buffer.alloc(bytes));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    }
  }
}

test("an agent on a full disk keeps running, reports it, restarts and probes pods, can start again and recovers alone", {
  skip,
}, async () => {
  const { socket, folder } = sharedEngine();
  const disk = join(folder, `full-${process.pid}`);
  mkdirSync(disk);
  mounted("mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", disk);
  const host = join(folder, `host-${process.pid}`);
  mkdirSync(host, { mode: 0o755 });
  const agent = await bareAgent({ socket, dataDir: join(disk, "data"), policy: { hostPaths: [host] } });
  const docker = new Docker({ socketPath: socket });
  after(async () => {
    await agent.close();
    for (const one of [uid, probed.uid]) {
      const filters = { label: [`io.kubernetes.pod.uid=${one}`] };
      // The engine may still carry out what the agent asked for.
      for (const { Id } of await docker.listContainers({ all: true, filters }))
        await docker.getContainer(Id).remove({ force: true }).catch(String);
    }
    unmountBelow(agent.runDir);
    mounted("umount", "--lazy", disk);
  });
  const filled = join(disk, "filled");
  mkdirSync(filled);
  const pod = { name: "full", uid, container: { command: ["/bin/sleep", "1000"] } };
  // Falls ill once there is a file on the host.
  writeFileSync(join(host, "live"), "#!/bin/sh\ntest ! -e /host/ill\n", { mode: 0o755 });
  writeFileSync(join(host, "polite"), "trap 'exit 0' TERM\nwhile :; do sleep 1; done\n", { mode: 0o755 });
  const probed = {
    name: "probed",
    uid: messageId(8),
    spec: { volumes: [{ name: "host", hostPath: { path: host, type: "" } }] },
    container: {
      command: ["/bin/sh", "/host/polite"],
      volumeMounts: [{ name: "host", mountPath: "/host", readOnly: true }],
      livenessProbe: { exec: { command: ["/host/live"] }, periodSeconds: 1 },
    },
  };
  const running = async (of = uid): Promise<string> => {
    const [one] = await docker.listContainers({ filters: { label: [`io.kubernetes.pod.uid=${of}`] } });
    return one?.Id ?? "";
  };
  const replied = (id: string, words: RegExp): Promise<void> =>
    agent.eventually(`a reply of ${words}`, () => {
      assert.ok(agent.alive(), agent.log().slice(-2_000));
      return words.test(agent.repliesTo(id).join());
    });

  agent.start();
  (await agent.connection()).send(podUpdate({ ...pod, msgId: messageId(1) }));
  (await agent.connection()).send(podUpdate({ ...probed, msgId: messageId(5) }));
  await agent.eventually("the pods run", async () => (await running()) !== "" && (await running(probed.uid)) !== "");
  fill(join(filled, "part"));
  const connection = await agent.connection();
  connection.send(podUpdate({ ...pod, name: "other", uid: messageId(9), msgId: messageId(2) }));
  await replied(messageId(2), /disk/);
  connection.send(podDelete({ name: "full", uid, msgId: messageId(3) }));
  await replied(messageId(3), /The device's disk is full/);
  const isTold = (): boolean => /The disk of the data folder is full/.test(agent.status()?.notices?.join() ?? "");
  await agent.eventually("edge status names the disk", isTold);
  assertScreen(
    "disk-full",
    deviceScreen(steady(agent.status() ?? assert.fail(), { [agent.folder]: "/srv" }), lookedAt),
  );

  const before = [await running(), await running(probed.uid)];
  await docker.getContainer(before[0] ?? "").kill();
  writeFileSync(join(host, "ill"), "");
  const isAnother = async (of: string): Promise<boolean> => {
    assert.ok(agent.alive(), agent.log().slice(-2_000));
    const now = await running(of);
    return now !== "" && !before.includes(now);
  };
  await agent.eventually("what was killed is started again", () => isAnother(uid));
  await agent.eventually("what its probe finds ill is started again", () => isAnother(probed.uid));
  rmSync(join(host, "ill"));

  // A store that was closed well has no log, which takes room to be opened again.
  const said = agent.log().length;
  process.kill(agent.pid(), "SIGTERM");
  await agent.eventually("the agent has ended", () => !agent.alive());
  fill(join(filled, "more"));
  agent.start();
  await agent.eventually("the agent waits for room, or runs without", () => {
    assert.ok(agent.alive(), agent.log().slice(-2_000));
    return /the agent waits for room|"event":"Agent starts"/.test(agent.log().slice(said));
  });
  rmSync(filled, { recursive: true });
  await agent.eventually("the agent runs", () => agent.status()?.agent.pid === agent.pid());
  await agent.eventually("the agent is connected", () => agent.status()?.center.state === "online");
  (await agent.connection()).send(podDelete({ name: "full", uid, msgId: messageId(4) }));
  await replied(messageId(4), /"content":"OK"/);
  await agent.eventually("the pod is gone", async () => (await running()) === "");
});

test("an agent that cannot write its status.json logs it once, reports and carries out, and writes it again", {
  skip,
}, async () => {
  const { socket, folder } = sharedEngine();
  const runDir = join(folder, `run-${process.pid}`);
  mkdirSync(runDir);
  mounted("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", runDir);
  const agent = await bareAgent({ socket, runDir });
  after(async () => {
    await agent.close();
    mounted("umount", "--lazy", runDir);
  });
  agent.start();
  const connection = await agent.connection();
  await agent.eventually("a status", () => agent.status()?.center.state === "online");
  fill(join(runDir, "filled"));
  const lines = (): number => agent.log().split('"event":"Status not written"').length - 1;
  for (const number of [1, 2]) {
    const name = `unseen-${number}`;
    const image = "edge.test/none:1";
    connection.send(
      podUpdate({ name, uid: messageId(20 + number), msgId: messageId(30 + number), container: { image } }),
    );
    await agent.eventually("a reply", () => agent.repliesTo(messageId(30 + number)).length > 0);
    await agent.eventually("a report", () => agent.received.some((text) => text.includes(`"Name":"${name}"`)));
  }
  await agent.eventually("the log says it", () => lines() > 0);
  assert.equal(lines(), 1);
  assert.deepEqual(agent.status()?.pods, [], "it stays as it was");
  assert.ok(agent.alive(), agent.log().slice(-2_000));
  for (const name of readdirSync(runDir)) if (name.startsWith("filled")) rmSync(join(runDir, name));
  connection.send(podDelete({ name: "unseen-1", uid: messageId(21), msgId: messageId(40) }));
  await agent.eventually("a status again", () => agent.status()?.pods.length === 1);
});
