import assert from "node:assert/strict";
import { test } from "node:test";
import { startPrivateEngine } from "../../scripts/private-engine.ts";
import { loadTestImages } from "../../scripts/test-images.ts";
import { createSite } from "./harness.ts";
import { heldBy, playDay, podFolders } from "./random-events.ts";

const seed = Number(process.env["EDGE_SEED"] ?? 1);
const events = Number(process.env["EDGE_EVENTS"] ?? 30);
const pods = Number(process.env["EDGE_PODS"] ?? 6);
const skip = process.getuid?.() === 0 ? false : "needs root";

test(`${events} random events on ${pods} pods leave exactly the desired containers (EDGE_SEED=${seed})`, {
  skip,
}, async (t) => {
  // Of its own, so that all of what it holds is this device's doing.
  const engine = await startPrivateEngine(() => undefined);
  await loadTestImages(engine.socket);
  const site = createSite(engine, { policy: { maxContainerNumber: 64 } });
  t.after(async () => {
    await site.close();
    await engine.close();
  });
  await site.startCenter();
  await site.startAgent();
  await site.online();
  const before = await heldBy(site);
  const began = performance.now();
  const counts = await playDay(site, { seed, events, pods });
  t.diagnostic(`${JSON.stringify(counts)}, ${Math.round((performance.now() - began) / 1000)} s`);
  const { files, ...held } = await heldBy(site);
  const { files: filesBefore, ...heldBefore } = before;
  assert.deepEqual(held, heldBefore);
  assert.ok(files <= filesBefore + 8, `The agent holds ${files} files, at the start it held ${filesBefore}`);
  await site.eventually(
    "no folder of a pod is left",
    () => (podFolders(site).length === 0 ? true : undefined),
    120_000,
  );
});
