import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createContainerLister } from "../../../../src/agent/engine/container-lister.ts";
import { createEventRecorder } from "../../../../src/agent/event-recorder.ts";
import { createHousekeeping } from "../../../../src/agent/node/housekeeping.ts";
import type { NodeUsage } from "../../../../src/core/node/usage.ts";
import { containerLabels, containerName } from "../../../../src/core/pod/identity.ts";
import { desired, history } from "../../../contract/store-samples.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { fakeDevice } from "../../../fakes/device.ts";
import { fakeEngine } from "../../../fakes/engine.ts";
import { seededRandom } from "../../../fakes/random.ts";
import { memoryStore } from "../../../fakes/store.ts";

const facts = { user: "", architecture: "amd64", volumes: [] };
const disk = (used: number): NodeUsage["engineDisk"] => ({
  totalBytes: 1_000,
  freeBytes: 1_000 - used * 10,
  inodes: null,
});

/** A device where each image takes ten per cent of the disk beside a share that nobody can free. */
function set(names: readonly string[], fixed: number) {
  const clock = virtualClock();
  const { engine, host } = fakeEngine({ clock, random: seededRandom(1) });
  const store = memoryStore();
  const { device, podFiles, folders } = fakeDevice();
  const usage = (root: string | null): NodeUsage => ({
    ...device.usage(root),
    engineDisk: root === null ? null : disk(fixed + 10 * host.images().size),
  });
  const stop = new AbortController();
  const state: { root: string | null } = { root: "/var/lib/docker" };
  const log = { write: () => {} };
  const events = createEventRecorder({ store, clock, log });
  const housekeeping = createHousekeeping({
    engine,
    store,
    clock,
    device: { ...device, usage },
    podFiles,
    log,
    events,
    lister: createContainerLister(engine, clock),
    settings: { images: { high: 80, low: 70 } },
    engineRoot: () => state.root,
    preloaded: { look: async () => undefined },
  });
  for (const name of names) {
    host.addImage(name, { ...facts, id: `sha256:${name}` });
    housekeeping.onImagePulled({ id: `sha256:${name}`, name });
  }
  const running = housekeeping.run(stop.signal);
  const end = async () => {
    stop.abort();
    await clock.pass(1);
    await running;
  };
  const told = () => store.events.list({ limit: 100 }).map(({ reason, message }) => `${reason}: ${message}`);
  return { clock, host, store, folders, state, housekeeping, images: () => [...host.images().keys()], told, end };
}

describe("housekeeping", () => {
  it("writes nothing on a device on which the agent has pulled nothing", async () => {
    const world = set([], 30);
    const writes = world.store.writes();
    await world.clock.pass(600_000);
    assert.equal(world.store.writes(), writes);
    await world.end();
  });

  it("removes unused images down to the lower mark with an event, and keeps images that the agent did not pull", async () => {
    const world = set(["app:1", "app:2", "app:3"], 50);
    world.host.addImage("owner:1", { ...facts, id: "sha256:owner" });
    await world.clock.pass(100_000);
    assert.equal(world.images().length, 4, "not before two minutes");
    await world.clock.pass(200_000);
    assert.deepEqual(world.images(), ["app:3", "owner:1"]);
    assert.equal(world.told().length, 2);
    assert.match(
      world.told()[0] ?? "",
      /^ImageRemoved: Image app:1 \(sha256:app:1\) of 1 MiB was removed: 90\.0 % of the engine's disk is used, more than 80 %/,
    );
    const writes = world.store.writes();
    await world.clock.pass(600_000);
    assert.equal(world.store.writes(), writes, "nothing is written while nothing changes");
    await world.end();
  });

  it("keeps images that a pod names or pinned or a container uses, and reports once that it cannot free more", async () => {
    const world = set(["app:1.0", "pinned:1", "used:1", "busy:1"], 70);
    const pinned = { ...history.pinnedImage, name: "pinned:1", id: "sha256:pinned:1", pulledFor: "s" };
    world.store.desiredPods.put(desired("a"));
    world.store.histories.put("uid-a", { app: { ...history, pinnedImage: pinned } });
    world.host.addForeign("somebody", {}, "sha256:used:1");
    world.host.fail("removeImage", { kind: "conflict", message: "image has dependent child images" }, 1_000);
    await world.clock.pass(600_000);
    assert.equal(world.images().length, 4);
    assert.deepEqual(world.told(), [
      "FreeDiskSpaceFailed: More than 80 % of the engine's disk is used, and no other image may be removed",
    ]);
    world.host.heal();
    await world.clock.pass(60_000);
    assert.deepEqual(world.images(), ["app:1.0", "pinned:1", "used:1"]);
    await world.end();
  });

  it("does nothing while the engine hangs or its disk is unknown, and forgets images removed by others", async () => {
    const world = set(["app:1", "app:2", "app:3", "app:4"], 50);
    world.state.root = null;
    await world.clock.pass(400_000);
    assert.equal(world.images().length, 4);
    world.state.root = "/var/lib/docker";
    world.host.freeze();
    await world.clock.pass(400_000);
    world.host.removeImage("app:1");
    world.host.addImage("app:1", { ...facts, id: "sha256:another" });
    world.host.thaw();
    await world.clock.pass(400_000);
    assert.deepEqual(world.images(), ["app:4", "app:1"]);
    assert.equal(world.store.getMeta("pulledImages")?.includes('"sha256:app:1"'), false);
    await world.end();
  });

  it("removes folders of unknown pods, but not while a container may use one", async () => {
    const world = set([], 0);
    const pod = { namespace: "websocket", name: "stray", uid: "uid-stray" };
    const identity = { pod, container: "app", attempt: 0, generation: 0, installId: "another" };
    const hashes = { podHash: "0".repeat(16), specHash: "0".repeat(16), restartPolicy: "Never" } as const;
    const stray = world.host.addForeign(containerName(identity), containerLabels({ ...identity, ...hashes }));
    world.store.desiredPods.put(desired("a"));
    for (const uid of ["uid-a", "uid-stray", "uid-gone"]) world.folders.add(uid);
    world.host.freeze();
    await world.clock.pass(65_000);
    assert.equal(world.folders.size, 3, "the engine cannot be asked");
    world.host.thaw();
    await world.clock.pass(120_000);
    assert.deepEqual([...world.folders], ["uid-a", "uid-stray"]);
    world.host.removeByHand(stray);
    await world.clock.pass(60_000);
    assert.deepEqual([...world.folders], ["uid-a"]);
    await world.end();
  });
});
