import assert from "node:assert/strict";
import { test } from "node:test";
import { checkApplies, findPlanted, plantedBugs } from "./planted.ts";

/** Found within a few lives; all of them: `npm run sim:planted`. */
const quick = ["repeat-applied", "readiness-lost", "released-early"] as const;

test("every planted bug still fits the code", () => {
  const bugs = plantedBugs();
  assert.ok(bugs.length >= 20, `${bugs.length} bugs`);
  for (const bug of bugs) assert.doesNotThrow(() => checkApplies(bug), `test/simulation/planted/${bug.name}.patch`);
});

for (const name of quick) {
  test(`the simulation finds ${name}`, { timeout: 200_000 }, async () => {
    const bug = plantedBugs().find((one) => one.name === name);
    assert.ok(bug !== undefined);
    const { lives, failure } = await findPlanted(bug, { steps: 200, most: 10 });
    assert.notEqual(lives, null);
    assert.match(failure, /^\d+: /);
  });
}
