import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { checkApplies, findPlanted, type Planted, plant, plantedBugs } from "./planted.ts";

/** Found within a few lives; all of them: `npm run sim:planted`. */
const quick = ["repeat-applied", "readiness-lost", "released-early"] as const;

function named(name: string): Planted {
  return plantedBugs().find((one) => one.name === name) ?? assert.fail(`There is a bug ${name}`);
}

test("every planted patch applies to the code", () => {
  const bugs = plantedBugs();
  assert.ok(bugs.length >= 20, `${bugs.length} bugs`);
  for (const bug of bugs) assert.doesNotThrow(() => checkApplies(bug), `test/simulation/planted/${bug.name}.patch`);
});

for (const name of quick) {
  test(`the simulation finds ${name}`, { timeout: 200_000 }, async () => {
    const { lives, failure } = await findPlanted(named(name), { steps: 200, most: 10 });
    assert.notEqual(lives, null);
    assert.match(failure, /^\d+: /);
  });
}

test("a life that fails without the planted bug too does not count as found", { timeout: 200_000 }, async (t) => {
  const root = plant(resolve(import.meta.dirname, "../../.."), named("released-early"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const hunt = findPlanted(named("history-doubled"), { steps: 200, most: 10, root });
  await assert.rejects(hunt, /Life \d+ fails without the planted bug, too: /);
});
