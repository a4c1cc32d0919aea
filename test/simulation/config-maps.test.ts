import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { configMapDelete, configMapUpdate, podUpdate } from "../samples/messages.ts";
import { connectedDevice, id, mounting, send, waiting } from "./world/connected-device.ts";

describe("config maps", () => {
  test("a pod waits for its config map, gets its changes and keeps it after its deletion", async () => {
    const world = await connectedDevice();
    assert.equal(await send(world, podUpdate({ name: "web", uid: id(1), msgId: id(10), ...mounting })), "OK");
    assert.equal(waiting(world, id(1)), 'CreateContainerConfigError configmap "app-settings" not found');
    await world.clock.pass(300_000);
    assert.equal(world.host.running().length, 0);
    assert.equal(await send(world, configMapUpdate("app-settings", id(11), { a: "1", b: "1" })), "OK");
    const [container] = world.host.running();
    assert.ok(container, "it starts at once, not after its wait");
    assert.deepEqual(world.device.configMaps.get(`${id(1)}/settings`), { a: "1", b: "1" });
    assert.equal(await send(world, configMapUpdate("app-settings", id(12), { a: "2" })), "OK");
    assert.deepEqual(world.device.configMaps.get(`${id(1)}/settings`), { a: "2" });
    assert.equal(await send(world, configMapDelete("app-settings", id(13))), "OK");
    assert.deepEqual(world.device.configMaps.get(`${id(1)}/settings`), { a: "2" });
    assert.equal(world.host.running()[0]?.id, container.id, "nothing was restarted");
    world.host.kill(container.id);
    await world.clock.pass(30_000);
    assert.equal(world.host.running().length, 1, "it comes back with what it had");
    assert.equal(await send(world, podUpdate({ name: "late", uid: id(2), msgId: id(14), ...mounting })), "OK");
    assert.match(waiting(world, id(2)), /configmap "app-settings" not found/);
    world.process().kill();
  });

  test("the 257th config map is rejected", async () => {
    const world = await connectedDevice();
    for (let i = 0; i < 256; i += 1) world.center.deliver(configMapUpdate(`map-${i}`, id(100 + i), { i: `${i}` }));
    await world.clock.pass(5_000);
    assert.match(await send(world, configMapUpdate("one-more", id(2), {})), /FAILED: .*at most 256 on a device/);
    assert.equal(await send(world, configMapUpdate("map-3", id(3), { i: "changed" })), "OK");
    assert.equal(await send(world, configMapDelete("map-4", id(4))), "OK");
    assert.equal(await send(world, configMapUpdate("one-more", id(5), {})), "OK");
    world.process().kill();
  });
});
