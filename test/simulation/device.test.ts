import assert from "node:assert/strict";
import { test } from "node:test";
import { playSeed } from "./play.ts";

const seeds = Array.from({ length: 20 }, (_, index) => index + 1);
const steps = 60;

for (const seed of seeds) {
  test(`a device lives through seed ${seed} (npm run sim -- --seed ${seed} --steps ${steps})`, async () => {
    const { failure } = await playSeed(seed, steps);
    assert.equal(failure, null);
  });
}

test("one seed is one run, line by line", async () => {
  for (const seed of [1, 2]) {
    const [first, second] = [await playSeed(seed, 200, { keep: true }), await playSeed(seed, 200, { keep: true })];
    assert.deepEqual(first.trace, second.trace);
    assert.equal(first.hash, second.hash);
    assert.ok(first.trace.length > 1_000, `${first.trace.length} lines`);
  }
});

test("another seed is another run", async () => {
  const [one, other] = [await playSeed(1, 20, { keep: true }), await playSeed(3, 20, { keep: true })];
  assert.notEqual(one.hash, other.hash);
});
