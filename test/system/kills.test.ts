import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { createSite } from "./harness.ts";
import { playKills } from "./kills.ts";

const seed = Number(process.env["EDGE_SEED"] ?? 1);
const kills = Number(process.env["EDGE_KILLS"] ?? 8);

test(`${kills} kills of the agent lose, duplicate, orphan and change no container (EDGE_SEED=${seed})`, async (t) => {
  const site = createSite(sharedEngine(), { program: "executable", policy: { maxContainerNumber: 64 } });
  t.after(() => site.close());
  await site.startCenter();
  await site.startAgent();
  await site.online();
  const began = performance.now();
  const { counts, doubled, orphans, touched } = await playKills(site, { seed, kills });
  t.diagnostic(`${JSON.stringify(counts)}, ${Math.round((performance.now() - began) / 1000)} s`);
  assert.deepEqual({ doubled, orphans, touched }, { doubled: [], orphans: [], touched: [] });
});
