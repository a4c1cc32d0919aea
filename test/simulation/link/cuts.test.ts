import assert from "node:assert/strict";
import { test } from "node:test";
import { playCuts } from "./cuts.ts";

const seed = Number(process.env["EDGE_SEED"] ?? 1);
const count = Number(process.env["EDGE_CUTS"] ?? 25);
const mostBytes = Number(process.env["EDGE_BYTES"] ?? 50_000);
/** Fewer show nothing: a line that lets nothing through neither loses nor doubles it. */
const leastThrough = Math.floor((count * mostBytes) / 100_000);

test(`${count} lost connections at any byte lose, duplicate and reorder no reply (EDGE_SEED=${seed})`, async (t) => {
  const began = performance.now();
  const { verdict, sent, through, unanswered, cuts, finalPods } = await playCuts(seed, count, mostBytes);
  const { lost, doubled, reordered, repeats, replies } = verdict;
  const seconds = Math.round((performance.now() - began) / 1_000);
  t.diagnostic(
    `${JSON.stringify(cuts)}; ${sent} sent, ${through} while it was cut, ${replies} replies, ${repeats} repeats, ${seconds} s`,
  );
  assert.deepEqual([unanswered, lost, doubled, reordered], [0, [], [], []]);
  assert.equal(replies, sent);
  assert.ok(through >= leastThrough, `${through} messages got through, ${leastThrough} are the least`);
  assert.deepEqual(finalPods, ["a", "b", "c", "d", "e"]);
});
