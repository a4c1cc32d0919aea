import assert from "node:assert/strict";
import { factoryName, localName } from "../world/device-ledger.ts";
import type { World } from "../world/world.ts";

/** 1: what somebody on the device was told to be done is in the store. */
export function checkLocalPod(world: World): void {
  const is = storedVersion(world, localName);
  const may = [...world.ledger.possible()];
  assert.ok(may.includes(is), `1: ${localName} should be ${may.join(" or ")}, and is ${is}`);
}

/** 3: nothing of a folder that is missing is taken for gone. */
export function checkMissingFolder(world: World): void {
  const missing = world.ledger.missingSince();
  if (missing === null) return;
  const { bootId } = world.clock;
  const deleted = world
    .look((store) => store.terminatingPods.list())
    .filter(({ request, since }) => {
      const isOfNow = since.bootId === bootId() && (missing.bootId !== bootId() || since.mono > missing.mono);
      return isOfNow && request.startsWith("the end of file");
    });
  assert.deepEqual(deleted, [], `3: ${factoryName} was deleted although the folder of its file is missing`);
}

/** 6: the factory pod is that of its file, and both pods run as they are stored. */
export function checkDevicePods(world: World): void {
  const { version, isWhole } = world.ledger.factory();
  assert.ok(isWhole, "6: the file of the factory pod is whole");
  assert.equal(storedVersion(world, factoryName), version, `6: ${factoryName} is what its file says`);
  for (const name of [factoryName, localName]) {
    const stored = storedVersion(world, name);
    const running = world.host.running().filter(({ request }) => request?.pod.id.name === name);
    assert.deepEqual(
      running.map(({ request }) => Number(request?.pod.spec.containers[0]?.env?.[0]?.value)),
      stored === null ? [] : [stored],
      `6: ${name} runs as it is wanted`,
    );
  }
}

function storedVersion(world: World, name: string): number | null {
  const desired = world.look((store) => store.desiredPods.get("websocket", name));
  return desired === null ? null : Number(desired.pod.spec.containers[0]?.env?.[0]?.value);
}
