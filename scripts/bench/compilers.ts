// `node scripts/bench/compilers.ts [--rounds R]`: the executable without V8's compilers, with the smallest of them, and with
// all, in turns on one engine: the processor time and memory that each takes for the work of a device.
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { bundleScript } from "../bundle.ts";
import { agentOptions, type compilerOptions, makeExecutable } from "../executable.ts";
import { closeOnSignal, sharedEngine } from "../private-engine.ts";
import { table } from "../table.ts";
import { podFor } from "./bare.ts";
import { messageFor } from "./center.ts";
import { type BenchDevice, openDevice } from "./device.ts";
import { figuresOf } from "./figures.ts";
import { onEngine } from "./on-engine.ts";
import { memoryOf } from "./process-weight.ts";

type Variant = keyof typeof compilerOptions;

const variants: readonly Variant[] = ["none", "baseline", "all"];
const pods = 20;
const deaths = 40;
const flood = 500;
const idleMs = 10_000;
const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
const rounds = Number(values.rounds);

const fileOf = (variant: Variant): string => `dist/bench/edge-${variant}`;

async function build(): Promise<void> {
  mkdirSync("dist/bench", { recursive: true });
  const script = "dist/bench/edge.cjs";
  for (const variant of variants) {
    if (existsSync(fileOf(variant))) continue;
    await bundleScript(script, agentOptions(variant));
    await makeExecutable(process.arch === "arm64" ? "arm64" : "x64", script, fileOf(variant));
  }
}

/** Milliseconds, or MiB, by what was done. */
type Sample = Map<string, number>;

/** What one life of the agent takes, from its start on. */
async function life(device: BenchDevice): Promise<Sample> {
  const sample: Sample = new Map();
  const timed = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const processor = device.processorMs();
    const began = performance.now();
    await work();
    sample.set(`${what}: ms`, performance.now() - began);
    sample.set(`${what}: processor ms`, device.processorMs() - processor);
  };
  const weighed = (when: string): void => {
    const { pss, anonymous } = memoryOf(device.pid());
    sample.set(`${when}: Pss MiB`, pss);
    sample.set(`${when}: anonymous MiB`, anonymous);
  };
  const began = performance.now();
  await device.start();
  sample.set("start until connected: ms", performance.now() - began);
  sample.set("start until connected: processor ms", device.processorMs());
  await sleep(idleMs);
  weighed("idle, no pod");
  const burst = device.pods(pods);
  await timed(`${pods} pods at once`, () => device.run(burst));
  await sleep(idleMs);
  weighed(`${pods} pods, idle`);
  await timed(`${deaths} deaths of containers`, () => crash(device));
  await timed(`${flood} messages at once`, () => send(device, Array.from({ length: flood }, nonsense)));
  await timed("a message of 1 MB", () => send(device, [largest()]));
  weighed("after all of it");
  await sleep(idleMs);
  weighed("after all of it, idle");
  await device.remove(burst);
  await device.site.end("agent", "SIGTERM");
  return sample;
}

/** Every container is killed, and waited for until it is back: the first restart comes at once, the second after 10 s. */
async function crash({ docker }: BenchDevice): Promise<void> {
  for (let killed = 0; killed < deaths; killed += pods) {
    await Promise.all((await docker.listContainers()).map(({ Id }) => docker.getContainer(Id).kill()));
    await until(async () => (await docker.listContainers()).length === pods);
    // So that the next death counts as one more.
    await sleep(1_000);
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(200);
}

async function send({ center }: BenchDevice, texts: readonly ReturnType<typeof messageFor>[]): Promise<void> {
  const replies = texts.map(({ isReply }) => center.heard(isReply, "a reply"));
  for (const { text } of texts) center.send(text);
  await Promise.all(replies);
}

/** A message that every rule is asked about, and that is refused. */
function nonsense() {
  const { metadata, spec } = podFor(randomUUID());
  return messageFor("update", { metadata, spec: { ...spec, restartPolicy: "Sometimes" } } as object as typeof spec & {
    readonly metadata: typeof metadata;
  });
}

function largest() {
  const { metadata, spec } = podFor(randomUUID());
  const env = Array.from({ length: 256 }, (_, index) => ({ name: `VARIABLE_${index}`, value: "v".repeat(360) }));
  const [first] = spec.containers;
  const containers = Array.from({ length: 10 }, (_, index) => ({ ...first, name: `app-${index}`, env }));
  const refused = { metadata, spec: { ...spec, containers, restartPolicy: "Sometimes" } };
  return messageFor("update", refused);
}

async function inside(): Promise<void> {
  const engine = sharedEngine();
  const samples = new Map<Variant, Sample[]>(variants.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const variant of variants) {
      const folder = join(engine.folder, `${variant}-${round}`);
      mkdirSync(folder);
      const device = await openDevice({ ...engine, folder }, fileOf(variant));
      closeOnSignal(device.close);
      try {
        samples.get(variant)?.push(await life(device));
      } finally {
        await device.close();
      }
      console.error(`round ${round + 1}, ${variant}`);
    }
  }
  const [first] = samples.get("none") ?? [];
  const rows = [...(first?.keys() ?? [])].map((what) => [
    what,
    ...variants.map((variant) => {
      const { median, least, most } = figuresOf((samples.get(variant) ?? []).map((one) => one.get(what) ?? Number.NaN));
      const digits = what.endsWith("MiB") ? 1 : 0;
      return `${median.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
    }),
  ]);
  console.log(table([`median of ${rounds} (least to most)`, ...variants], rows));
  writeFileSync("dist/bench/compilers.json", JSON.stringify([...samples].map(([k, v]) => [k, v.map((m) => [...m])])));
  console.log("\nMeasured with: sh scripts/node.sh node scripts/bench/compilers.ts");
}

if (process.env.EDGE_TEST_SOCKET === undefined) {
  await build();
  await onEngine(import.meta.filename, ["--rounds", values.rounds]);
} else await inside();
