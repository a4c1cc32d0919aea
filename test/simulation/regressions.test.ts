import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PodStatus } from "../../src/core/pod/pod-status.ts";
import { configMapUpdate, podContent, podDelete, podUpdate, testImage } from "../samples/messages.ts";
import { npusOf } from "./judges/invariants.ts";
import { createWorld, images, type World } from "./world/world.ts";

const image = { id: "sha256:first", user: "", architecture: "amd64", volumes: [] } as const;
const uid = "00000000-0000-4000-8000-000000000001";

interface Container {
  readonly resources: { readonly limits: object };
}

/** The container of a pod message. */
function onlyContainer(): Container {
  const { containers } = podContent({ name: "a", uid })["spec"] as { readonly containers: readonly [Container] };
  return containers[0];
}

/** A device that runs one pod. */
async function device(restartPolicy: string): Promise<World> {
  const world = createWorld(1, { liveRestore: true });
  world.host.addImage(testImage, image);
  await world.clock.pass(3_000);
  const msgId = "00000000-0000-4000-8000-000000000010";
  world.center.deliver(podUpdate({ name: "a", uid, msgId, spec: { restartPolicy } }));
  await world.clock.pass(3_000);
  assert.equal(world.host.running().length, 1);
  return world;
}

describe("bugs that the simulation found", () => {
  for (const restartPolicy of ["OnFailure", "Never"]) {
    test(`a job that has ended stays so over a power cut (${restartPolicy})`, async () => {
      const world = await device(restartPolicy);
      // The next commit that is flushed takes along that it ran.
      world.center.deliver(configMapUpdate("other", "00000000-0000-4000-8000-000000000012", {}));
      await world.clock.pass(1_000);
      world.host.kill(world.host.running()[0]?.id ?? "", 0);
      await world.clock.pass(1_000);
      await world.restart({ powerCut: true });
      await world.clock.pass(60_000);
      assert.deepEqual(world.host.running(), []);
      world.process().kill();
    });
  }

  test("a job that the engine ended unseen runs again after a power cut", async () => {
    const world = createWorld(1, { liveRestore: false });
    world.host.addImage(testImage, image);
    await world.clock.pass(3_000);
    const msgId = "00000000-0000-4000-8000-000000000010";
    world.center.deliver(podUpdate({ name: "a", uid, msgId, spec: { restartPolicy: "OnFailure" } }));
    assert.ok(await world.clock.passUntil(() => world.host.running().length === 1, 10_000));
    world.host.down("stop");
    assert.equal(world.host.containers()[0]?.state.kind, "exited");
    await world.restart({ powerCut: true });
    await world.clock.pass(60_000);
    assert.equal(world.host.running().length, 1);
    world.process().kill();
  });

  test("a container that `docker start` restarts during its back-off is reported as running", async () => {
    const world = await device("Always");
    const [{ id = "" } = {}] = world.host.running();
    world.host.fillDisk("data");
    world.host.kill(id, 1);
    await world.clock.pass(3_000);
    world.host.startByHand(id);
    world.host.fillDisk("no");
    await world.clock.pass(60_000);
    assert.deepEqual(
      world.host.containers().map((one) => one.id),
      [id],
    );
    const kept = world.look((store) => store.statuses.get(uid));
    assert.ok(kept !== null);
    assert.deepEqual(
      (kept.status as PodStatus).containerStatuses.map(({ restartCount, state }) => [restartCount, Object.keys(state)]),
      [[0, ["running"]]],
    );
    world.process().kill();
  });

  test("a container of a replaced pod that `docker start` restarts is deleted alone", async () => {
    const world = await device("Always");
    const [{ id: old = "" } = {}] = world.host.running();
    const containers = ["app", "side"].map((name) => ({ ...onlyContainer(), name }));
    const msgId = "00000000-0000-4000-8000-000000000011";
    world.center.deliver(podUpdate({ name: "a", uid, msgId, resourceVersion: "2", spec: { containers } }));
    await world.clock.pass(60_000);
    const ids = (): readonly string[] => world.host.running().map((one) => one.id);
    const whole = ids();
    assert.deepEqual([whole.length, whole.includes(old), world.host.container(old)?.state.kind], [3, false, "exited"]);
    world.host.startByHand(old);
    assert.equal(ids().length, 4);
    await world.clock.pass(60_000);
    assert.deepEqual(ids(), whole);
    world.process().kill();
  });

  test("an update with another image during a pull runs the newest image", async () => {
    const world = createWorld(1, { liveRestore: true });
    world.host.addImage(testImage, image);
    world.host.addImage(images.second, { ...image, id: "sha256:second" });
    world.host.latency(100, 100);
    await world.clock.pass(3_000);
    const msgId = (n: number): string => `00000000-0000-4000-8000-00000000002${n}`;
    const named = (container: object, name: string) => ({ ...container, name });
    const container = onlyContainer();
    const containers = ["app", "side", "third"].map((name) => named(container, name));
    world.center.deliver(podUpdate({ name: "a", uid, msgId: msgId(1), spec: { containers } }));
    assert.ok(await world.clock.passUntil(() => world.host.running().length === 2, 10_000));
    const other = { ...named(container, "app"), image: images.second };
    const spec = { containers: [other, named(container, "side")] };
    world.center.deliver(podUpdate({ name: "a", uid, msgId: msgId(2), resourceVersion: "2", spec }));
    await world.clock.pass(60_000);
    const made = world.host.running().map(({ request }) => [request?.container, request?.image.id]);
    assert.deepEqual(made.slice(1).sort(), [
      ["app", "sha256:second"],
      ["side", "sha256:first"],
    ]);
    world.process().kill();
  });

  test("an unrecorded container is deleted before a new pod of its name starts", async () => {
    const world = await device("Always");
    await world.restart({ powerCut: false, dataLost: true });
    await world.clock.pass(5_000);
    const other = uid.replace(/1$/, "2");
    world.center.deliver(podUpdate({ name: "a", uid: other, msgId: "00000000-0000-4000-8000-000000000013" }));
    await world.clock.pass(60_000);
    assert.deepEqual(
      world.host.containers().map(({ request }) => request?.pod.id.uid),
      [other],
    );
    world.process().kill();
  });

  test("an unrecorded container is deleted with a new pod of its name that never started", async () => {
    const world = await device("Always");
    await world.restart({ powerCut: false, dataLost: true });
    await world.clock.pass(5_000);
    world.host.network(false);
    const spec = { containers: [{ ...onlyContainer(), image: images.second }] };
    const other = uid.replace(/1$/, "2");
    world.center.deliver(podUpdate({ name: "a", uid: other, msgId: "00000000-0000-4000-8000-000000000014", spec }));
    await world.clock.pass(5_000);
    assert.deepEqual(
      world.host.running().map(({ request }) => request?.pod.id.uid),
      [uid],
    );
    world.center.deliver(podDelete({ name: "a", uid: other, msgId: "00000000-0000-4000-8000-000000000015" }));
    await world.clock.pass(60_000);
    assert.deepEqual(world.host.containers(), []);
    world.process().kill();
  });

  test("files of an unrecorded pod are deleted with its containers", async () => {
    const world = await device("Always");
    await world.restart({ powerCut: false, dataLost: true });
    await world.clock.pass(5_000);
    assert.deepEqual(
      world.look((store) => store.uids()),
      [uid],
    );
    world.center.deliver(podDelete({ name: "a", uid, msgId: "00000000-0000-4000-8000-000000000011" }));
    await world.clock.pass(120_000);
    assert.deepEqual(world.host.containers(), []);
    assert.deepEqual(
      world.look((store) => store.uids()),
      [],
    );
    world.process().kill();
  });

  test("a pull that outlasts a relist is started once", async () => {
    const world = createWorld(1, { liveRestore: true });
    world.host.publish(testImage, image);
    world.host.latency(1, 5, 110_000);
    await world.clock.pass(3_000);
    const msgId = "00000000-0000-4000-8000-000000000050";
    world.center.deliver(podUpdate({ name: "a", uid, msgId }));
    assert.ok(await world.clock.passUntil(() => world.host.running().length === 1, 300_000));
    assert.equal(called(world, "pull"), 1);
    world.process().kill();
  });

  test("a pull whose image is listed before it answers is stopped and its end is recorded", async () => {
    const world = createWorld(1, { liveRestore: true });
    world.host.publish(testImage, image);
    world.host.latency(1, 5, 60_000);
    await world.clock.pass(3_000);
    world.center.deliver(podUpdate({ name: "a", uid, msgId: "00000000-0000-4000-8000-000000000060" }));
    assert.ok(await world.clock.passUntil(() => called(world, "pull") === 1, 10_000));
    // Docker names an image before it ends the answer to its pull.
    world.host.addImage(testImage, image);
    assert.ok(await world.clock.passUntil(() => world.host.running().length === 1, 300_000));
    const told = world.look((store) => store.events.list({ limit: 100 })).map(({ reason }) => reason);
    assert.equal(told.filter((reason) => reason === "Pulled").length, 1);
    assert.equal(called(world, "pull"), 1);
    world.process().kill();
  });

  test("the image of an abandoned pull is not taken for the wanted image", async () => {
    const world = createWorld(1, { liveRestore: true });
    world.host.addImage(testImage, image);
    world.host.publish(images.second, { ...image, id: "sha256:second" });
    world.host.latency(1, 5, 2_000);
    await world.clock.pass(3_000);
    const msgId = (n: number): string => `00000000-0000-4000-8000-00000000003${n}`;
    const app = { ...onlyContainer(), name: "app" };
    const side = { ...onlyContainer(), name: "side" };
    const first = { containers: [{ ...app, image: images.second }, side] };
    world.center.deliver(podUpdate({ name: "a", uid, msgId: msgId(1), spec: first }));
    assert.ok(await world.clock.passUntil(() => called(world, "pull") === 1, 10_000));
    // The pod's worker waits for a list, while the pull ends and a message takes its reason away.
    world.host.fail("list", "loseAnswer", 1);
    const lists = called(world, "list");
    assert.ok(await world.clock.passUntil(() => called(world, "list") > lists, 60_000));
    world.center.deliver(
      podUpdate({ name: "a", uid, msgId: msgId(2), resourceVersion: "2", spec: { containers: [app, side] } }),
    );
    await world.clock.pass(120_000);
    const made = world.host.running().map(({ request }) => [request?.container, request?.image.id]);
    assert.deepEqual(
      made.filter(([name]) => name === "app"),
      [["app", "sha256:first"]],
    );
    world.process().kill();
  });

  test("an unrecorded container gives up an NPU that another pod has taken", async () => {
    const world = createWorld(1, { liveRestore: true });
    world.host.addImage(testImage, image);
    world.device.npus(["davinci0"]);
    await world.clock.pass(3_000);
    const app = { ...onlyContainer(), name: "app" };
    const npu = { ...app.resources, limits: { ...app.resources.limits, npu: "1" } };
    const msgId = (n: number): string => `00000000-0000-4000-8000-00000000007${n}`;
    const containers = [app, { ...app, name: "side", resources: npu }];
    world.center.deliver(podUpdate({ name: "a", uid, msgId: msgId(1), spec: { containers } }));
    assert.ok(await world.clock.passUntil(() => world.host.running().length === 3, 10_000));
    const [, ...both] = world.host.running();
    await world.restart({
      powerCut: false,
      dataLost: true,
      meanwhile: () => both.forEach(({ id }) => void world.host.kill(id, 1)),
    });
    // The first of the two starts takes long, and the calls of everybody else do not.
    const lists = called(world, "list");
    assert.ok(await world.clock.passUntil(() => called(world, "list") > lists, 60_000));
    world.host.latency(30_000, 30_000);
    const starts = called(world, "start");
    assert.ok(await world.clock.passUntil(() => called(world, "start") > starts, 60_000));
    world.host.latency(1, 5);
    assert.ok(await world.clock.passUntil(() => world.center.connected(), 20_000));
    // Its pod is known again, so that what has ended of it holds nothing any more.
    const without = { containers: [app, { ...app, name: "side" }] };
    world.center.deliver(podUpdate({ name: "a", uid, msgId: msgId(2), resourceVersion: "2", spec: without }));
    const other = uid.replace(/1$/, "2");
    const spec = { containers: [{ ...app, resources: npu }] };
    world.center.deliver(podUpdate({ name: "b", uid: other, msgId: msgId(3), spec }));
    const withNpu = () => world.host.running().filter(({ request }) => npusOf(request).length > 0);
    assert.ok(!(await world.clock.passUntil(() => withNpu().length > 1, 120_000)), "two have the NPU");
    assert.deepEqual(
      withNpu().map(({ request }) => request?.pod.id.uid),
      [other],
    );
    assert.equal(world.host.running().length, 4);
    world.process().kill();
  });

  test("a container keeps its NPU when a power cut loses the record of it", async () => {
    const world = createWorld(1, { liveRestore: true });
    world.host.addImage(testImage, image);
    world.device.npus(["davinci0", "davinci1"]);
    await world.clock.pass(3_000);
    const container = onlyContainer();
    const limits = { ...container.resources.limits, npu: "1" };
    const spec = (version: string) => ({
      containers: [
        { ...container, env: [{ name: "VERSION", value: version }], resources: { ...container.resources, limits } },
      ],
    });
    const msgId = (n: number): string => `00000000-0000-4000-8000-00000000004${n}`;
    world.center.deliver(podUpdate({ name: "a", uid, msgId: msgId(1), spec: spec("1") }));
    await world.clock.pass(3_000);
    world.device.npus(["davinci1"]);
    world.host.fail("start", "hang");
    world.center.deliver(podUpdate({ name: "a", uid, msgId: msgId(2), resourceVersion: "2", spec: spec("2") }));
    await world.clock.pass(3_000);
    const holders = () => world.look((store) => store.npus.holders().map(({ npu }) => npu));
    assert.deepEqual(holders(), ["davinci1"]);
    await world.restart({ powerCut: true });
    world.device.npus(["davinci0", "davinci1"]);
    await world.clock.pass(60_000);
    const its = npusOf(world.host.running()[0]?.request ?? null);
    assert.deepEqual(holders(), its);
    world.process().kill();
  });
});

function called(world: World, operation: string): number {
  return world.host.calls().filter((one) => one.operation === operation).length;
}
