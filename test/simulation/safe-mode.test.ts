import assert from "node:assert/strict";
import { test } from "node:test";
import { type SafeMode, safeModeMs } from "../../src/core/node/safe-mode.ts";
import { podDelete, podUpdate, testImage } from "../samples/messages.ts";
import { createWorld } from "./world/world.ts";

const image = { id: "sha256:first", user: "", architecture: "amd64", volumes: [] } as const;
const uidOf = (name: string): string => `00000000-0000-4000-8000-00000000000${name.charCodeAt(0) - 96}`;
const msgId = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const update = (name: string, number: number, resourceVersion = "1"): string =>
  podUpdate({ name, uid: uidOf(name), msgId: msgId(number), resourceVersion });

/** A device with pods a, b, c and d, whose agent starts again in safe mode with a, b and c held; their containers are dead. */
async function inSafeMode() {
  let safeMode: SafeMode | null = null;
  const world = createWorld(1, { liveRestore: true, safeMode: () => safeMode });
  world.host.addImage(testImage, image);
  await world.clock.pass(3_000);
  const names = ["a", "b", "c", "d"];
  for (const [index, name] of names.entries()) world.center.deliver(update(name, 10 + index));
  await world.clock.pass(10_000);
  assert.equal(world.host.running().length, 4);
  await world.clock.pass(700_000);
  const held = new Set(["a", "b", "c"].map((name) => `websocket/${name}`));
  safeMode = { held, untilMono: world.clock.mono() + safeModeMs, why: "TypeError: a bug" };
  await world.restart({
    powerCut: false,
    meanwhile: () => {
      for (const { id } of world.host.running()) world.host.kill(id, 1);
    },
  });
  await world.clock.pass(30_000);
  const running = () =>
    world.host
      .running()
      .map(({ request }) => request?.pod.id.name)
      .sort();
  const reasonOf = (name: string) =>
    (world.look((store) => store.statuses.get(uidOf(name)))?.status as { reason?: string } | undefined)?.reason;
  return { world, running, reasonOf };
}

test("safe mode holds the pods that were at work, and reports it", async () => {
  const { world, running, reasonOf } = await inSafeMode();
  assert.deepEqual(running(), ["d"]);
  assert.deepEqual([reasonOf("a"), reasonOf("d")], ["SafeMode", undefined]);
  const [notice = ""] = world.process().published()?.notices ?? [];
  assert.match(notice, /^Safe mode: the agent ended by itself 3 times within 10 minutes \(TypeError: a bug\)/);
  assert.match(notice, /Held: websocket\/a, websocket\/b, websocket\/c\./);
  const report =
    world.center
      .received()
      .filter((text) => text.includes("podstatus"))
      .at(-1) ?? "";
  assert.match(report, /"reason":"SafeMode"/);
  world.process().kill();
});

test("safe mode carries out a delete, and an update releases its pod", async () => {
  const { world, running } = await inSafeMode();
  world.center.deliver(podDelete({ name: "a", uid: uidOf("a"), msgId: msgId(20) }));
  world.center.deliver(update("b", 21, "2"));
  await world.clock.pass(30_000);
  assert.deepEqual(running(), ["b", "d"]);
  assert.deepEqual(
    world.host.containers().filter(({ request }) => request?.pod.id.name === "a"),
    [],
  );
  world.process().kill();
});

test("safe mode ends ten minutes after the last end of the process", async () => {
  const { world, running, reasonOf } = await inSafeMode();
  await world.clock.pass(safeModeMs);
  assert.deepEqual(running(), ["a", "b", "c", "d"]);
  await world.clock.pass(30_000);
  assert.equal(reasonOf("a"), undefined);
  assert.equal(world.process().published()?.notices, undefined);
  const events = world
    .look((store) => store.events.list({ limit: 1_000 }))
    .filter(({ reason }) => reason === "SafeMode");
  assert.equal(events.length, 2);
  world.process().kill();
});
