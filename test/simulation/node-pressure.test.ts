import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { podUpdate } from "../samples/messages.ts";
import { connectedDevice, id, send, waiting } from "./world/connected-device.ts";

describe("a node under pressure", () => {
  test("starts no new pod and reports why, keeps running pods, and starts the new one when there is room", async () => {
    const world = await connectedDevice();
    assert.equal(await send(world, podUpdate({ name: "old", uid: id(1), msgId: id(10) })), "OK");
    assert.equal(world.host.running().length, 1);
    world.device.usage({ engineDisk: { totalBytes: 1_000, freeBytes: 140, inodes: null } });
    await world.clock.pass(11_000);
    assert.equal(await send(world, podUpdate({ name: "new", uid: id(2), msgId: id(11) })), "OK");
    const held =
      "DiskPressure The node has DiskPressure (less than 15 % of the engine's disk left); a new pod starts when that has ended";
    assert.equal(waiting(world, id(2)), held);
    await world.clock.pass(2_000);
    const shown = world.process().published();
    assert.deepEqual(
      shown?.node.conditions.map(({ type, status }) => [type, status]),
      [
        ["MemoryPressure", "False"],
        ["DiskPressure", "True"],
        ["PIDPressure", "False"],
        ["Ready", "True"],
      ],
    );
    assert.deepEqual(
      shown?.pods.map(({ name, phase, status }) => [name, phase, status]),
      [
        ["new", "Pending", "DiskPressure"],
        ["old", "Running", "Running"],
      ],
    );
    const [old] = world.host.running();
    world.host.kill(old?.id ?? "");
    await world.clock.pass(60_000);
    assert.equal(world.host.running()[0]?.request?.pod.id.name, "old", "a restart is nothing new");
    assert.equal(world.host.running().length, 1);
    await world.restart({ powerCut: false });
    await world.clock.pass(60_000);
    assert.equal(waiting(world, id(2)), held, "another agent finds the same");
    world.device.usage({ engineDisk: { totalBytes: 1_000, freeBytes: 160, inodes: null } });
    await world.clock.pass(11_000);
    assert.equal(world.host.running().length, 1, "not at the first byte");
    world.device.usage({ engineDisk: { totalBytes: 1_000, freeBytes: 300, inodes: null } });
    await world.clock.pass(11_000);
    assert.equal(world.host.running().length, 2);
    const told = world.look((store) => store.events.list({ limit: 100 })).filter(({ pod }) => pod === "");
    assert.deepEqual(
      told.map(({ type, reason }) => `${type} ${reason}`),
      ["Normal AgentStarted", "Normal LinkUp", "Warning NodeHasDiskPressure", "Normal NodeHasNoDiskPressure"],
    );
    world.process().kill();
  });

  test("delays no pod if no value can be read", async () => {
    const world = await connectedDevice();
    world.device.usage({ memory: null, dataDisk: null, engineDisk: null, processes: null });
    await world.clock.pass(11_000);
    assert.equal(await send(world, podUpdate({ name: "web", uid: id(1), msgId: id(10) })), "OK");
    assert.equal(world.host.running().length, 1);
    world.process().kill();
  });
});
