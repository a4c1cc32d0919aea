import { playScenario } from "./scenario.ts";

/** Plays seeds FROM to TO, STEPS steps each: `node test/simulation/many-child.ts FROM TO STEPS`. */
const [from = 1, to = 20, steps = 60] = process.argv.slice(2).map(Number);
let failed = 0;
for (let seed = from; seed <= to; seed += 1) {
  try {
    await playScenario(seed, steps);
  } catch (error) {
    failed += 1;
    console.log((error as Error).message);
    if (failed >= 3) break;
  }
}
console.log(`${to - from + 1} seeds, ${failed} failed`);
