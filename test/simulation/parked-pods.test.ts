import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { podDelete, podUpdate, testImage } from "../samples/messages.ts";
import { createWorld, type World } from "./world/world.ts";

const image = { id: "sha256:first", user: "", architecture: "amd64", volumes: [] } as const;
const uidOf = (name: string): string => `00000000-0000-4000-8000-00000000000${name.charCodeAt(0) - 96}`;
const msgId = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

const update = (name: string, number: number, resourceVersion = "1"): string =>
  podUpdate({ name, uid: uidOf(name), msgId: msgId(number), resourceVersion });

async function device(): Promise<World> {
  const world = createWorld(1, { liveRestore: true });
  world.host.addImage(testImage, image);
  await world.clock.pass(3_000);
  return world;
}

/** A bug in everything that is made for the pod of this name. */
function plantBug(world: World, name: string): () => void {
  const { podFiles } = world.device;
  const { prepareVolumes } = podFiles;
  Object.assign(podFiles, {
    prepareVolumes: (...args: Parameters<typeof prepareVolumes>) => {
      if (args[0].id.name === name) throw new TypeError("a bug of this pod");
      return prepareVolumes(...args);
    },
  });
  return () => Object.assign(podFiles, { prepareVolumes });
}

const runningNames = (world: World): readonly (string | undefined)[] =>
  world.host.running().map(({ request }) => request?.pod.id.name);
const statusOf = (world: World, name: string) =>
  world.look((store) => store.statuses.get(uidOf(name)))?.status as {
    readonly reason?: string;
    readonly message?: string;
  };
const repliesTo = (world: World, number: number): readonly string[] =>
  world.center.received().filter((text) => JSON.parse(text).header.parent_msg_id === msgId(number));

describe("a pod whose worker throws", () => {
  test("is parked with its reason and retried with back-off, and the others continue", async () => {
    const world = await device();
    const mend = plantBug(world, "a");
    world.center.deliver(update("a", 10));
    world.center.deliver(update("b", 11));
    await world.clock.pass(5_000);
    assert.deepEqual(runningNames(world), ["b"]);
    assert.equal(statusOf(world, "a").reason, "InternalError");
    assert.match(statusOf(world, "a").message ?? "", /TypeError: a bug of this pod.*tries again in 10 s/);
    const events = world.look((store) => store.events.list({ pod: "a", limit: 100 }));
    assert.match(events.find(({ reason }) => reason === "InternalError")?.message ?? "", /a bug of this pod/);
    assert.match(String(world.process().failure()), /prepareVolumes/, "the log has the stack");

    await world.clock.pass(600_000);
    const tries = world.look((store) => store.events.list({ pod: "a", limit: 100 }));
    const count = tries.filter(({ reason }) => reason === "InternalError").reduce((sum, one) => sum + one.count, 0);
    assert.ok(count >= 5 && count <= 9, `${count} tries in ten minutes`);
    assert.ok(world.process().alive());

    mend();
    await world.clock.pass(300_000);
    assert.deepEqual([...runningNames(world)].sort(), ["a", "b"]);
    await world.clock.pass(3_000);
    assert.equal(statusOf(world, "a").reason, undefined);
    world.process().kill();
  });

  test("is deleted at once on a delete message", async () => {
    const world = await device();
    plantBug(world, "a");
    world.center.deliver(update("a", 10));
    await world.clock.pass(100_000);
    world.center.deliver(podDelete({ name: "a", uid: uidOf("a"), msgId: msgId(12) }));
    await world.clock.pass(3_000);
    assert.deepEqual(
      world.look((store) => [...store.desiredPods.list(), ...store.terminatingPods.list()]),
      [],
    );
    world.process().kill();
  });
});

describe("a device whose data disk is full", () => {
  test("restarts and reports pods, rejects messages, and recovers alone", async () => {
    const world = await device();
    world.center.deliver(update("a", 10));
    await world.clock.pass(5_000);
    world.fillStore(true);
    world.host.kill(world.host.running()[0]?.id ?? "", 1);
    assert.ok(await world.clock.passUntil(() => world.host.running().length === 1, 30_000), "it is restarted");
    world.host.kill(world.host.running()[0]?.id ?? "", 1);
    assert.ok(await world.clock.passUntil(() => world.host.running().length === 1, 60_000), "and again");
    world.center.deliver(update("b", 11));
    await world.clock.pass(3_000);
    assert.match(repliesTo(world, 11)[0] ?? "", /The device's disk is full/);
    assert.match(world.process().published()?.notices?.join() ?? "", /disk of the data folder is full/);
    const reports = world.center.received().filter((text) => text.includes("podstatus"));
    assert.match(reports.at(-1) ?? "", /"restartCount":2/);

    world.fillStore(false);
    await world.clock.pass(60_000);
    assert.ok(world.process().alive());
    assert.equal(world.process().failure(), null);
    const status = world.look((store) => store.statuses.get(uidOf("a")))?.status;
    assert.match(JSON.stringify(status), /"restartCount":2/);
    assert.equal(world.process().published()?.notices, undefined);
    world.center.deliver(update("b", 12));
    await world.clock.pass(5_000);
    assert.deepEqual([...runningNames(world)].sort(), ["a", "b"]);
    world.process().kill();
  });
});
