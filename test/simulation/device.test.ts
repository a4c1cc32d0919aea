import { test } from "node:test";
import { playScenario } from "./scenario.ts";

const seeds =
  process.env.EDGE_SEED === undefined
    ? Array.from({ length: 20 }, (_, index) => index + 1)
    : [Number(process.env.EDGE_SEED)];
const steps = Number(process.env.EDGE_STEPS ?? 60);

for (const seed of seeds) {
  test(`a device lives through seed ${seed} (EDGE_SEED=${seed} plays it again)`, { timeout: 120_000 }, async () => {
    await playScenario(seed, steps);
  });
}
