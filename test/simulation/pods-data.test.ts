import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { configMapUpdate, podsData, podUpdate, secretUpdate } from "../samples/messages.ts";
import { connectedDevice, id, login, mounting, send } from "./world/connected-device.ts";
import type { World } from "./world/world.ts";

function results(world: World): readonly string[] {
  return world.center
    .received()
    .map((text) => JSON.parse(text))
    .filter((one) => one.route.resource === "websocket/config_result")
    .map(({ route, header, content }) => {
      assert.deepEqual([route.source, route.group, route.operation], ["resource", "hub", "update"]);
      assert.equal(header.parent_msg_id, "");
      const { topic, percentage, result, reason } = JSON.parse(content);
      assert.equal(topic, "pods_data");
      return `${percentage} ${result}${reason === "" ? "" : `: ${reason}`}`;
    });
}

const allDone = ["25% processing", "50% processing", "75% processing", "100% success"];

describe("pods_data", () => {
  async function full(): Promise<World> {
    const world = await connectedDevice();
    await send(world, configMapUpdate("app-settings", id(1), { a: "1" }));
    await send(world, secretUpdate(id(2), login("p")));
    await send(world, podUpdate({ name: "web", uid: id(3), msgId: id(4), ...mounting }));
    await send(world, podUpdate({ name: "other", uid: id(5), msgId: id(6) }));
    assert.equal(world.host.running().length, 2);
    return world;
  }

  const left = (world: World) =>
    world.look((store) => [...store.desiredPods.list(), ...store.configMaps.names(), ...store.credentials.names()]);

  test("removes everything, reports progress in order, and has no reply", async () => {
    const world = await full();
    assert.equal(await send(world, podsData(id(7))), "nothing");
    await world.clock.pass(60_000);
    assert.deepEqual(results(world), allDone);
    assert.deepEqual([world.host.containers(), left(world), [...world.device.folders]], [[], [], []]);
    assert.equal(await send(world, podsData(id(7))), "nothing");
    assert.deepEqual(results(world), allDone, "the message comes again, and nothing is done twice");
    assert.equal(await send(world, podsData(id(8))), "nothing");
    assert.equal(results(world).length, 8, "another one finds nothing to do, and says that it is done");
    world.process().kill();
  });

  test("reports nothing before the pods are gone, and keeps pods of later messages", async () => {
    const world = await full();
    world.host.behave(() => ({ ignoresTerm: true }));
    await send(world, podsData(id(7)));
    assert.equal(await send(world, configMapUpdate("app-settings", id(8), { a: "new" })), "OK");
    assert.equal(await send(world, podUpdate({ name: "next", uid: id(9), msgId: id(10), ...mounting })), "OK");
    assert.deepEqual(results(world), []);
    await world.clock.pass(60_000);
    assert.deepEqual(results(world), allDone);
    assert.deepEqual(
      world.host.running().map((one) => one.request?.pod.id.name),
      ["next"],
    );
    assert.deepEqual(
      world.look((store) => store.configMaps.get("app-settings")),
      { a: "new" },
    );
    world.process().kill();
  });

  test("fails if the pods do not stop, and reports no success afterwards", async () => {
    const world = await full();
    world.host.freeze();
    await send(world, podsData(id(7)));
    await world.clock.pass(100_000);
    assert.deepEqual(results(world), []);
    await world.clock.pass(100_000);
    assert.deepEqual(results(world), ["100% failed: delete pods failed, the containers of other, web are still there"]);
    world.host.thaw();
    await world.clock.pass(100_000);
    assert.equal(results(world).length, 1);
    assert.deepEqual(world.host.containers(), [], "they go all the same");
    world.process().kill();
  });

  test("continues after a crash at any moment, and reports nothing twice", async () => {
    for (let calls = 1; calls < 160; calls += 7) {
      const world = await full();
      world.crashIn({ calls, name: null }, false);
      world.center.deliver(podsData(id(7)));
      await world.clock.pass(20_000);
      await world.restart({ powerCut: calls % 2 === 0 });
      await world.clock.pass(5_000);
      world.center.deliver(podsData(id(7)));
      await world.clock.pass(120_000);
      // What was not yet known to be delivered is said again, with the same msg_id.
      const said = new Map(
        world.center
          .received()
          .map((text) => JSON.parse(text))
          .filter((one) => one.route.resource === "websocket/config_result")
          .map((one) => [one.header.msg_id, JSON.parse(one.content).percentage]),
      );
      assert.deepEqual([...said.values()], ["25%", "50%", "75%", "100%"], `a crash before store call ${calls}`);
      assert.deepEqual([world.host.containers(), left(world), [...world.device.folders]], [[], [], []]);
      world.process().kill();
    }
  });
});
