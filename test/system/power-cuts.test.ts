import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { mountExt4Disk } from "../../scripts/ext4-disk.ts";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { bareAgent } from "./bare-agent.ts";
import { assertShows, playPowerCuts } from "./power-cuts.ts";

const seed = Number(process.env["EDGE_SEED"] ?? 1);
const cuts = Number(process.env["EDGE_CUTS"] ?? 4);
const skip = process.getuid?.() === 0 ? false : "needs root";

test(`${cuts} power cuts of the disk lose no acknowledged message and leave the database intact (EDGE_SEED=${seed})`, {
  skip,
}, async (t) => {
  const { socket, folder } = sharedEngine();
  const own = join(folder, `power-${process.pid}`);
  mkdirSync(own);
  const disk = mountExt4Disk(own, 96);
  const agent = await bareAgent({ socket, dataDir: join(disk.folder, "data") });
  t.after(async () => {
    await agent.close();
    await disk.unmount();
  });
  const began = performance.now();
  const result = await playPowerCuts(agent, disk, { seed, cuts });
  const { sent, acknowledged, refused, damaged, lost } = result;
  t.diagnostic(
    `${sent} sent, ${acknowledged} acknowledged, ${refused} refused, ${Math.round((performance.now() - began) / 1000)} s`,
  );
  assert.deepEqual({ damaged, lost }, { damaged: [], lost: [] });
  assertShows(result, cuts);
  assert.doesNotMatch(agent.log(), /The store is damaged/);
});
