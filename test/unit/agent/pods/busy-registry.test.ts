import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodStatus } from "../../../../src/core/pod/pod-status.ts";
import { podUpdate } from "../../../samples/messages.ts";
import { createWorld } from "../../../simulation/world/world.ts";

const uid = "00000000-0000-4000-8000-000000000001";
const image = "edge.test/busy:1";
const known = { id: "sha256:busy", user: "", architecture: "amd64", volumes: [] } as const;
const minute = 60_000;

for (const [words, minutes] of [
  ["toomanyrequests: You have reached your pull rate limit", [1, 2, 4]],
  ["toomanyrequests: retry-after: 5m", [5, 5, 5]],
] as const) {
  test(`a registry that says "${words}" is asked again after ${minutes.join(", ")} minutes`, async (t) => {
    const world = createWorld(1, { liveRestore: false });
    t.after(() => world.process().kill());
    world.host.publish(image, known);
    world.host.fail("pull", { kind: "registryBusy", message: words }, 3);
    const pulls = (): number => world.host.calls().filter(({ operation }) => operation === "pull").length;
    const status = () => world.look((store) => store.statuses.get(uid))?.status as PodStatus;
    await world.clock.pass(3_000);
    world.center.deliver(podUpdate({ name: "busy", uid, msgId: uid, container: { image } }));
    await world.clock.pass(5_000);
    for (const [index, wait] of minutes.entries()) {
      assert.equal(pulls(), index + 1);
      const waiting = status().containerStatuses[0]?.state.waiting;
      assert.equal(waiting?.reason, index === 0 ? "ErrImagePull" : "ImagePullBackOff");
      assert.match(waiting?.message ?? "", /Registry edge\.test was asked too often: toomanyrequests/);
      await world.clock.pass(wait * minute - 10_000);
      assert.equal(pulls(), index + 1);
      await world.clock.pass(10_000);
    }
    await world.clock.pass(10_000);
    assert.deepEqual([pulls(), status().phase], [4, "Running"]);
  });
}
