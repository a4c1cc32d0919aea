import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../../../fakes/clock.ts";
import { fakeDevice } from "../../../fakes/device.ts";
import { fakeEngine } from "../../../fakes/engine.ts";
import { fakeLink } from "../../../fakes/link.ts";
import { seededRandom } from "../../../fakes/random.ts";
import { memoryStore } from "../../../fakes/store.ts";
import { podUpdate, testImage } from "../../../samples/messages.ts";
import { startProcess } from "../../../simulation/world/device-process.ts";

const uid = "6bf30364-3c62-493d-b3c1-848012fb8731";
const text = podUpdate({ name: "web", uid, msgId: "00000000-0000-0000-0000-000000000001" });

test("containers of a lost database keep running by their label and are adopted when the center sends the pod again", async () => {
  const clock = virtualClock();
  const random = seededRandom(1);
  const { engine, host } = fakeEngine({ clock, random });
  const { link, center } = fakeLink(clock);
  host.addImage(testImage, { id: "sha256:1", user: "", architecture: "amd64", volumes: [] });
  const world = { clock, random, engine, link, device: fakeDevice() };
  const first = startProcess(world, memoryStore());
  await clock.pass(3_000);
  center.deliver(text);
  await clock.pass(10_000);
  const [container] = host.running();
  assert.ok(container !== undefined);
  first.kill();
  center.abandon();

  const store = memoryStore();
  const second = startProcess(world, store);
  await clock.pass(10_000);
  assert.deepEqual(
    host.running().map((one) => one.id),
    [container.id],
  );
  assert.equal(store.getMeta("installId"), container.labels["edge.install"], "the install id is the one on the engine");
  assert.ok(store.events.list({ limit: 10 }).some((one) => one.reason === "Orphaned"));

  host.kill(container.id, 1);
  await clock.pass(5_000);
  assert.deepEqual(
    host.running().map((one) => one.id),
    [container.id],
    "the first restart is immediate, and in place",
  );
  host.kill(container.id, 1);
  await clock.pass(5_000);
  assert.deepEqual(host.running(), [], "the second waits ten seconds");
  await clock.pass(10_000);
  assert.deepEqual(
    host.running().map((one) => one.id),
    [container.id],
  );

  center.deliver(text);
  await clock.pass(10_000);
  assert.deepEqual(
    host.running().map((one) => one.id),
    [container.id],
    "adopted: the same container",
  );
  assert.equal(second.published()?.pods[0]?.status, "Running");
  second.kill();
});
