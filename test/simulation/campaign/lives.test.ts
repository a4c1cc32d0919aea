import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { test } from "node:test";
import { playSeed } from "./play.ts";
import { playAll } from "./pool.ts";

const lives = Number(process.env["EDGE_LIVES"] ?? 250);
const steps = 200;

test(`a simulated device keeps every invariant for seeds 1 to ${lives}`, { timeout: 1_800_000 }, async () => {
  const failures: string[] = [];
  const played = new Set<number>();
  let seed = 0;
  await playAll({
    root: resolve(import.meta.dirname, "../../.."),
    steps,
    jobs: availableParallelism(),
    next() {
      if (seed === lives || failures.length >= 3) return null;
      seed += 1;
      return { seed, aim: null };
    },
    done({ seed: one, failure }) {
      played.add(one);
      if (failure !== null) failures.push(`${failure} (npm run sim -- --seed ${one} --steps ${steps})`);
    },
  });
  assert.deepEqual(failures, []);
  assert.equal(played.size, lives);
});

test("one seed always gives the same trace", async () => {
  for (const [seed, aim] of [
    [1, null],
    [2, null],
    [3, { fault: "burst", state: "replacing" }],
  ] as const) {
    const options = { keep: true, aim };
    const [first, second] = [await playSeed(seed, steps, options), await playSeed(seed, steps, options)];
    assert.deepEqual(first.trace, second.trace);
    assert.equal(first.hash, second.hash);
    assert.ok(first.trace.length > 1_000, `${first.trace.length} lines`);
  }
});

test("another seed gives another trace", async () => {
  const [one, other] = [await playSeed(1, 20, { keep: true }), await playSeed(3, 20, { keep: true })];
  assert.notEqual(one.hash, other.hash);
});
