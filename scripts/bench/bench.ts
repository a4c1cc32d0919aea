// `npm run bench`: the executable that is given out, beside the bare engine and its peers, in turns on one private engine.
// Writes the figures and plots below docs/bench, and the table of docs/benchmarks.md between its markers.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { executableFile } from "../executable.ts";
import { closeOnSignal, sharedEngine } from "../private-engine.ts";
import { table } from "../table.ts";
import { burstRows, type Counted, countCalls, type Growth, measureGrowth } from "./bursts.ts";
import { openDevice } from "./device.ts";
import { figuresOf } from "./figures.ts";
import { onEngine, podmanVariable } from "./on-engine.ts";
import { plot } from "./plot.ts";
import { type Row, tableHead, tableRow } from "./report.ts";
import { updateRows } from "./updates.ts";
import { powerCutRow, quietRows, statusRows } from "./upkeep.ts";

const page = "docs/benchmarks.md";
const folder = "docs/bench";
const begin = "<!-- bench: begin, written by npm run bench -->";
const end = "<!-- bench: end -->";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    bursts: { type: "string", default: "3" },
    sizes: { type: "string", default: "1,20,60,120" },
    quiet: { type: "string", default: "20,100" },
    seconds: { type: "string", default: "60" },
  },
});

interface Measured {
  readonly machine: string;
  readonly commit: string;
  readonly rows: readonly Row[];
  readonly growth: readonly Growth[];
  readonly counted: readonly Counted[];
}

async function measure(): Promise<Measured> {
  const load = loadavg()[0]?.toFixed(1);
  const device = await openDevice(sharedEngine());
  closeOnSignal(device.close);
  const say = (words: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${words}`);
  try {
    await device.start();
    say("updates");
    const rows: Row[] = [
      ...(await updateRows(device, Number(values.rounds), { podman: process.env[podmanVariable] ?? "" })),
    ];
    const sizes = values.sizes.split(",").map(Number);
    say("bursts");
    const growth = await measureGrowth(device, sizes, Number(values.bursts));
    rows.push(...burstRows(growth));
    say("power cuts");
    rows.push(await powerCutRow(device, 20, Number(values.bursts)));
    for (const pods of values.quiet.split(",").map(Number)) {
      say(`${pods} pods, nothing changes`);
      rows.push(...(await quietRows(device, pods, Number(values.seconds) * 1_000)));
    }
    say("edge status");
    rows.push(...statusRows(device, 21));
    await device.close();
    say("calls");
    const counted = await countCalls(sizes);
    const { ServerVersion, Architecture } = (await device.docker.info()) as Readonly<Record<string, string>>;
    const machine = `${Architecture}, ${cpus().length} cores, Docker ${ServerVersion}, Node ${process.version}, load before ${load}`;
    const commit = spawnSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).stdout.trim();
    return { machine, commit, rows, growth, counted };
  } finally {
    await device.close();
  }
}

/** The medians of each size, by size. */
function plots({ growth, counted }: Measured): Readonly<Record<string, string>> {
  const sizes = [...new Set(growth.map(({ pods }) => pods))].sort((a, b) => a - b);
  const line = (name: string, of: (one: Growth) => number) => ({
    name,
    points: sizes.map((size) => ({
      x: size,
      y: figuresOf(growth.filter(({ pods }) => pods === size).map(of)).median,
    })),
  });
  const pods = "pods at once";
  return {
    time: plot("Until the last container has started", pods, "seconds", [
      line("edge", ({ ms }) => ms / 1000),
      line("bare calls, 2 at a time", ({ bareMs }) => bareMs / 1000),
    ]),
    processor: plot("Processor time of the agent for a pod", pods, "ms", [
      line("edge", (one) => one.processorMs / one.pods),
    ]),
    memory: plot("Memory of the agent when they run", pods, "MiB", [
      line("Pss", ({ pssMiB }) => pssMiB),
      line("anonymous", ({ anonymousMiB }) => anonymousMiB),
    ]),
    lists: plot("Lists that the agent asks the engine for", pods, "lists", [
      { name: "lists", points: counted.map(({ pods, lists }) => ({ x: pods, y: lists })) },
    ]),
  };
}

function write(measured: Measured): void {
  const { machine, commit, rows, counted } = measured;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/figures.json`, `${JSON.stringify(measured, null, 2)}\n`);
  for (const [name, svg] of Object.entries(plots(measured))) writeFileSync(`${folder}/${name}.svg`, svg);
  const shown = table(tableHead, rows.map(tableRow));
  const images = Object.keys(plots(measured)).map((name) => `![${name}](bench/${name}.svg)`);
  const calls = table(
    ["pods at once", "lists", "calls of the engine", "calls a pod"],
    counted.map(({ pods, lists, calls }) => [String(pods), String(lists), String(calls), (calls / pods).toFixed(1)]),
  );
  const body = [begin, "", `Commit ${commit}; ${machine}.`, "", shown, "", calls, "", ...images, "", end].join("\n");
  const text = readFileSync(page, "utf8");
  const [before, after] = [text.indexOf(begin), text.indexOf(end)];
  if (before < 0 || after < before) throw new Error(`${page} has no markers for the table`);
  writeFileSync(page, text.slice(0, before) + body + text.slice(after + end.length));
  console.log(`${shown}\n\nMeasured with: npm run bench. Written: ${page}, ${folder}`);
}

if (process.env.EDGE_TEST_SOCKET === undefined) {
  const file = executableFile(process.arch === "arm64" ? "arm64" : "x64");
  if (!existsSync(file)) throw new Error(`There is no ${file}: run npm run build before`);
  await onEngine(import.meta.filename, process.argv.slice(2), { rivals: true });
} else write(await measure());
