import assert from "node:assert/strict";
import { test } from "node:test";
import { type PrivateEngine, startPrivateEngine } from "../../scripts/private-engine.ts";
import { loadTestImages } from "../../scripts/test-images.ts";
import { createDraw } from "./agreement/draw.ts";
import type { Outcome } from "./agreement/outcome.ts";
import { realDevice } from "./agreement/real.ts";
import { carryOut, type Happening, wordsOf } from "./agreement/scenario.ts";
import { simulatedDevice } from "./agreement/simulated.ts";
import { createSite } from "./harness.ts";

const from = Number(process.env["EDGE_SEED"] ?? 33);
const scenarios = Number(process.env["EDGE_SCENARIOS"] ?? 2);
const steps = Number(process.env["EDGE_STEPS"] ?? 6);
const skip = process.getuid?.() === 0 ? false : "needs root";
/** The longest back-off of a scenario, a liveness probe that has to fail three times, and a slow machine. */
const settleMs = 180_000;
/** Agreement has to last, or it was met on the way to something else. */
const steadyMs = 2_000;

interface Scene {
  readonly happening: Happening;
  readonly answers: readonly string[];
  readonly outcome: Outcome;
}

/** Plays a scenario in the simulation, which decides what happens next. */
async function simulate(seed: number, liveRestore: boolean): Promise<readonly Scene[]> {
  const device = simulatedDevice(seed, liveRestore);
  const draw = createDraw(seed);
  const scenes: Scene[] = [];
  let outcome = await device.settled();
  while (scenes.length < steps) {
    const happening = draw(outcome);
    const answers = await carryOut(device, happening);
    outcome = await device.settled();
    scenes.push({ happening, answers, outcome });
  }
  return scenes;
}

async function playForReal(scenes: readonly Scene[], liveRestore: boolean): Promise<void> {
  const engine: PrivateEngine = await startPrivateEngine(() => undefined, { liveRestore });
  try {
    await loadTestImages(engine.socket);
    const site = createSite(engine, { policy: { writableEmptyDir: true } });
    try {
      await site.startCenter();
      await site.startAgent();
      await site.online();
      const device = realDevice(site, engine, liveRestore);
      for (const [index, { happening, answers, outcome }] of scenes.entries()) {
        const done = scenes.slice(0, index + 1).map((scene) => wordsOf(scene.happening));
        assert.deepEqual(await carryOut(device, happening), answers, `answers after ${done.join(", ")}`);
        await comesTo(() => device.outcome(), outcome, done);
      }
    } finally {
      await site.close();
    }
  } finally {
    await engine.close();
  }
}

async function comesTo(look: () => Promise<Outcome>, expected: Outcome, done: readonly string[]): Promise<void> {
  const until = performance.now() + settleMs;
  let since: number | null = null;
  while (true) {
    const is = await look();
    const same = JSON.stringify(is) === JSON.stringify(expected);
    since = same ? (since ?? performance.now()) : null;
    if (since !== null && performance.now() - since >= steadyMs) return;
    if (performance.now() > until) {
      assert.deepEqual(is, expected, `the engine differs from the simulation after ${done.join(", ")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

for (let seed = from; seed < from + scenarios; seed += 1) {
  const liveRestore = seed % 2 === 0;
  test(`the real device reaches the same state as the simulated one (seed ${seed}, ${steps} steps)`, {
    skip,
  }, async (t) => {
    const scenes = await simulate(seed, liveRestore);
    const began = performance.now();
    await playForReal(scenes, liveRestore);
    const words = scenes.map(({ happening }) => wordsOf(happening)).join(", ");
    t.diagnostic(`${words}: ${Math.round((performance.now() - began) / 1000)} s`);
  });
}
