// `node scripts/bench/backlog.ts [--messages N] [--bytes B] [--rounds R]`: how long a backlog takes from the store of a device
// to a center over TLS, against a bare socket that sends as many messages of the same size in the same run; what it costs
// the device in memory, and how long a status that changes meanwhile waits. Device and center are processes of their own.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { listen } from "../../src/center/server.ts";
import type { Store } from "../../src/ports/store.ts";
import { openStore } from "../../src/sqlite/store.ts";
import { backlogText, type Drained, drain, pump, type Way } from "../../test/simulation/link/backlog-device.ts";
import { writeCertificates } from "../certificates.ts";
import { debianPackages, install } from "../installer.ts";
import { table } from "../table.ts";
import { figuresOf } from "./figures.ts";

interface Memory {
  readonly rss: number;
  readonly heap: number;
}

/** What a device says at its end. */
interface Told extends Drained {
  readonly before: Memory;
  readonly peak: Memory;
  readonly after: Memory;
}

const sampleEveryMs = 10;
const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "10000" },
    bytes: { type: "string", default: "1000" },
    rounds: { type: "string", default: "5" },
    device: { type: "string" },
    port: { type: "string", default: "0" },
    certificates: { type: "string", default: "" },
    store: { type: "string", default: "" },
  },
});
const messages = Number(values.messages);
const bytes = Number(values.bytes);

const texts = (): readonly string[] => Array.from({ length: messages }, (_, n) => backlogText(n, bytes));

function wayOf(port: number, folder: string): Way {
  const pem = (name: string): Buffer => readFileSync(join(folder, `${name}.pem`));
  return { port, tls: { ca: pem("ca"), cert: pem("node"), key: pem("node-key") } };
}

function memory(): Memory {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external };
}

/** Runs the work and says what memory it took at most. */
async function watched(work: () => Promise<Drained>): Promise<Told> {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  collectGarbage();
  const before = memory();
  let peak = before;
  const samples = setInterval(() => {
    const { rss, heap } = memory();
    peak = { rss: Math.max(peak.rss, rss), heap: Math.max(peak.heap, heap) };
  }, sampleEveryMs);
  const drained = await work();
  clearInterval(samples);
  collectGarbage();
  return { ...drained, before, peak, after: memory() };
}

/** A data folder in whose outbox all of it waits. */
function filledStore(): string {
  const dir = mkdtempSync(join(tmpdir(), "edge-backlog-"));
  const store = storeIn(dir);
  store.transaction("normal", () => {
    for (const text of texts()) store.outbox.append("record", text);
  });
  store.close();
  return dir;
}

function storeIn(dir: string): Store {
  const opened = openStore({ dir });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.store;
}

async function asDevice(way: Way, dir: string): Promise<Told> {
  const store = storeIn(dir);
  try {
    return await watched(() => drain(way, store));
  } finally {
    store.close();
    rmSync(dir, { recursive: true });
  }
}

/** A device in a process of its own, and what it says at its end. */
async function told(device: "drain" | "pump", port: number, folder: string): Promise<Told> {
  const what = ["--messages", String(messages), "--bytes", String(bytes)];
  const child = fork(import.meta.filename, [
    ...["--device", device, "--port", String(port), "--certificates", folder],
    ...(device === "drain" ? ["--store", filledStore()] : []),
    ...what,
  ]);
  const [answer] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`The device ended with ${code}`))),
  ])) as [Told];
  if (child.exitCode === null) await once(child, "exit");
  return answer;
}

const mib = (value: number): string => `${(value / 1024 ** 2).toFixed(1)} MiB`;

async function measure(): Promise<void> {
  install([debianPackages(["certificates"])], (line) => console.error(line));
  const folder = mkdtempSync(join(tmpdir(), "edge-backlog-"));
  writeCertificates(folder);
  const pem = (name: string): Buffer => readFileSync(join(folder, `${name}.pem`));
  const records: string[] = [];
  const statusWaits: number[] = [];
  const handlers = {
    connected: () => {},
    disconnected: () => {},
    message(_: string, text: string) {
      const { route, content } = JSON.parse(text);
      if (route.resource !== "websocket/podstatus") records.push(route.resource);
      else if (records.length < messages) statusWaits.push(Date.now() - content[0].status.at);
    },
  };
  const tls = { ca: pem("ca"), cert: pem("cert"), key: pem("key") };
  const center = await listen({ host: "127.0.0.1", port: 0, tls }, handlers);
  const drains: Told[] = [];
  const pumps: Told[] = [];
  try {
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const [how, results] of [["drain", drains] as const, ["pump", pumps] as const]) {
        records.length = 0;
        const waits = statusWaits.length;
        results.push(await told(how, center.port, folder));
        if (how === "drain" && statusWaits.length === waits) throw new Error("No status passed the backlog");
        const inOrder = records.every((resource, n) => resource === `record/${n}`);
        if (!inOrder || records.length !== messages) throw new Error(`${records.length} arrived, in order: ${inOrder}`);
      }
    }
  } finally {
    await center.close();
    rmSync(folder, { recursive: true });
  }
  const drained = figuresOf(drains.map(({ ms }) => ms));
  const pumped = figuresOf(pumps.map(({ ms }) => ms));
  const most = (of: (one: Told) => number): string => mib(Math.max(...drains.map(of)));
  const three = (of: (one: Memory) => number): string =>
    `${most(({ before }) => of(before))}, ${most(({ peak }) => of(peak))}, ${most(({ after }) => of(after))}`;
  console.log(
    table(
      [`${messages} messages of ${bytes} bytes, ${values.rounds} times, medians`, ""],
      [
        ["drained, in order", `${drained.median.toFixed(0)} ms`],
        [
          "a bare socket",
          `${pumped.median.toFixed(0)} ms; the device takes ${(drained.median / pumped.median).toFixed(1)} times as long`,
        ],
        [
          "a status that changes meanwhile is there after",
          `${Math.max(...statusWaits)} ms at most, of ${statusWaits.length}`,
        ],
        ["rss before, peak, after", three(({ rss }) => rss)],
        ["heap and buffers before, peak, after", three(({ heap }) => heap)],
      ],
    ),
  );
  console.log("\nMeasured with: sh scripts/node.sh node scripts/bench/backlog.ts");
}

if (values.device === undefined) await measure();
else {
  const way = wayOf(Number(values.port), values.certificates);
  const answer = await (values.device === "pump" ? watched(() => pump(way, texts())) : asDevice(way, values.store));
  process.send?.(answer, () => process.disconnect());
}
