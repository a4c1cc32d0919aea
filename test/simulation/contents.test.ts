import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  configMapDelete,
  configMapUpdate,
  podsData,
  podUpdate,
  registrySecret,
  secretUpdate,
  testImage,
} from "../samples/messages.ts";
import { createWorld, type World } from "./world/world.ts";

const image = { id: "sha256:first", user: "", architecture: "amd64", volumes: [] } as const;
const privateImage = "registry.example:5000/app:1";
const id = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

/** A device that is connected and has the test image. */
async function device(): Promise<World> {
  const world = createWorld(1, { liveRestore: true });
  world.host.addImage(testImage, image);
  await world.clock.pass(3_000);
  return world;
}

async function send(world: World, text: string): Promise<string> {
  const { msg_id } = JSON.parse(text).header;
  assert.ok(world.center.deliver(text));
  await world.clock.pass(1_000);
  const replies = world.center.received().map((one) => JSON.parse(one));
  return String(replies.find((one) => one.header.parent_msg_id === msg_id)?.content ?? "nothing");
}

const mounting = {
  spec: { volumes: [{ name: "settings", configMap: { name: "app-settings", defaultMode: 420 } }] },
  container: { volumeMounts: [{ name: "settings", mountPath: "/etc/app", readOnly: true }] },
};

const fetching = {
  spec: { imagePullSecrets: [{ name: registrySecret }] },
  container: { image: privateImage },
};

const login = (password: string) => ({ auths: { "registry.example:5000": { username: "u", password } } });

/** Reason and message of what a pod's container waits for. */
function waiting(world: World, uid: string): string {
  const status = world.look((store) => store.status(uid)?.status) as
    | { containerStatuses: { state: { waiting?: { reason: string; message?: string } } }[] }
    | undefined;
  const state = status?.containerStatuses[0]?.state.waiting;
  return state === undefined ? "" : `${state.reason} ${state.message ?? ""}`;
}

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

describe("config maps", () => {
  test("a pod waits for its config map, gets its changes, and keeps it when it is deleted", async () => {
    const world = await device();
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

  test("the 257th is refused", async () => {
    const world = await device();
    for (let i = 0; i < 256; i += 1) world.center.deliver(configMapUpdate(`map-${i}`, id(100 + i), { i: `${i}` }));
    await world.clock.pass(5_000);
    assert.match(await send(world, configMapUpdate("one-more", id(2), {})), /FAILED: .*at most 256 on a device/);
    assert.equal(await send(world, configMapUpdate("map-3", id(3), { i: "changed" })), "OK");
    assert.equal(await send(world, configMapDelete("map-4", id(4))), "OK");
    assert.equal(await send(world, configMapUpdate("one-more", id(5), {})), "OK");
    world.process().kill();
  });
});

describe("a registry that asks for a password", () => {
  test("says what is wrong, and the right secret starts the pod at once", async () => {
    const world = await device();
    world.host.publish(privateImage, image, { username: "u", password: "s3cret-right" });
    assert.equal(await send(world, podUpdate({ name: "web", uid: id(1), msgId: id(10), ...fetching })), "OK");
    assert.match(
      waiting(world, id(1)),
      new RegExp(`^ErrImagePull .*secret ${registrySecret} of the pod is not on this`),
    );
    assert.equal(
      await send(world, secretUpdate(id(11), { auths: { "other.example": { username: "u", password: "p" } } })),
      "OK",
    );
    assert.match(waiting(world, id(1)), /holds no credentials for registry\.example:5000/);
    assert.equal(await send(world, secretUpdate(id(12), login("s3cret-wrong"))), "OK");
    assert.match(
      waiting(world, id(1)),
      /^ErrImagePull Registry registry\.example:5000 refuses .*shown the credentials/,
    );
    await world.clock.pass(200_000);
    assert.equal(await send(world, secretUpdate(id(13), login("s3cret-right"))), "OK");
    assert.equal(world.host.running().length, 1, waiting(world, id(1)));
    const told = world.look((store) =>
      JSON.stringify([store.events({ limit: 10_000 }), store.outbox(0, 1_000), store.statuses(), store.desiredPods()]),
    );
    const said = JSON.stringify([world.center.received(), world.process().published()]);
    for (const words of [told, said]) {
      assert.equal(words.includes("s3cret"), false);
      assert.equal(words.includes(Buffer.from("s3cret").toString("base64").slice(0, 6)), false);
    }
    world.process().kill();
  });

  test("a refused secret is not told of", async () => {
    const world = await device();
    const text = secretUpdate(id(1), login("s3cret")).replace('"type"', '"stringData":{"x":"s3cret"},"type"');
    assert.match(await send(world, text), /^FAILED/);
    const broken = secretUpdate(id(2), {}).replace(/"\.dockerconfigjson":"[^"]*"/, '".dockerconfigjson":"s3cret!"');
    assert.match(await send(world, broken), /^FAILED/);
    const told = world.look((store) => JSON.stringify([store.events({ limit: 100 }), store.outbox(0, 100)]));
    assert.equal(`${told}${world.center.received().join("")}`.includes("s3cret"), false);
    world.process().kill();
  });

  test("several pods that wait for an image fetch it once", async () => {
    const world = await device();
    world.host.publish(privateImage, image, { username: "u", password: "p" });
    world.host.latency(1, 5, 20_000);
    await send(world, secretUpdate(id(1), login("p")));
    for (const n of [1, 2, 3]) {
      assert.equal(
        await send(world, podUpdate({ name: `web-${n}`, uid: id(20 + n), msgId: id(10 + n), ...fetching })),
        "OK",
      );
    }
    assert.equal(await send(world, secretUpdate(id(2), login("p"))), "OK", "the same again breaks nothing off");
    await world.clock.pass(60_000);
    assert.equal(world.host.running().length, 3);
    assert.equal(world.host.calls().filter(({ operation }) => operation === "pull").length, 1);
    world.process().kill();
  });
});

describe("a node under pressure", () => {
  test("begins no new pod and says why, keeps what runs, and goes on as soon as there is room", async () => {
    const world = await device();
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
    const told = world.look((store) => store.events({ limit: 100 })).filter(({ pod }) => pod === "");
    assert.deepEqual(
      told.map(({ type, reason }) => `${type} ${reason}`),
      ["Normal AgentStarted", "Warning NodeHasDiskPressure", "Normal NodeHasNoDiskPressure"],
    );
    world.process().kill();
  });

  test("holds nothing up when nothing can be read", async () => {
    const world = await device();
    world.device.usage({ memory: null, dataDisk: null, engineDisk: null, processes: null });
    await world.clock.pass(11_000);
    assert.equal(await send(world, podUpdate({ name: "web", uid: id(1), msgId: id(10) })), "OK");
    assert.equal(world.host.running().length, 1);
    world.process().kill();
  });
});

describe("pods_data", () => {
  async function full(): Promise<World> {
    const world = await device();
    await send(world, configMapUpdate("app-settings", id(1), { a: "1" }));
    await send(world, secretUpdate(id(2), login("p")));
    await send(world, podUpdate({ name: "web", uid: id(3), msgId: id(4), ...mounting }));
    await send(world, podUpdate({ name: "other", uid: id(5), msgId: id(6) }));
    assert.equal(world.host.running().length, 2);
    return world;
  }

  const left = (world: World) =>
    world.look((store) => [...store.desiredPods(), ...store.configMapNames(), ...store.credentialNames()]);

  test("removes everything and says so in order, and has no reply", async () => {
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

  test("says nothing before the pods are gone, and spares what comes after it", async () => {
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
      world.look((store) => store.configMap("app-settings")),
      { a: "new" },
    );
    world.process().kill();
  });

  test("is failed when the pods do not go, and nothing is a success after it", async () => {
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

  test("goes on after a crash at any moment, and tells nothing twice", async () => {
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
