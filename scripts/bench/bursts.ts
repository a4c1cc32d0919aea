// Many pods at once, beside the bare calls for as many containers, as many at a time as this engine is quickest with.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sharedEngine } from "../private-engine.ts";
import { bareEnd, bareStart, payloadOf } from "./bare.ts";
import { type CallCounts, countedEngine } from "./counted-engine.ts";
import { type BenchDevice, openDevice } from "./device.ts";
import { imagesOf } from "./images.ts";
import { memoryOf } from "./process-weight.ts";
import { atMost, type Row, rowOf } from "./report.ts";

/** Two at a time saturate the machine that this was measured on; more only make each one slower. */
const atOnce = 2;

/** What one burst took of the engine. */
export interface Counted extends CallCounts {
  readonly pods: number;
}

/** After a burst everything else is said and done. */
const settledMs = 3_000;

/** One burst, for the plots. */
export interface Growth {
  readonly pods: number;
  readonly ms: number;
  readonly bareMs: number;
  readonly processorMs: number;
  readonly pssMiB: number;
  readonly anonymousMiB: number;
}

/** The calls of the engine for one burst of each size. */
export async function countCalls(sizes: readonly number[]): Promise<readonly Counted[]> {
  const { socket, folder, command } = sharedEngine();
  const own = join(folder, "counted");
  mkdirSync(own);
  const engine = await countedEngine(socket, own);
  const device = await openDevice({ socket: engine.socket, folder: own, command });
  try {
    await device.start();
    const counted: Counted[] = [];
    for (const size of sizes) {
      await sleep(settledMs);
      const before = engine.counts();
      const pods = device.pods(size);
      await device.run(pods);
      const { lists, calls } = engine.counts();
      counted.push({ pods: size, lists: lists - before.lists, calls: calls - before.calls });
      await device.remove(pods);
    }
    return counted;
  } finally {
    await device.close();
    await engine.close();
  }
}

async function burst(device: BenchDevice, count: number): Promise<Omit<Growth, "bareMs">> {
  const pods = device.pods(count);
  const processor = device.processorMs();
  const { sent } = await device.run(pods);
  const starts = pods.map(({ metadata }) => device.events.at(`start ${metadata.uid}/app`));
  const ms = Math.max(...(await Promise.all(starts))) - sent;
  const processorMs = device.processorMs() - processor;
  const { pss, anonymous } = memoryOf(device.pid());
  await device.remove(pods);
  return { pods: count, ms, processorMs, pssMiB: pss, anonymousMiB: anonymous };
}

/** Milliseconds until as many containers run. */
export async function bareBurst({ socket, events }: BenchDevice, count: number): Promise<number> {
  const payload = payloadOf(1, "app", await imagesOf(socket), null, count);
  const ids: string[] = [];
  const inParallel = async (work: () => Promise<void>): Promise<void> => {
    await Promise.all(Array.from({ length: atOnce }, work));
  };
  const began = performance.now();
  let made = 0;
  await inParallel(async () => {
    while (made < count) {
      made += 1;
      ids.push(await bareStart(socket, payload));
    }
  });
  const ms = Math.max(...(await Promise.all(ids.map((id) => events.at(`start ${id}`))))) - began;
  await sleep(500);
  const left = [...ids];
  await inParallel(async () => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) await bareEnd(socket, id);
  });
  return ms;
}

/** Of each size several times, in turns. */
export async function measureGrowth(
  device: BenchDevice,
  sizes: readonly number[],
  rounds: number,
): Promise<readonly Growth[]> {
  const growth: Growth[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const size of sizes) {
      const ours = await burst(device, size);
      growth.push({ ...ours, bareMs: await bareBurst(device, size) });
    }
  }
  return growth;
}

export function burstRows(growth: readonly Growth[]): readonly Row[] {
  const sizes = [...new Set(growth.map(({ pods }) => pods))].filter((pods) => pods > 1);
  return sizes.flatMap((size) => {
    const ofSize = growth.filter(({ pods }) => pods === size);
    const processor = ofSize.map(({ processorMs, pods }) => processorMs / pods);
    return [
      rowOf(
        `${size} pods at once → the last start event`,
        ofSize.map(({ ms }) => ms),
        {
          beside: `bare calls, ${atOnce} at a time`,
          theirs: ofSize.map(({ bareMs }) => bareMs),
          unit: "ms",
          target: atMost(1),
        },
      ),
      rowOf(`${size} pods at once: processor time a pod`, processor, {
        beside: "",
        theirs: null,
        unit: "ms",
        target: { words: "≤ 20 ms", isMet: ({ ours }) => ours.median <= 20 },
      }),
    ];
  });
}
