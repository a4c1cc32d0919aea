// `npm run bench`, first part: from a pod update on the wire to a running container, beside the bare calls of the engine
// for the same container, in turns on one private engine; and what the agent weighs.
import { randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import { listen } from "../../src/center/server.ts";
import { admitPod } from "../../src/core/admission/admit.ts";
import { featureGates } from "../../src/core/admission/feature-gates.ts";
import { defaultPolicy } from "../../src/core/admission/policy.ts";
import { hashesOf } from "../../src/core/pod/wanted.ts";
import { type CreatePayload, createOptions } from "../../src/docker/create-options.ts";
import { bundleFile, bundleModule } from "../bundle.ts";
import { closeOnSignal, sharedEngine } from "../private-engine.ts";
import { createSite, nodeName, type Recorded, type ReportedPod, type Site } from "../site.ts";
import { table } from "../table.ts";
import { testImages } from "../test-images.ts";
import { figuresOf } from "./figures.ts";
import { onEngine } from "./on-engine.ts";

const warmUps = 3;
const samples = 20;
/** Longer than the spacing of reports, so that each sample finds the agent with nothing to say. */
const quietMs = 500;
const idleMs = 10_000;
const deadlineMs = 30_000;

type Heard = (text: string) => boolean;

/** A central node in this very process, so that nothing lies between the clock and the wire. */
async function openCenter() {
  const waits = new Set<{ readonly hears: Heard; readonly done: () => void }>();
  const connected = Promise.withResolvers<void>();
  const server = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      connected: () => connected.resolve(),
      message(_, text) {
        for (const wait of waits) if (wait.hears(text)) wait.done();
      },
      disconnected: () => undefined,
    },
  );
  /** Resolves with the time at which the first such message came. */
  const heard = (hears: Heard, what: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const wait = { hears, done: () => settle(() => resolve(performance.now())) };
      const late = setTimeout(() => settle(() => reject(new Error(`Waited ${deadlineMs} ms for ${what}`))), deadlineMs);
      const settle = (how: () => void): void => {
        clearTimeout(late);
        waits.delete(wait);
        how();
      };
      waits.add(wait);
    });
  return { server, heard, connected: connected.promise };
}

type Center = Awaited<ReturnType<typeof openCenter>>;

/** When each container started, as the engine's events tell: milliseconds on this process' clock, by container id or pod uid. */
async function watchStarts(docker: Docker): Promise<{ readonly at: (key: string) => Promise<number>; close(): void }> {
  const starts = new Map<string, number>();
  const stream = (await docker.getEvents({ filters: { type: ["container"], event: ["start"] } })) as Readable & {
    destroy(): void;
  };
  createInterface({ input: stream }).on("line", (line) => {
    const { timeNano, Actor } = JSON.parse(line);
    const at = Number(BigInt(timeNano) / 1000n) / 1000 - performance.timeOrigin;
    starts.set(Actor.ID, at);
    starts.set(Actor.Attributes["io.kubernetes.pod.uid"] ?? "", at);
  });
  stream.on("error", () => undefined);
  const at = async (key: string): Promise<number> => {
    const end = performance.now() + deadlineMs;
    while (!starts.has(key) && performance.now() < end) await sleep(5);
    return starts.get(key) ?? Number.NaN;
  };
  return { at, close: () => stream.destroy() };
}

function podFor(uid: string) {
  const container = {
    name: "app",
    image: testImages.greeter,
    resources: { requests: { cpu: "10m", memory: "8Mi" }, limits: { cpu: "100m", memory: "16Mi" } },
  };
  const metadata = { name: `bench-${uid}`, namespace: "websocket", uid, resourceVersion: "1" };
  return { metadata, spec: { containers: [container], restartPolicy: "Always" } };
}

function messageFor(operation: string, pod: ReturnType<typeof podFor>) {
  const id = randomUUID();
  const text = JSON.stringify({
    header: { msg_id: id, parent_msg_id: "", timestamp: Date.now(), sync: true, resourceversion: "" },
    route: { source: "controller", group: "resource", operation, resource: `websocket/pod/${pod.metadata.name}` },
    content: pod,
  });
  const isReply = (heard: string): boolean => (JSON.parse(heard) as Recorded).header.parent_msg_id === id;
  return { text, isReply };
}

function reports(text: string, uid: string, holds: (pod: ReportedPod) => boolean): boolean {
  const { route, content } = JSON.parse(text) as Recorded;
  if (route.resource !== "websocket/podstatus") return false;
  return (content as readonly ReportedPod[]).some((pod) => pod.UID === uid && holds(pod));
}

const settleMs = 500;

type Starts = Awaited<ReturnType<typeof watchStarts>>;
type Sample = Readonly<Record<"reply" | "started" | "seen", number>>;

/** One pod through the agent: milliseconds from the update on the wire. */
async function throughAgent({ server, heard }: Center, starts: Starts): Promise<Sample> {
  const uid = randomUUID();
  const pod = podFor(uid);
  const update = messageFor("update", pod);
  const isRunning: Heard = (text) =>
    reports(text, uid, ({ status }) => status.containerStatuses?.[0]?.state.running !== undefined);
  const reply = heard(update.isReply, "the reply");
  const seen = heard(isRunning, "podstatus Running");
  const sent = performance.now();
  server.send(nodeName, update.text);
  const sample = {
    reply: (await reply) - sent,
    seen: (await seen) - sent,
    started: (await starts.at(uid)) - sent,
  };
  const gone = heard((text) => reports(text, uid, ({ status }) => status.phase === "Succeeded"), "the pod to end");
  // Its program has to have come so far that it heeds SIGTERM; before that only the end of the grace period stops it.
  await sleep(settleMs);
  server.send(nodeName, messageFor("delete", pod).text);
  await gone;
  return sample;
}

/** The same container by the two calls that make it run: milliseconds from the first. */
async function bare(docker: Docker, starts: Starts, payload: CreatePayload): Promise<Omit<Sample, "reply">> {
  const began = performance.now();
  const container = await docker.createContainer(payload as unknown as Docker.ContainerCreateOptions);
  await container.start();
  const seen = performance.now() - began;
  const started = (await starts.at(container.id)) - began;
  await sleep(settleMs);
  await container.stop();
  await container.remove({ v: true });
  return { seen, started };
}

/** What the agent sends to the engine, but for the labels: by them the agent would look at it. */
async function payloadOf(docker: Docker): Promise<CreatePayload> {
  const allocatable = { cpu: "1", memory: "1Gi" };
  const node = { allocatable, addresses: [], listening: { tcp: [], udp: [] }, pods: [], configMaps: [] };
  const context = { policy: defaultPolicy, node, featureGates, nodeName };
  const verdict = admitPod(podFor(randomUUID()), context);
  if (!verdict.accepted) throw new Error(verdict.violations.map(({ message }) => message).join("\n"));
  const pod = verdict.value;
  const { Id, Config } = await docker.getImage(testImages.greeter).inspect();
  const image = { id: Id, user: Config.User ?? "", architecture: "", volumes: [] };
  const [container] = pod.spec.containers;
  if (container === undefined) throw new Error("The pod has no container");
  const desired = {
    pod,
    generation: 0,
    acceptedAt: { wall: 0, mono: 0, bootId: "" },
    request: "bench",
    contentHash: "",
  };
  const places = {
    sandboxId: null,
    volumePaths: {},
    hostPaths: {},
    coveredPaths: {},
    scratchPaths: [],
    submounts: [],
    resolvConf: null,
    terminationLog: null,
    oomScoreAdj: 0,
    devices: [],
  };
  const request = { installId: "", pod, container: container.name, attempt: 0, generation: 0, image, ...places };
  const made = createOptions({ ...request, ...hashesOf(desired, container) });
  if (!made.ok) throw new Error(made.message);
  return { ...made.payload, Labels: {} };
}

function memoryOf(pid: number): Readonly<Record<"Rss" | "Pss_Anon", number>> {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]);
  return { Rss: kilobytes("Rss") / 1024, Pss_Anon: kilobytes("Pss_Anon") / 1024 };
}

async function statusMs(site: Site): Promise<readonly number[]> {
  const durations: number[] = [];
  for (let round = 0; round < 11; round += 1) {
    const began = performance.now();
    await site.run("status", "--config", site.place.config);
    durations.push(performance.now() - began);
  }
  return durations.slice(1);
}

async function inside(): Promise<void> {
  const engine = sharedEngine();
  const docker = new Docker({ socketPath: engine.socket });
  const center = await openCenter();
  const site = createSite(engine);
  closeOnSignal(site.close);
  const starts = await watchStarts(docker);
  try {
    site.startAgent(center.server.port);
    await center.connected;
    await sleep(idleMs);
    const fresh = memoryOf(site.pid("agent"));
    const payload = await payloadOf(docker);
    const agent: Sample[] = [];
    const engineAlone: Omit<Sample, "reply">[] = [];
    for (let round = 0; round < warmUps + samples; round += 1) {
      await sleep(quietMs);
      const one = await throughAgent(center, starts);
      await sleep(quietMs);
      const other = await bare(docker, starts, payload);
      if (round < warmUps) continue;
      agent.push(one);
      engineAlone.push(other);
    }
    await sleep(idleMs);
    const after = memoryOf(site.pid("agent"));
    print(agent, engineAlone, { fresh, after, status: figuresOf(await statusMs(site)).median });
  } finally {
    await site.close();
    starts.close();
    await center.server.close();
  }
}

type Weights = {
  readonly fresh: ReturnType<typeof memoryOf>;
  readonly after: ReturnType<typeof memoryOf>;
  readonly status: number;
};

function print(agent: readonly Sample[], alone: readonly Omit<Sample, "reply">[], weights: Weights): void {
  const { fresh, after, status } = weights;
  const series = (name: string, values: readonly number[], limit?: readonly number[]): readonly string[] => {
    const { median, p95 } = figuresOf(values);
    const ratio = limit === undefined ? "" : (median / figuresOf(limit).median).toFixed(2);
    return [name, median.toFixed(0), p95.toFixed(0), ratio];
  };
  const bareStarted = alone.map(({ started }) => started);
  const bareSeen = alone.map(({ seen }) => seen);
  console.log(`${process.arch}, ${cpus().length} CPUs, Node ${process.version}, n = ${agent.length} each, in turns\n`);
  const rows = [
    series("bare create + start, to the engine's start event", bareStarted),
    series(
      "pod update, to the engine's start event",
      agent.map(({ started }) => started),
      bareStarted,
    ),
    series("bare create + start, to the answer of start", bareSeen),
    series(
      "pod update, to podstatus Running at the center",
      agent.map(({ seen }) => seen),
      bareSeen,
    ),
    series(
      "pod update, to the reply OK at the center",
      agent.map(({ reply }) => reply),
    ),
  ];
  console.log(table(["from the first byte sent", "median ms", "p95 ms", "ratio"], rows));
  const mib = (value: number): string => `${value.toFixed(1)} MiB`;
  const sizes = [
    [`agent, online and idle for ${idleMs / 1000} s, no pod yet`, mib(fresh.Rss), mib(fresh.Pss_Anon)],
    [`the same after ${agent.length + warmUps} pods came and went`, mib(after.Rss), mib(after.Pss_Anon)],
  ];
  console.log(`\n${table(["/proc/PID/smaps_rollup", "Rss", "Pss_Anon"], sizes)}`);
  const rest = [
    [bundleFile, `${(statSync(bundleFile).size / 1e6).toFixed(1)} MB`],
    ["edge status, median of 10", `${status.toFixed(0)} ms`],
  ];
  console.log(`\n${table(["program", ""], rest)}`);
  console.log("\nMeasured with: npm run bench");
}

if (process.env.EDGE_TEST_SOCKET === undefined) {
  await bundleModule(bundleFile);
  await onEngine(import.meta.filename);
} else {
  await inside();
}
