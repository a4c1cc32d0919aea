import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { podUpdate, testImage } from "../samples/messages.ts";
import { heldUp } from "./judges/others.ts";
import { createWorld, type World } from "./world/world.ts";

const uidOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const troubled = 9;
const others = [1, 2, 3];
const late = 4;
const odd = "edge.test/odd:1";

function send(world: World, n: number, image = testImage): void {
  const uid = uidOf(n);
  world.center.deliver(podUpdate({ name: `pod-${n}`, uid, msgId: uid, container: { image } }));
}

/** Pulls of one image alone: the others have theirs. */
const registry = (kind: "failed" | "registryBusy", message: string) => (world: World) => {
  world.host.fail("pull", { kind, message }, 1_000);
  send(world, troubled, odd);
};

const onContainer = (act: (world: World, id: string) => void) => (world: World) => {
  const [{ id } = assert.fail()] = world.host
    .running()
    .filter(({ request }) => request?.pod.id.uid === uidOf(troubled));
  act(world, id);
};

/** What is wrong with one pod; those of a container begin with one that runs. */
const troubles: readonly { readonly name: string; readonly runs: boolean; readonly happen: (world: World) => void }[] =
  [
    {
      name: "a registry that answers 429",
      runs: false,
      happen: registry("registryBusy", "toomanyrequests: slow down"),
    },
    {
      name: 'a registry that answers 503 "unavailable"',
      runs: false,
      happen: registry("failed", "received unexpected HTTP status: 503 Service Unavailable: unavailable"),
    },
    {
      name: "a registry that answers with an engine's words",
      runs: false,
      happen: registry("failed", "containerd: connection refused: unavailable"),
    },
    {
      name: "a registry that stalls",
      runs: false,
      happen: (world) => {
        world.host.fail("pull", "hang", 1_000);
        send(world, troubled, odd);
      },
    },
    {
      name: "a container that the engine does not answer about",
      runs: true,
      happen: onContainer((world, id) => world.host.silence(id, true)),
    },
    {
      name: "a paused container",
      runs: true,
      happen: onContainer((world, id) => world.host.pauseByHand(id, true)),
    },
    {
      name: "a container that was taken out of its network",
      runs: true,
      happen: onContainer((world, id) => world.host.disconnectByHand(id)),
    },
  ];

describe("Beside one pod in trouble the others go on", () => {
  for (const { name, runs, happen } of troubles) {
    test(`${name}: they are restarted, started and reported within 15 s`, async (t) => {
      const world = createWorld(1, { liveRestore: false });
      t.after(() => world.process().kill());
      world.host.addImage(testImage, { id: "sha256:first", user: "", architecture: "amd64", volumes: [] });
      await world.clock.pass(3_000);
      for (const n of [...others, ...(runs ? [troubled] : [])]) send(world, n);
      await world.clock.pass(15_000);
      assert.deepEqual(
        heldUp(
          world,
          others.map((n) => ({ uid: uidOf(n), restarts: 0 })),
        ),
        [],
      );
      happen(world);
      await world.clock.pass(1_000);
      for (const { id, request } of world.host.running()) {
        if (others.some((n) => uidOf(n) === request?.pod.id.uid)) world.host.kill(id, 1);
      }
      send(world, late);
      await world.clock.pass(15_000);
      const expected = [...others.map((n) => ({ uid: uidOf(n), restarts: 1 })), { uid: uidOf(late), restarts: 0 }];
      assert.deepEqual(heldUp(world, expected), []);
      const events = world.look((store) => store.events.list({ limit: 1_000 })).map(({ reason }) => reason);
      assert.ok(!events.includes("EngineUnavailable"));
    });
  }

  test("an engine that hangs for all is found to hold them up", async (t) => {
    const world = createWorld(1, { liveRestore: false });
    t.after(() => world.process().kill());
    await world.clock.pass(3_000);
    world.host.freeze();
    send(world, late);
    await world.clock.pass(15_000);
    const words = heldUp(world, [{ uid: uidOf(late), restarts: 0 }]);
    assert.deepEqual(words, [`${uidOf(late)} runs attempts [] and is reported with null, expected 0`]);
  });
});
