import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type SafeMode, safeModeMs } from "../../src/core/node/safe-mode.ts";
import type { NodeUsage } from "../../src/core/node/usage.ts";
import { roomy } from "../fakes/device.ts";
import { podUpdate, testImage } from "../samples/messages.ts";
import { assertScreen, deviceScreen, podScreen } from "../screens/screen.ts";
import { id, image, send } from "./world/connected-device.ts";
import { createWorld, type World, type WorldOptions } from "./world/world.ts";

/** What no machine is brought to in seconds: the real agent on a device of fakes that is connected, in 2026. */
async function connected(safeMode: WorldOptions["safeMode"] = () => null): Promise<World> {
  const world = createWorld(1, { liveRestore: true, safeMode });
  world.host.addImage(testImage, image);
  world.clock.jump(Date.parse("2026-11-22T12:00:00Z") - world.clock.wall());
  await world.stopAndStart();
  await world.clock.pass(3_000);
  return world;
}

const accepted = async (world: World, name: string, container = {}): Promise<void> => {
  assert.equal(await send(world, podUpdate({ name, uid: id(1), msgId: id(10), container })), "OK");
};

/** The screen of the running agent, now. */
function device(world: World): string {
  return deviceScreen(world.process().published() ?? assert.fail(), world.clock.wall());
}

function pod(world: World, name: string): string {
  return podScreen(world.process().published() ?? assert.fail(), name, world.clock.wall());
}

const shortages: Readonly<Record<string, Partial<NodeUsage>>> = {
  "memory-pressure": { memory: { totalBytes: 8 << 30, availableBytes: 50 << 20 } },
  "disk-pressure": { engineDisk: { totalBytes: 1_000, freeBytes: 140, inodes: null } },
  "process-id-pressure": { processes: { running: 31_000, most: 32_768 } },
};

describe("edge status of a device", () => {
  for (const [name, usage] of Object.entries(shortages)) {
    test(`under ${name} names what is short and the pod that waits`, async () => {
      const world = await connected();
      world.device.usage({ ...roomy, ...usage });
      await world.clock.pass(11_000);
      await accepted(world, "web");
      await world.clock.pass(2_000);
      assertScreen(name, device(world));
      world.process().kill();
    });
  }

  test("in safe mode names the pods that are held", async () => {
    let safeMode: SafeMode | null = null;
    const world = await connected(() => safeMode);
    await accepted(world, "web");
    const untilMono = world.clock.mono() + safeModeMs;
    safeMode = { held: new Set(["websocket/web"]), untilMono, why: "TypeError: a bug" };
    await world.restart({ powerCut: false });
    await world.clock.pass(10_000);
    assertScreen("safe-mode", device(world));
    world.process().kill();
  });

  test("whose clock begins in 1970 names the clock", async () => {
    const world = await connected();
    await accepted(world, "web");
    await world.restart({ powerCut: true, noBattery: true });
    await world.clock.pass(30_000);
    assertScreen("clock-in-1970", device(world));
    world.process().kill();
  });
});

describe("edge status of a pod", () => {
  test("that the agent fails on names the bug as the agent's", async () => {
    const world = await connected();
    Object.assign(world.device.podFiles, {
      prepareVolumes: () => {
        throw new TypeError("Cannot read properties of undefined (reading 'name')");
      },
    });
    await accepted(world, "web");
    await world.clock.pass(5_000);
    assertScreen("bug-of-the-agent", pod(world, "web"));
    world.process().kill();
  });

  const pulls: Readonly<Record<string, (world: World, name: string) => void>> = {
    "image-of-another-architecture": ({ host }, name) => host.publish(name, { ...image, architecture: "arm64" }),
    "no-space-for-an-image": ({ host }, name) => {
      host.publish(name, image);
      host.fillDisk("data");
    },
    "registry-that-stops-sending": ({ host }, name) => {
      host.publish(name, image);
      host.fail("pull", "hang");
    },
  };
  for (const [screen, breakPull] of Object.entries(pulls)) {
    test(`names ${screen}, and what to do`, async () => {
      const world = await connected();
      const name = "registry.example/app:1";
      breakPull(world, name);
      await accepted(world, "web", { image: name });
      const failed = () => world.process().published()?.pods[0]?.status === "ErrImagePull";
      assert.ok(await world.clock.passUntil(failed, 3_600_000));
      assertScreen(screen, pod(world, "web"));
      world.process().kill();
    });
  }
});
