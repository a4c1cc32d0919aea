import assert from "node:assert/strict";
import { test } from "node:test";
import {
  noProgress,
  type PullProgress,
  progressed,
  withPullProgress,
} from "../../../../src/core/image/pull-progress.ts";
import { desiredPod } from "../../../samples/pods.ts";
import { planOf } from "../pod/plan-text.ts";

const after = (...news: readonly (readonly [string, number])[]): PullProgress =>
  news.reduce((before, [layer, share]) => progressed(before, { layer, share }), noProgress);

test("pull progress counts all layers alike and never decreases", () => {
  assert.equal(after(["a", 0], ["b", 0]).tenths, 0);
  assert.equal(after(["a", 0], ["b", 0], ["a", 1]).tenths, 5);
  assert.equal(after(["a", 0], ["b", 0], ["a", 1], ["a", 0.3], ["b", 0.5]).tenths, 7);
  assert.equal(after(["a", 1], ["b", 0]).tenths, 10, "a layer that comes late takes nothing back");
  const same = after(["a", 0.5]);
  assert.equal(progressed(same, { layer: "a", share: 0.4 }), same);
});

test("pull progress of endless layers does not fill the memory", () => {
  let progress = noProgress;
  for (let n = 0; n < 10_000; n += 1) progress = progressed(progress, { layer: `${n}`, share: 0 });
  assert.equal(progress.shares.size, 128);
});

test("the message of a container that waits for a pull has its progress", () => {
  const plan = planOf({ desired: desiredPod(), images: { app: null } });
  const told = (tenths: number) => withPullProgress(plan, () => ({ tenths, archive: null })).waiting;
  assert.deepEqual(told(0), { app: { reason: "ContainerCreating", message: 'Pulling image "app:1"' } });
  assert.equal(told(4)["app"]?.message, 'Pulling image "app:1": 40 % of its layers');
  const loading = withPullProgress(plan, () => ({ tenths: 4, archive: "app.tar" })).waiting;
  assert.equal(loading["app"]?.message, 'Loading image "app:1" from archive app.tar: 40 %');
  const none = planOf({ desired: desiredPod(), images: { app: "sha256:app" } });
  assert.deepEqual(
    withPullProgress(none, () => ({ tenths: 4, archive: null })),
    none,
  );
});
