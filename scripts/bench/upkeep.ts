// What the agent takes while nothing happens, and when it is started again with many pods.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import SqliteDatabase from "better-sqlite3";
import { call } from "./bare.ts";
import { bareBurst } from "./bursts.ts";
import { podsIn } from "./center.ts";
import type { BenchDevice } from "./device.ts";
import { bytesWritten, memoryOf } from "./process-weight.ts";
import { atMost, type Row, rowOf } from "./report.ts";

const settledMs = 35_000;
/** A port on which no center listens. */
const nobody = 9;

/** Milliseconds of commits that are on disk when they return, on the file system of the data folder. */
export function fullCommits(folder: string, count: number): readonly number[] {
  const dir = mkdtempSync(join(folder, "commits-"));
  const db = new SqliteDatabase(join(dir, "bare.db"));
  try {
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.exec("CREATE TABLE rows (text TEXT)");
    const insert = db.prepare("INSERT INTO rows VALUES (?)");
    return Array.from({ length: count }, () => {
      const began = performance.now();
      insert.run("x".repeat(2_000));
      return performance.now() - began;
    });
  } finally {
    db.close();
    rmSync(dir, { recursive: true });
  }
}

/** What it takes while nothing happens, with so many pods. */
export async function quietRows(device: BenchDevice, count: number, quietMs: number): Promise<readonly Row[]> {
  const pods = device.pods(count);
  await device.run(pods);
  await sleep(settledMs);
  const processor = device.processorMs();
  const written = bytesWritten(device.pid());
  await sleep(quietMs);
  const share = ((device.processorMs() - processor) / quietMs) * 100;
  const daily = ((bytesWritten(device.pid()) - written) * 86_400_000) / quietMs / 1e6;
  const { pss, anonymous } = memoryOf(device.pid());
  const own = (what: string, value: number, unit: Row["unit"], most: number | null): Row =>
    rowOf(`${count} pods, nothing changes: ${what}`, [value], {
      beside: "",
      theirs: null,
      unit,
      target: most === null ? null : { words: `≤ ${most} ${unit}`, isMet: ({ ours }) => ours.median <= most },
    });
  const rows = [
    own("processor time", share, "%", count === 100 ? 0.3 : null),
    own("Pss", pss, "MiB", count === 20 ? 55 : null),
    own("anonymous memory", anonymous, "MiB", count === 20 ? 18 : null),
    own("written", daily, "MB a day", 2),
  ];
  if (count === 100) rows.push(await restartRow(device, count));
  await device.remove(pods);
  return rows;
}

/** The agent is ended, and started again with all its pods running. */
async function restartRow(device: BenchDevice, count: number): Promise<Row> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    await device.site.end("agent", "SIGTERM");
    const reported = device.center.heard(
      (message) => podsIn(message).filter(({ status }) => status.phase === "Running").length >= count,
      "the first right report",
    );
    const began = performance.now();
    await device.start();
    ours.push((await reported) - began);
    const bare = performance.now();
    spawnSync(device.site.program, ["--version"]);
    await call(device.socket, "GET", "/containers/json?all=true");
    theirs.push(performance.now() - bare);
    await sleep(2_000);
  }
  return rowOf(`restart of the agent with ${count} pods → first right report`, ours, {
    beside: "`edge --version` and one list",
    theirs,
    unit: "ms",
    target: {
      words: "+ 300 ms",
      isMet: (row) => row.theirs !== null && row.ours.median <= row.theirs.median + 300,
    },
  });
}

/** The agent and all containers die as in a power cut; it starts without a center, and runs them again. */
export async function powerCutRow(device: BenchDevice, count: number, rounds: number): Promise<Row> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const pods = device.pods(count);
    await device.run(pods);
    await sleep(settledMs / 10);
    await device.site.end("agent", "SIGKILL");
    for (const { Id } of await device.docker.listContainers()) await device.docker.getContainer(Id).kill();
    await sleep(1_000);
    const began = performance.now();
    device.site.startAgent(nobody);
    const starts = pods.map(({ metadata }) => device.events.at(`start ${metadata.uid}/app`, began));
    ours.push(Math.max(...(await Promise.all(starts))) - began);
    await device.site.end("agent", "SIGTERM");
    await device.start();
    await device.remove(pods);
    theirs.push(await bareBurst(device, count));
  }
  return rowOf(`power cut without a center → the last of ${count} pods runs`, ours, {
    beside: "bare calls, 2 at a time",
    theirs,
    unit: "ms",
    target: atMost(1.1),
  });
}

/** `edge status` beside an empty Node, in turns: each file in the page cache, and dropped from it before each call. */
export function statusRows(device: BenchDevice, rounds: number): readonly Row[] {
  const timed = (program: string, ...args: readonly string[]): number => {
    const began = performance.now();
    const { status } = spawnSync(program, args, { stdio: "ignore" });
    if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}`);
    return performance.now() - began;
  };
  // Copies: what a process maps does not leave the page cache, and the agent runs, as does this Node.
  const folder = mkdtempSync(join(device.site.place.data, "..", "programs-"));
  const copyOf = (program: string, name: string): string => {
    copyFileSync(program, join(folder, name));
    return join(folder, name);
  };
  const [edge, node] = [copyOf(device.site.program, "edge"), copyOf(process.execPath, "node")];
  const row = (where: string, prepare: (program: string) => void): Row => {
    const pairs = Array.from({ length: rounds }, () => {
      prepare(edge);
      const ours = timed(edge, "status", "--config", device.site.place.config);
      prepare(node);
      return { ours, theirs: timed(node, "-e", "0") };
    });
    return rowOf(
      `\`edge status\`, ${where}`,
      pairs.map(({ ours }) => ours),
      { beside: "`node -e 0`", theirs: pairs.map(({ theirs }) => theirs), unit: "ms", target: atMost(1.3) },
    );
  };
  return [row("in the page cache", () => {}), row("from the disk", dropFromCache)];
}

/** Writes it out first: what is not on the disk yet cannot leave the page cache. */
function dropFromCache(file: string): void {
  const args = [`of=${file}`, "oflag=nocache", "conv=notrunc,fdatasync", "count=0"];
  const { status } = spawnSync("dd", args, { stdio: "ignore" });
  if (status !== 0) throw new Error(`dd ended with ${status}`);
}
