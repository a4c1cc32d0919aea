import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../fakes/clock.ts";
import { fakeDevice } from "../fakes/device.ts";
import { fakeEngine } from "../fakes/engine.ts";
import { fakeLink } from "../fakes/link.ts";
import { seededRandom } from "../fakes/random.ts";
import { memoryStore } from "../fakes/store.ts";
import { podUpdate, testImage } from "../samples/messages.ts";
import { startProcess } from "./device-process.ts";

test("a pod update becomes a running container and comes back as a status", async () => {
  const clock = virtualClock();
  const random = seededRandom(1);
  const { engine, host } = fakeEngine({ clock, random });
  const { link, center } = fakeLink(clock);
  host.addImage(testImage, { id: "sha256:1", user: "", architecture: "amd64", volumes: [] });
  const device = fakeDevice();
  const store = memoryStore();
  const agent = startProcess({ clock, random, engine, link, device }, store);
  await clock.pass(5_000);
  assert.ok(center.connected());
  center.deliver(podUpdate({ name: "web", uid: random.uuid(), msgId: random.uuid() }));
  await clock.pass(10_000);
  for (const text of center.received()) console.log(text);
  console.log(JSON.stringify(agent.published(), null, 1), agent.failure());
  console.log(
    host
      .calls()
      .map((c) => `${c.operation} ${c.subject}`)
      .join("\n"),
  );
  console.log(
    store
      .events({ limit: 100 })
      .map((e) => `${e.reason} ${e.message}`)
      .join("\n"),
  );
  assert.equal(host.running().length, 1);
  await agent.stop();
});
