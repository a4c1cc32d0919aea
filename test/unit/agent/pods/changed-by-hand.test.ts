import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { containerName } from "../../../../src/core/pod/identity.ts";
import type { PodStatus } from "../../../../src/core/pod/pod-status.ts";
import { podContent, podDelete, podUpdate, testImage } from "../../../samples/messages.ts";
import { createWorld, type World } from "../../../simulation/world/world.ts";

const uid = "00000000-0000-4000-8000-000000000001";
const here = { id: "sha256:first", user: "", architecture: "amd64", volumes: [] } as const;

/** A device that runs a pod. */
async function device(names: readonly string[], policy = "Always"): Promise<World> {
  const world = createWorld(1, { liveRestore: false });
  world.host.addImage(testImage, here);
  await world.clock.pass(3_000);
  const { containers } = podContent({ name: "a", uid })["spec"] as { readonly containers: readonly object[] };
  const spec = {
    restartPolicy: policy,
    containers: names.map((name) => ({ ...containers[0], name, image: testImage })),
  };
  const msgId = "00000000-0000-4000-8000-000000000101";
  world.center.deliver(podUpdate({ name: "a", uid, msgId, resourceVersion: "1", spec }));
  await world.clock.pass(10_000);
  return world;
}

const eventsOf = (world: World): readonly string[] =>
  world.look((store) => store.events.list({ limit: 1_000 }).map(({ reason, message }) => `${reason} ${message}`));
const statusOf = (world: World): PodStatus => world.look((store) => store.statuses.get(uid))?.status as PodStatus;
const running = (world: World): readonly string[] =>
  world.host
    .running()
    .map(({ request }) => `${request?.container} ${request?.attempt}`)
    .sort();

describe("a container that was renamed by hand", () => {
  test("stays the only container of its pod, and gets its name back with an event", async () => {
    const world = await device(["app"]);
    const [{ id, name } = assert.fail()] = world.host.running();
    world.host.renameByHand(id, "mine");
    await world.clock.pass(40_000);
    assert.deepEqual(running(world), ["app 0"]);
    assert.equal(world.host.container(id)?.name, name);
    assert.equal(eventsOf(world).filter((event) => /^ContainerRenamed .*renamed to mine/.test(event)).length, 1);
    world.process().kill();
  });

  test("is deleted with its pod under any name", async () => {
    const world = await device(["app"]);
    const [{ id } = assert.fail()] = world.host.running();
    world.host.renameByHand(id, "mine");
    world.center.deliver(podDelete({ name: "a", uid, msgId: "00000000-0000-4000-8000-000000000102" }));
    await world.clock.pass(60_000);
    assert.deepEqual(world.host.containers(), []);
    world.process().kill();
  });

  test("is reported once if its name is taken, and the next attempt is created", async () => {
    const world = await device(["app"]);
    const [{ id, name, request } = assert.fail()] = world.host.running();
    world.host.renameByHand(id, "mine");
    world.host.addForeign(name, {});
    await world.clock.pass(120_000);
    assert.equal(eventsOf(world).filter((event) => /^ContainerRenamed .*cannot be called/.test(event)).length, 1);
    world.host.kill(id, 1);
    await world.clock.pass(10_000);
    assert.deepEqual(
      running(world).filter((one) => one.startsWith("app")),
      ["app 1"],
    );
    const next = request === null ? "" : containerName({ ...request, pod: request.pod.id, attempt: 1 });
    assert.ok(world.host.container(next) !== null);
    world.process().kill();
  });
});

describe("a container that was disconnected from its network by hand", () => {
  test("ends as lost, and another attempt replaces it", async () => {
    const world = await device(["app"]);
    const [{ id } = assert.fail()] = world.host.running();
    world.host.disconnectByHand(id);
    await world.clock.pass(60_000);
    assert.deepEqual(running(world), ["app 1"]);
    const [app] = statusOf(world).containerStatuses;
    assert.deepEqual([app?.ready, app?.restartCount], [true, 1]);
    assert.equal(app?.lastState.terminated?.reason, "ContainerStatusUnknown");
    assert.match(app?.lastState.terminated?.message ?? "", /disconnected from its network by hand/);
    assert.ok(eventsOf(world).some((event) => /^Killing .*disconnected from its network by hand/.test(event)));
    world.process().kill();
  });

  test("is replaced with the whole pod if it is a sandbox", async () => {
    const world = await device(["app", "side"]);
    const sandbox = world.host.running().find(({ request }) => request?.container === "POD") ?? assert.fail();
    world.host.disconnectByHand(sandbox.id);
    await world.clock.pass(90_000);
    assert.deepEqual(running(world), ["POD 1", "app 1", "side 1"]);
    assert.deepEqual(
      statusOf(world).containerStatuses.map(({ ready }) => ready),
      [true, true],
    );
    world.process().kill();
  });

  test("fails its pod under Never", async () => {
    const world = await device(["app"], "Never");
    const [{ id } = assert.fail()] = world.host.running();
    world.host.disconnectByHand(id);
    await world.clock.pass(60_000);
    assert.deepEqual([running(world), statusOf(world).phase], [[], "Failed"]);
    world.process().kill();
  });
});
