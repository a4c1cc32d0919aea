// `npm run sim:planted [-- NAME...] [--most N]`: puts each bug of planted/ into a copy of the tree, and says how many lives
// of 200 steps it took to find it. A life that fails without the bug, too, is refused.
import { parseArgs } from "node:util";
import { type Found, findPlanted, type Planted, plantedBugs } from "./planted.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { most: { type: "string", default: "1000" } },
});
const bugs = plantedBugs().filter(({ name }) => positionals.length === 0 || positionals.includes(name));

async function find(bug: Planted): Promise<Found> {
  try {
    return await findPlanted(bug, { steps: 200, most: Number(values.most) });
  } catch (error) {
    return { lives: null, failure: error instanceof Error ? error.message : String(error) };
  }
}

let missed = 0;
console.log("| bug | lives | found by |\n| --- | ---: | --- |");
for (const bug of bugs) {
  const { lives, failure } = await find(bug);
  if (lives === null) missed += 1;
  console.log(`| ${bug.title} (\`${bug.name}\`) | ${lives ?? "not found"} | ${failure.slice(0, 160)} |`);
}
console.log(`\n${bugs.length - missed} of ${bugs.length} found`);
process.exitCode = missed === 0 ? 0 : 1;
