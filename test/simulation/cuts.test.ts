import assert from "node:assert/strict";
import { test } from "node:test";
import { playCuts } from "./cuts.ts";

const seed = Number(process.env["EDGE_SEED"] ?? 1);
const count = Number(process.env["EDGE_CUTS"] ?? 25);

test(`${count} cuts at any byte lose, double and reorder nothing (EDGE_SEED=${seed})`, async (t) => {
  const began = performance.now();
  const { verdict, sent, unanswered, cuts, finalPods } = await playCuts(seed, count);
  const { lost, doubled, reordered, repeats, replies } = verdict;
  const seconds = Math.round((performance.now() - began) / 1_000);
  t.diagnostic(`${JSON.stringify(cuts)}; ${sent} sent, ${replies} replies, ${repeats} repeats, ${seconds} s`);
  assert.deepEqual([unanswered, lost, doubled, reordered], [0, [], [], []]);
  assert.equal(replies, sent);
  assert.deepEqual(finalPods, ["a", "b", "c", "d", "e"]);
});
