import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import Docker from "dockerode";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { podDelete, podUpdate } from "../samples/messages.ts";
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

test("an agent on a full disk keeps running, reports it, restarts pods, can start again and recovers alone", {
  skip,
}, async () => {
  const { socket, folder } = sharedEngine();
  const disk = join(folder, `full-${process.pid}`);
  mkdirSync(disk);
  mounted("mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", disk);
  const agent = await bareAgent({ socket, dataDir: join(disk, "data") });
  const docker = new Docker({ socketPath: socket });
  after(async () => {
    await agent.close();
    for (const { Id } of await docker.listContainers({
      all: true,
      filters: { label: [`io.kubernetes.pod.uid=${uid}`] },
    }))
      await docker.getContainer(Id).remove({ force: true });
    mounted("umount", "--lazy", disk);
  });
  const filled = join(disk, "filled");
  mkdirSync(filled);
  const pod = { name: "full", uid, container: { command: ["/bin/sleep", "1000"] } };
  const running = async (): Promise<string> => {
    const [one] = await docker.listContainers({ filters: { label: [`io.kubernetes.pod.uid=${uid}`] } });
    return one?.Id ?? "";
  };
  const replied = (id: string, words: RegExp): Promise<void> =>
    agent.eventually(`a reply of ${words}`, () => {
      assert.ok(agent.alive(), agent.log().slice(-2_000));
      return words.test(agent.repliesTo(id).join());
    });

  agent.start();
  (await agent.connection()).send(podUpdate({ ...pod, msgId: messageId(1) }));
  await agent.eventually("the pod runs", async () => (await running()) !== "");
  fill(join(filled, "part"));
  const connection = await agent.connection();
  connection.send(podUpdate({ ...pod, name: "other", uid: messageId(9), msgId: messageId(2) }));
  await replied(messageId(2), /disk/);
  connection.send(podDelete({ name: "full", uid, msgId: messageId(3) }));
  await replied(messageId(3), /The device's disk is full/);

  const first = await running();
  await docker.getContainer(first).kill();
  await agent.eventually("the container is started again", async () => {
    assert.ok(agent.alive(), agent.log().slice(-2_000));
    const now = await running();
    return now !== "" && now !== first;
  });

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
