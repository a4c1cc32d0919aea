import assert from "node:assert/strict";
import { test } from "node:test";
import { playWords } from "./words.ts";

/** EDGE_SECONDS makes a soak of it, from the seed EDGE_SEED on. */
const seconds = Number(process.env["EDGE_SECONDS"] ?? 0);
const firstSeed = Number(process.env["EDGE_SEED"] ?? 1);
const rounds = 60;

test("special words at every place of a message neither end the agent nor park a pod", async (t) => {
  const until = performance.now() + seconds * 1000;
  let seed = firstSeed;
  const sum = { sent: 0, accepted: 0, ran: 0 };
  do {
    const { sent, accepted, ran } = await playWords(seed, rounds);
    sum.sent += sent;
    sum.accepted += accepted;
    sum.ran += ran;
    seed += 1;
  } while (seed < firstSeed + 3 || performance.now() < until);
  t.diagnostic(`${seed - firstSeed} seeds from ${firstSeed}: ${sum.sent} messages, ${sum.accepted} accepted`);
  assert.ok(sum.accepted > sum.sent / 10, "many of them are legal");
  assert.ok(sum.ran > 0, "pods run");
});
