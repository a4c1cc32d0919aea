// `npm run sim:planted [-- NAME...]`: puts each bug of planted/ into a copy of the tree, and says how many lives of 200
// steps it took to find it.
import { findPlanted, plantedBugs } from "./planted.ts";

const names = process.argv.slice(2);
const bugs = plantedBugs().filter(({ name }) => names.length === 0 || names.includes(name));
let missed = 0;
console.log("| bug | lives | found by |\n| --- | ---: | --- |");
for (const bug of bugs) {
  const { lives, failure } = await findPlanted(bug, { steps: 200, most: 200 });
  if (lives === null) missed += 1;
  console.log(`| ${bug.title} (\`${bug.name}\`) | ${lives ?? "not found"} | ${failure.slice(0, 100)} |`);
}
console.log(`\n${bugs.length - missed} of ${bugs.length} found`);
process.exitCode = missed === 0 ? 0 : 1;
