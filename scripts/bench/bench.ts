// `npm run bench`: the executable that is given out, beside the bare engine and its peers, in turns on one private engine.
// Writes the figures and plots below docs/bench, and the table of docs/benchmarks.md between its markers.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { executableFile } from "../executable.ts";
import { closeOnSignal, sharedEngine } from "../private-engine.ts";
import { table } from "../table.ts";
import { burstRows, type Growth, measureGrowth } from "./bursts.ts";
import { openDevice } from "./device.ts";
import { figuresOf } from "./figures.ts";
import { onEngine } from "./on-engine.ts";
import { plot } from "./plot.ts";
import { type Row, tableHead, tableRow } from "./report.ts";
import { updateRows } from "./updates.ts";
import { quietRows, statusRow } from "./upkeep.ts";

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
}

function has(program: string): boolean {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
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
      ...(await updateRows(device, Number(values.rounds), ["docker", "docker-compose"].filter(has))),
    ];
    say("bursts");
    const growth = await measureGrowth(device, values.sizes.split(",").map(Number), Number(values.bursts));
    rows.push(...burstRows(growth));
    for (const pods of values.quiet.split(",").map(Number)) {
      say(`${pods} pods, nothing changes`);
      rows.push(...(await quietRows(device, pods, Number(values.seconds) * 1_000)));
    }
    rows.push(statusRow(device, 21));
    const { ServerVersion, Architecture } = (await device.docker.info()) as Readonly<Record<string, string>>;
    const machine = `${Architecture}, ${cpus().length} cores, Docker ${ServerVersion}, Node ${process.version}, load before ${load}`;
    const commit = spawnSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).stdout.trim();
    return { machine, commit, rows, growth };
  } finally {
    await device.close();
  }
}

/** The medians of each size, by size. */
function plots(growth: readonly Growth[]): Readonly<Record<string, string>> {
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
  };
}

function write({ machine, commit, rows, growth }: Measured): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/figures.json`, `${JSON.stringify({ machine, commit, rows, growth }, null, 2)}\n`);
  for (const [name, svg] of Object.entries(plots(growth))) writeFileSync(`${folder}/${name}.svg`, svg);
  const shown = table(tableHead, rows.map(tableRow));
  const images = Object.keys(plots(growth)).map((name) => `![${name}](bench/${name}.svg)`);
  const body = [begin, "", `Commit ${commit}; ${machine}.`, "", shown, "", ...images, "", end].join("\n");
  const text = readFileSync(page, "utf8");
  const [before, after] = [text.indexOf(begin), text.indexOf(end)];
  if (before < 0 || after < before) throw new Error(`${page} has no markers for the table`);
  writeFileSync(page, text.slice(0, before) + body + text.slice(after + end.length));
  console.log(`${shown}\n\nMeasured with: npm run bench. Written: ${page}, ${folder}`);
}

if (process.env.EDGE_TEST_SOCKET === undefined) {
  const file = executableFile(process.arch === "arm64" ? "arm64" : "x64");
  if (!existsSync(file)) throw new Error(`There is no ${file}: run npm run build before`);
  await onEngine(import.meta.filename, process.argv.slice(2));
} else write(await measure());
