import assert from "node:assert/strict";
import { after, test } from "node:test";
import { podDelete, podUpdate } from "../samples/messages.ts";
import { bareAgent } from "./bare-agent.ts";

const uuid = (kind: number, number: number): string =>
  `0000000${kind}-0000-4000-8000-${String(number).padStart(12, "0")}`;

/** A pod of 420 kB: as much as the rules let stand. */
function largePod(number: number): string {
  const env = Array.from({ length: 256 }, (_, index) => ({ name: `NAME${index}`, value: "x".repeat(512) }));
  const base = { image: "edge.test/none:1", env };
  const containers = ["a", "b", "c"].map((name) => ({
    ...base,
    name,
    resources: { requests: { cpu: "10m", memory: "6Mi" } },
    securityContext: { runAsUser: 1000, runAsGroup: 1000 },
  }));
  return podUpdate({ name: "web", uid: uuid(1, number), msgId: uuid(2, number), spec: { containers } });
}

test("terminating pods are limited, and the agent rejects more with a reason", async () => {
  const agent = await bareAgent();
  after(() => agent.close());
  agent.start();
  const connection = await agent.connection();
  const sent = 80;
  for (let number = 0; number < sent; number += 1) {
    const text = largePod(number);
    assert.ok(text.length > 400_000, `${text.length} bytes`);
    connection.send(text);
    await agent.eventually(`reply ${number}`, () => agent.repliesTo(uuid(2, number)).length > 0 || !agent.alive());
    assert.ok(agent.alive(), `the agent ended after ${number} pods`);
  }
  const last = agent.repliesTo(uuid(2, sent - 1)).join();
  assert.match(last, /pods are still being deleted on this device \(at most 64, 2 MiB together\)/);
  assert.match(agent.repliesTo(uuid(2, 0)).join(), /"content":"OK"/);
});

test("deletes of unknown pods are limited, one per name", async () => {
  const agent = await bareAgent();
  after(() => agent.close());
  agent.start();
  const connection = await agent.connection();
  const sent = 600;
  for (let number = 0; number < sent; number += 1) {
    connection.send(podDelete({ name: "same", uid: uuid(1, number), msgId: uuid(3, number) }));
    connection.send(podDelete({ name: `other-${number}`, uid: uuid(1, number), msgId: uuid(4, number) }));
  }
  // A refusal comes at once, an OK when the outbox has its turn.
  const last = [uuid(4, sent - 1), uuid(3, sent - 1), uuid(4, 0)];
  await agent.eventually("every reply", () => last.every((id) => agent.repliesTo(id).length > 0), 120_000);
  assert.match(agent.repliesTo(uuid(3, sent - 1)).join(), /"content":"OK"/);
  assert.match(agent.repliesTo(uuid(4, 0)).join(), /"content":"OK"/);
  assert.match(agent.repliesTo(uuid(4, sent - 1)).join(), /256 deletes of unknown pods/);
  assert.ok(agent.alive());
});

test("a center that does not read its replies does not fill the heap of the agent", async () => {
  const agent = await bareAgent();
  after(() => agent.close());
  agent.start();
  const connection = await agent.connection();
  const stream = (connection as unknown as { _socket: { pause(): void; resume(): void } })._socket;
  await agent.eventually("a first report", () => agent.received.length > 0);
  stream.pause();
  const sent = 150_000;
  for (let number = 0; number < sent; number += 1) {
    connection.send(`{"header":{"msg_id":"${uuid(5, number)}"},"route":{},"content":1}`);
    if (number % 5_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const waiting = (): number => connection.bufferedAmount;
  let before = Number.POSITIVE_INFINITY;
  // The agent stops reading: what waits here stays as much as it was.
  await agent.eventually("reading pauses", async () => {
    before = waiting();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    return waiting() === before || !agent.alive();
  });
  assert.ok(agent.alive(), "the agent is alive");
  assert.ok(before > 1_000_000, `${before} bytes still wait to be read by the agent`);
  const arrived = agent.received.length;
  stream.resume();
  await agent.eventually("replies", () => agent.received.length > arrived || !agent.alive());
  assert.ok(agent.alive());
});
