import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PodStatus } from "../../../../src/core/pod/pod-status.ts";
import { podContent, podRestart, podUpdate, testImage } from "../../../samples/messages.ts";
import { createWorld, type World } from "../../../simulation/world/world.ts";

const uid = "00000000-0000-4000-8000-000000000001";
const id = (n: number): string => `00000000-0000-4000-8000-00000000010${n}`;
const here = { id: "sha256:first", user: "", architecture: "amd64", volumes: [] } as const;
const missing = "edge.test/busybox:missing";
const later = "edge.test/busybox:later";

interface Update {
  readonly image: string;
  readonly names?: readonly string[];
  readonly policy?: string;
}

function send(world: World, n: number, { image, names = ["app"], policy = "Always" }: Update): void {
  const { containers } = podContent({ name: "a", uid })["spec"] as { readonly containers: readonly object[] };
  const spec = {
    restartPolicy: policy,
    containers: names.map((name, index) => ({ ...containers[0], name, image: index === 0 ? image : testImage })),
  };
  world.center.deliver(podUpdate({ name: "a", uid, msgId: id(n), resourceVersion: String(n), spec }));
}

/** A device that runs the first version of a pod. */
async function device(update: Omit<Update, "image"> = {}): Promise<World> {
  const world = createWorld(1, { liveRestore: false });
  world.host.addImage(testImage, here);
  await world.clock.pass(3_000);
  send(world, 1, { ...update, image: testImage });
  await world.clock.pass(10_000);
  return world;
}

function statusOf(world: World): PodStatus {
  return world.look((store) => store.statuses.get(uid))?.status as PodStatus;
}

function inShort(world: World): readonly string[] {
  const { phase, message = "", containerStatuses } = statusOf(world);
  const containers = containerStatuses.map((one) => `${one.name} ${Object.keys(one.state)[0]} ${one.image}`);
  return [phase, message.split(":").slice(0, 2).join(":"), ...containers];
}

const running = (world: World): readonly string[] =>
  world.host
    .running()
    .map(({ request }) => `${request?.container} ${request?.image.id}`)
    .sort();

const waits = "The update waits for the image of container app: ImagePullBackOff";
const asBefore = ["Running", waits, `app running ${testImage}`];

describe("an update whose image cannot be pulled", () => {
  test("is named in the pod's message, and the podstatus shows the running version", async () => {
    const world = await device();
    send(world, 2, { image: missing });
    await world.clock.pass(60_000);
    assert.deepEqual(inShort(world), asBefore);
    assert.equal(statusOf(world).containerStatuses[0]?.imageID, "docker://sha256:first");
    world.process().kill();
  });

  test("keeps the old version running over a crash, a stopped engine and a power cut", async () => {
    const world = await device();
    send(world, 2, { image: missing });
    await world.clock.pass(60_000);
    world.host.kill(world.host.running()[0]?.id ?? "", 1);
    await world.clock.pass(30_000);
    assert.deepEqual([running(world), inShort(world)], [["app sha256:first"], asBefore]);
    assert.equal(statusOf(world).containerStatuses[0]?.restartCount, 1);
    world.host.down("stop");
    await world.clock.pass(5_000);
    world.host.up();
    await world.clock.pass(60_000);
    assert.deepEqual([running(world), inShort(world)], [["app sha256:first"], asBefore]);
    world.host.down("stop");
    world.host.up();
    await world.restart({ powerCut: true });
    await world.clock.pass(60_000);
    assert.deepEqual([running(world), inShort(world)], [["app sha256:first"], asBefore]);
    world.process().kill();
  });

  test("keeps a pod of two containers and its sandbox running", async () => {
    const world = await device({ names: ["app", "side"] });
    const whole = ["POD", "app", "side"];
    const names = () => running(world).map((one) => one.split(" ")[0]);
    assert.deepEqual(names(), whole);
    send(world, 2, { image: missing, names: ["app", "side", "third"] });
    await world.clock.pass(60_000);
    world.host.down("stop");
    world.host.up();
    await world.clock.pass(90_000);
    assert.deepEqual(names(), whole);
    assert.deepEqual(inShort(world), [...asBefore, `side running ${testImage}`]);
    world.process().kill();
  });

  test("does not ask the registry more often when the old version crashes", async () => {
    const world = await device();
    send(world, 2, { image: missing });
    const pulls = () => world.host.calls().filter((one) => one.operation === "pull").length;
    await world.clock.pass(60_000);
    const before = pulls();
    world.host.behave(() => ({ exit: { code: 1, afterMs: 2_000 } }));
    world.host.kill(world.host.running()[0]?.id ?? "", 1);
    await world.clock.pass(600_000);
    assert.ok(pulls() - before <= 4, `${pulls() - before} pulls in ten minutes`);
    assert.ok((statusOf(world).containerStatuses[0]?.restartCount ?? 0) >= 4);
    world.process().kill();
  });

  test("is skipped by the next update, and the old version runs until that image is present", async () => {
    const world = await device();
    send(world, 2, { image: missing });
    await world.clock.pass(30_000);
    send(world, 3, { image: later });
    await world.clock.pass(30_000);
    world.host.kill(world.host.running()[0]?.id ?? "", 1);
    await world.clock.pass(30_000);
    assert.deepEqual(running(world), ["app sha256:first"]);
    world.host.publish(later, { ...here, id: "sha256:later" });
    await world.clock.pass(300_000);
    assert.deepEqual([running(world), inShort(world)], [["app sha256:later"], ["Running", "", `app running ${later}`]]);
    world.process().kill();
  });

  test("lets a restart message restart the version that runs", async () => {
    const world = await device();
    send(world, 2, { image: missing });
    await world.clock.pass(30_000);
    const [{ id: old = "" } = {}] = world.host.running();
    world.center.deliver(podRestart({ name: "a", msgId: id(3) }));
    await world.clock.pass(60_000);
    assert.deepEqual([running(world), world.host.running()[0]?.id === old], [["app sha256:first"], false]);
    world.process().kill();
  });

  test("keeps a finished job Succeeded, and runs it again when the image is present", async () => {
    const world = await device({ policy: "Never" });
    world.host.kill(world.host.running()[0]?.id ?? "", 0);
    await world.clock.pass(10_000);
    const phases = new Set<string>();
    send(world, 2, { image: later, policy: "Never" });
    for (let seconds = 0; seconds < 120; seconds += 1) {
      await world.clock.pass(1_000);
      phases.add(statusOf(world).phase);
    }
    assert.deepEqual([...phases], ["Succeeded"]);
    assert.deepEqual(inShort(world), ["Succeeded", waits, `app terminated ${testImage}`]);
    world.host.publish(later, { ...here, id: "sha256:later" });
    for (let ms = 0; ms < 300_000; ms += 100) {
      await world.clock.pass(100);
      phases.add(statusOf(world).phase);
    }
    assert.deepEqual(phases.has("Failed"), false, [...phases].join());
    assert.deepEqual(running(world), ["app sha256:later"]);
    world.process().kill();
  });
});
