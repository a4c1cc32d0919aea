import assert from "node:assert/strict";
import { roomy } from "../../fakes/device.ts";
import { seededRandom } from "../../fakes/random.ts";
import { faults, happen, weighted } from "../faults/faults.ts";
import { fillDisk } from "../faults/of-engine.ts";
import { haveNpus } from "../faults/of-node.ts";
import { checkAlways, checkListed, checkSettled } from "../judges/invariants.ts";
import { type Center, createCenter } from "../world/center.ts";
import { PlannedEnd, striking } from "../world/planned-faults.ts";
import { npuNames, podNames } from "../world/pod-specs.ts";
import { createWorld, images, type World } from "../world/world.ts";
import { statesOf } from "./states.ts";
import { type Aim, drawSteps, type Step, type StepSource } from "./steps.ts";

export interface Life {
  /** Decides how the device is made, and every latency. */
  readonly seed: number;
  readonly steps: StepSource;
  /** Whether what happens is written down. */
  readonly keep: boolean;
}

export interface Played {
  readonly steps: readonly Step[];
  /** What went wrong, null when nothing did. */
  readonly failure: string | null;
  /** Stack of the failure. */
  readonly stack: string;
  readonly trace: readonly string[];
  readonly hash: string;
  /** Pairs of a fault and the state of the pod it happened to. */
  readonly met: readonly (readonly [fault: string, state: string])[];
}

const image = { user: "", architecture: "amd64", volumes: [] } as const;
/** The longest wait is 300 s, and a pull and a probe come on top. */
const mostQuietTurns = 16;
/** It has to stay settled for this many. */
const settledTurns = 2;
/** Longer than the longest call of the engine that nobody waits for may hang: the removal of an image, two minutes. */
const housekeepingTurns = 5;
const quietTurnMs = 30_000;

/** The life of a device that a seed decides, with as many steps. */
export function playSeed(seed: number, count: number, { keep = false, aim = null }: Partial<SeedOptions> = {}) {
  return play({ seed, steps: drawSteps({ seed, count, faults: weighted, aim }), keep });
}

/** A quarter of the centers do, with either kind of engine: a device looks at its line more often then, and that takes time. */
function asksHistory(seed: number): boolean {
  return Math.floor(seed / 2) % 4 === 1;
}

interface SeedOptions {
  readonly keep: boolean;
  readonly aim: Aim | null;
}

/**
 * One life of a device: messages, faults and crashes as the steps have it, every invariant after every step; then all
 * faults are mended, and the device must end up as the center wants it.
 */
export async function play({ seed, steps: source, keep }: Life): Promise<Played> {
  const met: [string, string][] = [];
  const strikes = (fault: string): void => {
    for (const state of new Set(statesOf(world, podNames))) met.push([fault, state]);
  };
  const world = createWorld(seed, { liveRestore: seed % 2 === 0, keep, strikes });
  world.host.addImage(images.first, { id: "sha256:first", ...image });
  world.host.publish(images.first, { id: "sha256:first", ...image });
  world.host.publish(images.second, { id: "sha256:second", ...image });
  world.device.npus(npuNames);
  world.center.askHistory(asksHistory(seed));
  const center = createCenter(world, podNames);
  const steps: Step[] = [];
  let error: Error | null = null;
  try {
    await disturb(world, center, { source, steps, met });
    await mend(world, center);
    await settle(world, center);
  } catch (thrown) {
    error = thrown instanceof Error ? thrown : new Error(String(thrown));
    world.trace.note("world", () => `FAILED ${words(error)}`);
  } finally {
    world.process().kill();
  }
  const [failure, stack] = [words(error), error?.stack ?? ""];
  return { steps, failure, stack, trace: world.trace.lines(), hash: world.trace.hash(), met };
}

/** The first line; what the assertion compared is in the stack. */
function words(error: Error | null): string | null {
  return error === null ? null : (error.message.split("\n")[0] ?? "");
}

interface Course {
  readonly source: StepSource;
  readonly steps: Step[];
  readonly met: [string, string][];
}

async function disturb(world: World, center: Center, { source, steps, met }: Course): Promise<void> {
  while (true) {
    const states = statesOf(world, podNames);
    const step = source(states);
    if (step === null) return;
    steps.push(step);
    const dice = seededRandom(step.dice);
    const words = await happen(step.fault, world, center, { subject: step.subject, dice });
    world.trace.note("fault", () => `${steps.length} ${step.fault}: ${words ?? "nothing to happen to"}`);
    const ofPod = faults[step.fault]?.ofPod === true;
    if (words !== null && !striking.some((fault) => fault === step.fault)) {
      for (const state of ofPod ? [states[step.subject] ?? ""] : new Set(states)) met.push([step.fault, state]);
    }
    await live(world);
    center.turn();
    await world.clock.pass(step.waitMs);
    center.hear();
    await live(world);
    checkAlways(world, center);
  }
}

/** A process that ended, as planned, is started again; one that ended of a bug fails the run. */
async function live(world: World): Promise<void> {
  const failure = world.process().failure();
  if (failure !== null && !(failure instanceof PlannedEnd)) throw failure;
  if (!world.process().alive()) await world.restart(world.afterCrash());
}

async function mend(world: World, center: Center): Promise<void> {
  const { host } = world;
  world.trace.note("world", () => "every fault is mended");
  world.calm();
  host.thaw();
  host.up();
  world.host.hangContainerd(false);
  host.holdDead(false);
  host.clockLag(0);
  host.heal();
  fillDisk(world, center, "no");
  haveNpus(world, center, npuNames);
  for (const { id, request } of host.containers()) {
    if (request === null) host.removeByHand(id);
    host.pauseByHand(id, false);
    host.silence(id, false);
  }
  host.network(true);
  host.latency(1, 5, 50);
  host.loseEvents(false);
  world.programs.calm();
  world.device.usage(roomy);
  world.center.answerDials("open");
  world.stall("no");
  world.center.autoPong(true);
  world.center.delay(1);
  // Pods that mount it wait for as long as there is none.
  center.configMap.need(world.random);
  await live(world);
  world.ledger.mend();
}

/** Time passes until the device does what the center wants and says so; a while more, and nothing happens any more. */
async function settle(world: World, center: Center): Promise<void> {
  let problem: unknown = null;
  for (let turn = 0; turn < mostQuietTurns; turn += 1) {
    await quietTurn(world, center);
    try {
      checkSettled(world, center);
      problem = null;
      break;
    } catch (error) {
      problem = error;
    }
  }
  if (problem !== null) throw problem;
  // Housekeeping comes once a minute, and writes down what has become unused since.
  for (let turn = 0; turn < housekeepingTurns; turn += 1) await quietTurn(world, center);
  const before = world.look((store) => store.writes());
  for (let turn = 0; turn < settledTurns; turn += 1) await quietTurn(world, center);
  checkSettled(world, center);
  checkListed(world);
  const writes = world.look((store) => store.writes()) - before;
  assert.equal(writes, 0, `8: ${writes} writes although nothing changes`);
}

async function quietTurn(world: World, center: Center): Promise<void> {
  center.turn();
  await world.clock.pass(quietTurnMs);
  center.hear();
  await live(world);
  checkAlways(world, center);
}
