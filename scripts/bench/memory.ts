// `npm run bench`, third part: what the agent weighs as this machine's executable, idle and with 20 pods.

import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { closeOnSignal, sharedEngine } from "../private-engine.ts";
import { createSite, type Site } from "../site.ts";
import { table } from "../table.ts";
import { testImages } from "../test-images.ts";
import { onEngine } from "./on-engine.ts";
import { pageOutFiles } from "./page-out.ts";

const pods = 20;
const idleMs = 60_000;
/** So often and so long the agent is weighed while it has nothing to do: it grows and collects, a moment says little. */
const weighEveryMs = 5_000;
const watchedMs = 120_000;
const pagedOutMs = 300_000;
const rounds = 20;
const head = ["/proc/PID/smaps_rollup, MiB", "Rss", "Pss", "Pss_Anon", "Pss_File", "Pss_Shmem", "threads"];

function podOf(number: number, image: string = testImages.greeter) {
  const container = {
    name: "app",
    image,
    resources: { requests: { cpu: "10m", memory: "8Mi" }, limits: { cpu: "50m", memory: "16Mi" } },
  };
  const metadata = { name: `pod-${number}`, namespace: "websocket", uid: randomUUID(), resourceVersion: "1" };
  return { metadata, spec: { containers: [container], restartPolicy: "Always" } };
}

type Weight = Readonly<Record<"Rss" | "Pss" | "Pss_Anon" | "Pss_File" | "Pss_Shmem" | "threads", number>>;

/** MiB, as the kernel counts them. */
function weigh(pid: number): Weight {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const mebibytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1]) / 1024;
  return {
    Rss: mebibytes("Rss"),
    Pss: mebibytes("Pss"),
    Pss_Anon: mebibytes("Pss_Anon"),
    Pss_File: mebibytes("Pss_File"),
    Pss_Shmem: mebibytes("Pss_Shmem"),
    threads: Number(/^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]),
  };
}

/** Out of the page cache, as after a boot: a file that was just written lies there in larger pieces, which count whole. */
function evict(file: string): void {
  const run = spawnSync("dd", [`of=${file}`, "oflag=nocache", "conv=notrunc,fdatasync", "count=0"]);
  if (run.status !== 0) throw new Error(`Cannot evict ${file}: ${run.stderr}`);
}

type Pod = ReturnType<typeof podOf>;

async function sendPods(site: Site, sent: readonly Pod[]): Promise<void> {
  for (const pod of sent) {
    const { content } = await site.send(JSON.stringify(pod));
    if (content !== "OK") throw new Error(`${pod.metadata.name}: ${String(content)}`);
  }
}

async function startPods(site: Site, started: readonly Pod[]): Promise<void> {
  await sendPods(site, started);
  const running = () => site.reported()?.filter(({ status }) => status.phase === "Running").length;
  await site.until(() => running() === started.length, `${started.length} pods to run`);
}

async function stopPods(site: Site, started: readonly Pod[]): Promise<void> {
  for (const { metadata, spec } of started) {
    const header = { msg_id: randomUUID(), parent_msg_id: "", timestamp: 0, sync: true, resourceversion: "" };
    const resource = `websocket/pod/${metadata.name}`;
    const route = { source: "controller", group: "resource", operation: "delete", resource };
    await site.send(JSON.stringify({ header, route, content: { metadata, spec } }));
  }
  await site.until(() => site.reported()?.length === 0, "no pods");
}

/** As large as a message may be, of an image that is nowhere, so that the engine has no part in it. */
async function sendLargest(site: Site): Promise<void> {
  const env = Array.from({ length: 256 }, (_, index) => ({ name: `VARIABLE_${index}`, value: "v".repeat(360) }));
  const large = [0, 1].map((number) => {
    const { metadata, spec } = podOf(number, "edge.test/nowhere:1");
    const containers = spec.containers.flatMap((one) =>
      Array.from({ length: 10 }, (_, index) => ({ ...one, name: `app-${index}`, env })),
    );
    return { metadata, spec: { ...spec, containers } };
  });
  for (let round = 1; round <= rounds; round += 1) {
    await sendPods(
      site,
      large.map(({ metadata, spec }) => ({ metadata: { ...metadata, resourceVersion: String(round) }, spec })),
    );
  }
  await site.until(() => site.reported()?.length === large.length, "a report of the large pods");
}

/** Least, middle and most of what it weighs while nothing happens. */
async function watch(site: Site): Promise<string> {
  const weights: Weight[] = [];
  for (let gone = 0; gone < watchedMs; gone += weighEveryMs) {
    await sleep(weighEveryMs);
    weights.push(weigh(site.pid("agent")));
  }
  const range = (part: "Rss" | "Pss" | "Pss_Anon"): string => {
    const sorted = weights.map((one) => one[part]).sort((a, b) => a - b);
    const told = [0, Math.floor(sorted.length / 2), sorted.length - 1].map((at) => sorted[at]?.toFixed(1));
    return `${part} least ${told[0]}, median ${told[1]}, most ${told[2]} MiB`;
  };
  return [range("Pss_Anon"), range("Pss"), range("Rss")].join("\n");
}

async function inside(): Promise<void> {
  const site = createSite(sharedEngine(), { program: "executable" });
  closeOnSignal(site.close);
  const rows: (readonly string[])[] = [];
  const weighed = (state: string): void => {
    const { threads, ...weight } = weigh(site.pid("agent"));
    rows.push([state, ...Object.values(weight).map((value) => value.toFixed(1)), String(threads)]);
  };
  const seconds = `after ${idleMs / 1000} s`;
  try {
    evict(site.program);
    site.startAgent(await site.startCenter(0));
    await site.until(() => site.reported() !== null, "the first podstatus");
    await sleep(idleMs);
    weighed(`online, no pod, ${seconds}`);
    const started = Array.from({ length: pods }, (_, number) => podOf(number));
    await startPods(site, started);
    weighed(`${pods} pods, the last one just running`);
    await sleep(idleMs);
    weighed(`${pods} pods, ${seconds}`);
    const watched = await watch(site);
    pageOutFiles(site.pid("agent"));
    weighed(`${pods} pods, its files just paged out`);
    await sleep(pagedOutMs);
    weighed(`${pods} pods, ${pagedOutMs / 1000} s after that`);
    await stopPods(site, started);
    await sendLargest(site);
    weighed(`2 pods of 1 MB each, updated ${rounds} times`);
    await sleep(idleMs);
    weighed(`the same ${seconds}`);
    console.log(table(head, rows));
    console.log(`\n${pods} pods, idle, every ${weighEveryMs / 1000} s for ${watchedMs / 1000} s:\n${watched}`);
    console.log("\nMeasured with: npm run bench");
  } finally {
    await site.close();
  }
}

await (process.env.EDGE_TEST_SOCKET === undefined ? onEngine(import.meta.filename) : inside());
