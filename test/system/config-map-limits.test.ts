import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import Docker from "dockerode";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { configMapUpdate, podUpdate } from "../samples/messages.ts";
import { bareAgent } from "./bare-agent.ts";

const id = (kind: number, number: number): string =>
  `0000000${kind}-0000-4000-8000-${String(number).padStart(12, "0")}`;
const most = 16;
const entries = 256;
const uid = id(1, 0);

const filled = (letter: string) =>
  Object.fromEntries(Array.from({ length: entries }, (_, index) => [`key-${index}`, letter.repeat(2_048)]));

const podWith = (volumes: number, msgId: string): string => {
  const names = Array.from({ length: volumes }, (_, index) => `map-${index}`);
  const volumeMounts = names.map((name) => ({ name, mountPath: `/maps/${name}`, readOnly: true }));
  const spec = { volumes: names.map((name) => ({ name, configMap: { name, defaultMode: 420 } })) };
  return podUpdate({ name: "maps", uid, msgId, spec, container: { command: ["/bin/sleep", "1000"], volumeMounts } });
};

/** Says also how long the agent was busy with it at most: docs/reliability.md has the figures. */
test("a pod with as many config map files as the rules allow runs, is updated, and holds nothing up", async (t) => {
  const { socket } = sharedEngine();
  const docker = new Docker({ socketPath: socket });
  const agent = await bareAgent({ socket });
  after(async () => {
    await agent.kill();
    const filters = { label: [`io.kubernetes.pod.uid=${uid}`] };
    for (const { Id } of await docker.listContainers({ all: true, filters }))
      await docker.getContainer(Id).remove({ force: true });
    await agent.close();
  });
  agent.start();
  const connection = await agent.connection();
  const closed = once(connection, "close");
  let longestMs = 0;
  let isOver = false;
  // The agent answers a ping as soon as it gets round to it.
  const pings = (async () => {
    while (!isOver) {
      const sent = performance.now();
      connection.ping();
      await Promise.race([once(connection, "pong"), closed]);
      longestMs = Math.max(longestMs, performance.now() - sent);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const told = (what: string): void => {
    t.diagnostic(`${what}: the longest answer to a ping took ${Math.round(longestMs)} ms`);
    longestMs = 0;
  };
  const replied = async (text: string, msgId: string): Promise<string> => {
    connection.send(text);
    await agent.eventually(`reply to ${msgId}`, () => agent.repliesTo(msgId).length > 0 || !agent.alive());
    assert.ok(agent.alive(), "the agent is alive");
    return agent.repliesTo(msgId).join();
  };
  const files = (): number => {
    const folder = join(agent.dataDir, "pods", uid, "config-map");
    const maps = Array.from({ length: most }, (_, index) => join(folder, `map-${index}`, "..data"));
    return maps.reduce((sum, map) => sum + readdirSync(map).length, 0);
  };

  for (let map = 0; map < most; map += 1) {
    const text = configMapUpdate(`map-${map}`, id(2, map), filled("a"));
    assert.match(await replied(text, id(2, map)), /"content":"OK"/);
  }
  told("16 config maps arrive");
  assert.match(await replied(podWith(most + 1, id(3, 0)), id(3, 0)), /spec\.volumes.*at most 16/);
  assert.match(await replied(podWith(most, id(3, 1)), id(3, 1)), /"content":"OK"/);
  await agent.eventually("the pod runs", () => agent.status()?.pods[0]?.status === "Running");
  assert.equal(files(), most * entries);
  told("the pod is made");
  const [container] = await docker.listContainers({ filters: { label: [`io.kubernetes.pod.uid=${uid}`] } });
  for (let look = 0; look < 8; look += 1) {
    await docker.getContainer(container?.Id ?? "").kill({ signal: "SIGWINCH" });
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  told("8 looks at the pod");
  for (let map = 0; map < most; map += 1) {
    const text = configMapUpdate(`map-${map}`, id(4, map), filled("b"));
    assert.match(await replied(text, id(4, map)), /"content":"OK"/);
  }
  told("16 config maps change");
  isOver = true;
  await pings;
  assert.equal(files(), most * entries);
});
