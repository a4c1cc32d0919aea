// A pod update on the wire to running containers, beside the bare calls of the engine and the commands of others, in turns.
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sandboxName } from "../../src/core/pod/identity.ts";
import { testImages } from "../test-images.ts";
import { bareDeath, bareEnd, bareStart, command, payloadOf, podFor, startedAt } from "./bare.ts";
import { podsIn } from "./center.ts";
import { type BenchDevice, settleMs } from "./device.ts";
import { figuresOf } from "./figures.ts";
import { type Images, imagesOf } from "./images.ts";
import { atMost, type Row, rowOf } from "./report.ts";
import { fullCommits } from "./upkeep.ts";

/** Longer than the spacing of reports, so that each sample finds the agent with nothing to say. */
const quietMs = 500;
const warmUps = 2;

/** A way to run a pod; gives the milliseconds until its last container has started. */
export interface Way {
  readonly name: string;
  readonly run: () => Promise<number>;
}

/** Each way in turns, so that what else the machine does falls on all. Gives the samples of each, in the order of the ways. */
export async function inTurns(ways: readonly Way[], rounds: number): Promise<ReadonlyMap<string, readonly number[]>> {
  const samples = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const { name, run } of ways) {
      await sleep(quietMs);
      const ms = await run();
      if (round >= 0) samples.get(name)?.push(ms);
    }
  }
  return samples;
}

/** What else came of the updates of one container. */
interface Told {
  readonly replied: number[];
  readonly seen: number[];
  readonly died: number[];
  /** From the engine's event until the engine itself shows the end. */
  readonly bareDied: number[];
}

function throughAgent(device: BenchDevice, containers: number, told: Told | null): Way {
  return {
    name: "edge",
    async run() {
      const pods = device.pods(1, containers);
      const [pod] = pods;
      if (pod === undefined) throw new Error("There is no pod");
      const { sent, replied, seen } = await device.run(pods);
      const { uid } = pod.metadata;
      const starts = pod.spec.containers.map(({ name }) => device.events.at(`start ${uid}/${name}`));
      const started = Math.max(...(await Promise.all(starts)));
      told?.replied.push(replied - sent);
      told?.seen.push(seen - sent);
      if (told !== null) told.died.push(await untilDeathIsTold(device, uid));
      await device.remove(pods);
      return started - sent;
    },
  };
}

/** From the engine's event to the message that tells of it. */
async function untilDeathIsTold({ docker, center, events }: BenchDevice, uid: string): Promise<number> {
  await sleep(settleMs);
  const container = (await docker.listContainers()).find(({ Labels }) => Labels["io.kubernetes.pod.uid"] === uid);
  if (container === undefined) throw new Error(`No container of pod ${uid} runs`);
  const told = center.heard(
    (message) =>
      podsIn(message).some(({ UID, status }) => {
        const [app] = status.containerStatuses ?? [];
        return UID === uid && (app?.state.running === undefined || app.restartCount > 0);
      }),
    "the death in podstatus",
  );
  await docker.getContainer(container.Id).kill();
  const ms = (await told) - (await events.at(`die ${container.Id}`));
  // Its restart comes at once.
  await events.at(`start ${uid}/app`);
  await sleep(settleMs);
  return ms;
}

function bare(device: BenchDevice, images: Images, containers: number, told: Told | null): Way {
  const { socket, events } = device;
  return {
    name: "bare",
    async run() {
      const began = performance.now();
      const ids: string[] = [];
      if (containers > 1) ids.push(await bareStart(socket, payloadOf(containers, sandboxName, images, null)));
      const sandbox = ids[0] ?? null;
      for (const name of ["app", "side", "third"].slice(0, containers))
        ids.push(await bareStart(socket, payloadOf(containers, name, images, sandbox)));
      const started = Math.max(...(await Promise.all(ids.map((id) => events.at(`start ${id}`)))));
      await sleep(settleMs);
      const [only] = ids;
      if (told !== null && only !== undefined) told.bareDied.push(await bareDeath(socket, only, events));
      for (const id of ids.toReversed()) await bareEnd(socket, id);
      return started - began;
    },
  };
}

function dockerRun({ socket, events }: BenchDevice): Way {
  return {
    name: "docker run",
    async run() {
      const began = performance.now();
      const limits = ["--memory=8m", "--memory-swap=8m", "--cpus=0.1", "--cap-drop=ALL"];
      const id = await command(socket, "docker", "run", "--detach", ...limits, testImages.greeter);
      const started = (await events.at(`start ${id}`)) - began;
      await sleep(settleMs);
      await bareEnd(socket, id);
      return started;
    },
  };
}

function compose({ socket, events }: BenchDevice, folder: string, containers: number): Way {
  const service = { image: testImages.greeter, mem_limit: "8m", cpus: 0.1, cap_drop: ["ALL"] };
  const services = Object.fromEntries(["app", "side", "third"].slice(0, containers).map((name) => [name, service]));
  return {
    name: "docker-compose",
    async run() {
      const project = `bench${randomUUID().slice(0, 8)}`;
      const file = join(folder, `${project}.json`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, JSON.stringify({ version: "2.4", services }));
      const args = ["--file", file, "--project-name", project];
      const began = performance.now();
      await command(socket, "docker-compose", ...args, "up", "--detach");
      const ids = (await command(socket, "docker-compose", ...args, "ps", "--quiet")).split("\n");
      const started = Math.max(...(await Promise.all(ids.map((id) => events.at(`start ${id}`))))) - began;
      await sleep(settleMs);
      await command(socket, "docker-compose", ...args, "down");
      return started;
    },
  };
}

/** Podman starts each container of a pod for itself, behind a sandbox of its own. @param socket of its service */
function podmanPlay(socket: string, folder: string, containers: number): Way {
  return {
    name: "podman play kube",
    async run() {
      const name = `bench${randomUUID().slice(0, 8)}`;
      const { spec } = podFor(randomUUID(), containers);
      const file = join(folder, `${name}.json`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec }));
      const podman = ["--remote", "--url", `unix://${socket}`, "play", "kube"];
      const began = performance.now();
      await command(socket, "podman", ...podman, file);
      const names = spec.containers.map((container) => `${name}-${container.name}`);
      const starts = await Promise.all(names.map((one) => startedAt(socket, one)));
      await sleep(settleMs);
      await command(socket, "podman", ...podman, "--down", file);
      return Math.max(...starts) - began;
    },
  };
}

/** @param rivals where podman's service listens */
export async function updateRows(
  device: BenchDevice,
  rounds: number,
  rivals: { readonly podman: string },
): Promise<readonly Row[]> {
  const images = await imagesOf(device.socket);
  const folder = join(device.site.place.data, "..", "compose");
  const told: Told = { replied: [], seen: [], died: [], bareDied: [] };
  const one = await inTurns(
    [
      throughAgent(device, 1, told),
      bare(device, images, 1, told),
      dockerRun(device),
      compose(device, folder, 1),
      podmanPlay(rivals.podman, folder, 1),
    ],
    rounds,
  );
  const three = await inTurns(
    [
      throughAgent(device, 3, null),
      bare(device, images, 3, null),
      compose(device, folder, 3),
      podmanPlay(rivals.podman, folder, 3),
    ],
    Math.ceil(rounds / 2),
  );
  const of = (samples: ReadonlyMap<string, readonly number[]>, way: string) => samples.get(way) ?? [];
  const other = (samples: ReadonlyMap<string, readonly number[]>, what: string): readonly Row[] =>
    [...samples.keys()]
      .filter((way) => way !== "edge" && way !== "bare")
      .map((way) =>
        rowOf(what, of(samples, "edge"), { beside: way, theirs: of(samples, way), unit: "ms", target: atMost(1) }),
      );
  const kept = <T>(values: readonly T[]): readonly T[] => values.slice(warmUps);
  return [
    rowOf("pod update on the wire → start event", of(one, "edge"), {
      beside: "bare create + start",
      theirs: of(one, "bare"),
      unit: "ms",
      target: {
        words: "≤ bare + 25 ms p50, + 60 ms p95",
        isMet: ({ ours, theirs }) =>
          theirs !== null && ours.median <= theirs.median + 25 && ours.p95 <= theirs.p95 + 60,
      },
    }),
    ...other(one, "pod update on the wire → start event"),
    rowOf("pod of 3 → its last start event", of(three, "edge"), {
      beside: "bare calls with a sandbox",
      theirs: of(three, "bare"),
      unit: "ms",
      target: atMost(1.05),
    }),
    ...other(three, "pod of 3 → its last start event"),
    rowOf("pod update → podstatus Running at the center", kept(told.seen), {
      beside: "bare create + start",
      theirs: of(one, "bare"),
      unit: "ms",
      target: null,
    }),
    rowOf("update → OK at the center, on disk", kept(told.replied), {
      beside: "a bare commit with FULL",
      theirs: fullCommits(join(device.site.place.data, ".."), 50),
      unit: "ms",
      target: atMost(2),
    }),
    rowOf("container dies → status on the wire", kept(told.died), {
      beside: "until the engine's own inspect shows it",
      theirs: kept(told.bareDied),
      unit: "ms",
      target: { words: "≤ 20 ms p99 after the die event", isMet: () => figuresOf(kept(told.died)).p99 <= 20 },
    }),
  ];
}
