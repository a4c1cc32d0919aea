import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { mountExt4Disk } from "../../scripts/ext4-disk.ts";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { configMapUpdate, podUpdate } from "../samples/messages.ts";
import { createSite, type Site } from "./harness.ts";
import { agrees, politePod, type Wanted } from "./random-events.ts";

const seconds = Number(process.env["EDGE_SECONDS"] ?? 8);
const skip = process.getuid?.() === 0 ? false : "needs root";
const daySeconds = 86_400;

/** What a device may write in a day on which nothing happens. */
const idleBytesADay = 2_000_000;

/** A look at a device for moments only: a write that comes once in a while may fall into it. */
const onceBytes = 65_536;

const pods = ["pod-1", "pod-2", "pod-3", "pod-4"];

/** Every pod is changed once in so many seconds. */
const changeSeconds = Math.min(10, seconds);

async function put(site: Site, wanted: Wanted, version: number, name: string): Promise<void> {
  const uid = wanted.get(name)?.uid ?? randomUUID();
  const { content } = await site.ask(podUpdate(politePod(site, { name, uid, version, msgId: randomUUID() })));
  assert.equal(content, "OK");
  wanted.set(name, { uid, version });
}

/** A signal that changes nothing is an event for which the agent looks at the pod again, as it does every 30 s. */
async function looks(site: Site): Promise<void> {
  for (let times = 0; times < 4; times += 1) {
    for (const { Id } of await site.containers()) await site.docker.getContainer(Id).kill({ signal: "SIGWINCH" });
    await sleep(500);
  }
}

/** When each file and folder was last written, or its mode, owner or name changed. */
function changeTimes(folder: string): ReadonlyMap<string, bigint> {
  const names = ["", ...readdirSync(folder, { recursive: true, encoding: "utf8" })];
  return new Map(names.map((name) => [name, lstatSync(join(folder, name), { bigint: true }).ctimeNs]));
}

test(`an idle device writes at most 2 MB a day to its disk, by the disk's counter (${seconds} s)`, {
  skip,
}, async (t) => {
  const { socket, folder, command } = sharedEngine();
  const own = join(folder, `writes-${process.pid}`);
  mkdirSync(own);
  const disk = mountExt4Disk(own, 96);
  const site = createSite({ socket, folder, command }, { program: "executable", dataDir: join(disk.folder, "data") });
  t.after(async () => {
    await site.close();
    await disk.unmount();
  });
  await site.startCenter();
  await site.startAgent();
  await site.online();
  await site.ask(configMapUpdate("settings", randomUUID(), { at: "0" }));
  const wanted: Wanted = new Map();
  for (const name of pods) await put(site, wanted, 1, name);
  await site.eventually("all pods run", () => agrees(site, wanted));
  // What came of the start is on the disk before it is counted.
  await sleep(5_000);
  await site.eventually("the agent looks at every pod and writes nothing, neither content nor mode", async () => {
    const before = changeTimes(site.dataDir);
    await looks(site);
    const changed = [...changeTimes(site.dataDir)].filter(([name, at]) => before.get(name) !== at);
    return changed.length === 0 ? true : undefined;
  });
  const written = async (during: () => Promise<void>): Promise<number> => {
    const before = disk.bytesWritten();
    await during();
    return disk.bytesWritten() - before;
  };
  const idle = await written(() => sleep(seconds * 1_000));
  let version = 1;
  const churn = await written(async () => {
    const end = performance.now() + seconds * 1_000;
    while (performance.now() < end) {
      version += 1;
      for (const name of pods) await put(site, wanted, version, name);
      await sleep(changeSeconds * 1_000);
    }
  });
  const aDay = (bytes: number): string => `${((bytes * daySeconds) / seconds / 1e6).toFixed(2)} MB a day`;
  t.diagnostic(`idle: ${idle} bytes, ${aDay(idle)}; ${version - 1} changes of 4 pods: ${churn} bytes, ${aDay(churn)}`);
  assert.ok(idle <= onceBytes + (idleBytesADay * seconds) / daySeconds, `${idle} bytes in ${seconds} s`);
  assert.ok(churn > 0);
});
