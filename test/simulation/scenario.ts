import assert from "node:assert/strict";
import { checkAlways, checkSettled } from "./invariants.ts";
import { type Centre, createCentre } from "./pods.ts";
import { createWorld, images, PlannedCrash, type World } from "./world.ts";

const image = { user: "", architecture: "amd64", volumes: [] } as const;
const operations = [
  "list",
  "create",
  "start",
  "stop",
  "remove",
  "image",
  "ensureSandboxImage",
  "pull",
  "info",
] as const;

/**
 * One life of a device: messages, faults and crashes as the seed has it, every invariant after every step; then all
 * faults are mended, and the device must end up as the centre wants it. Gives what happened, a line a step.
 */
export async function playScenario(seed: number, steps: number): Promise<readonly string[]> {
  const world = createWorld(seed, { liveRestore: seed % 2 === 0 });
  const { random, host, clock } = world;
  host.addImage(images.first, { id: "sha256:first", ...image });
  host.publish(images.second, { id: "sha256:second", ...image });
  const centre = createCentre(world, ["a", "b", "c"]);
  const story: string[] = [];
  try {
    for (let step = 0; step < steps; step += 1) {
      story.push(`${step} at ${Math.round(clock.mono())}: ${await happen(world, centre)}`);
      await live(world);
      centre.turn();
      await clock.pass(random.below(3) === 0 ? random.below(40_000) : random.below(2_000));
      await live(world);
      checkAlways(world, centre);
    }
    await mend(world);
    for (let turn = 0; turn < 40; turn += 1) {
      centre.turn();
      await clock.pass(30_000);
      await live(world);
      checkAlways(world, centre);
    }
    checkSettled(world, centre);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`Seed ${seed}: ${what}\n${[...story.slice(-25), ...remains(world)].join("\n")}`, { cause: error });
  } finally {
    world.process().kill();
  }
  return story;
}

/** What a reader of a failed run wants to see: the last events, and what is on the engine and in the store. */
function remains(world: World): readonly string[] {
  const containers = world.host
    .containers()
    .map((one) => `${one.name} ${one.id.slice(-4)} ${JSON.stringify(one.state)}`);
  return world.look((store) => [
    ...store.events({ limit: 30 }).map((one) => `${one.pod} ${one.reason}: ${one.message}`),
    ...containers,
    ...store
      .desiredPods()
      .map((one) =>
        JSON.stringify({ ...one.pod.id, generation: one.generation, history: store.history(one.pod.id.uid) }),
      ),
    ...store.leavingPods().map((one) => JSON.stringify({ ...one, pod: null })),
  ]);
}

/** A process that died, as planned, is started again; one that died of a bug fails the test. */
async function live(world: World): Promise<void> {
  const failure = world.process().failure();
  if (failure !== null && !(failure instanceof PlannedCrash)) throw failure;
  if (!world.process().alive()) await world.restart({ powerCut: false });
}

async function happen(world: World, centre: Centre): Promise<string> {
  const { random, host, center } = world;
  const running = host.running();
  switch (random.below(25)) {
    case 0: {
      const calls = 1 + random.below(40);
      world.crashIn(calls);
      return `the agent will crash before store call ${calls}`;
    }
    case 1:
      await world.restart({ powerCut: false });
      return "the agent is killed and started again";
    case 2:
      await world.restart({ powerCut: true });
      return "the power is cut";
    case 3:
      center.cut();
      return "the link breaks";
    case 4:
      center.answerDials(random.below(2) === 0 ? "open" : { code: "refused", message: "connect ECONNREFUSED" });
      center.cut();
      return "the centre goes or comes back";
    case 5:
      host.down(random.below(2) === 0 ? "stop" : "crash");
      return "the engine goes down";
    case 6:
    case 7:
      host.up();
      host.thaw();
      return "the engine is up";
    case 8:
      host.freeze();
      return "the engine hangs";
    case 9: {
      const operation = random.pick(operations);
      const fault = random.pick(["hang", "loseAnswer", { kind: "failed", message: "no such luck" }] as const);
      host.fail(operation, fault, 1 + random.below(2));
      return `${operation} goes wrong: ${JSON.stringify(fault)}`;
    }
    case 10:
      if (running.length > 0) host.kill(random.pick(running).id, random.below(2));
      return "a container ends by itself";
    case 11:
      if (running.length > 0) host.removeByHand(random.pick(running).id);
      return "a container is removed by hand";
    case 12:
      host.loseEvents(random.below(2) === 0);
      return "events are lost, or not";
    case 13:
      world.clock.jump((random.below(2) === 0 ? -1 : 1) * random.below(86_400_000));
      return "the wall clock jumps";
    case 15:
      host.latency(1, 5 + random.below(500), random.below(2) === 0 ? 50 : random.below(90_000));
      return "the engine is slow, or fast again";
    case 16:
      host.removeImage(images.second);
      host.network(random.below(3) > 0);
      return "an image is cleared away, the registry may be out of reach";
    case 14:
      centre.repeat();
      return "a message comes again";
    case 17:
    case 18:
    case 19:
    case 20:
      return unwell(world);
    default:
      centre.act();
      return "the centre asks for something";
  }
}

/** Something happens to a program, and its probes tell; or the engine cannot ask them. */
function unwell({ random, host, programs }: World): string {
  const running = host.running();
  const fault = { kind: "failed", message: "OCI runtime exec failed" } as const;
  if (running.length === 0 || random.below(6) === 0) {
    host.fail("exec", fault, 1 + random.below(4));
    return "probes cannot be run";
  }
  const { id } = random.pick(running);
  switch (random.below(4)) {
    case 0: {
      const how = random.pick(["fails", "hangs"] as const);
      programs.sicken(id, how);
      return `the liveness probe of ${id.slice(-4)} ${how} from now on`;
    }
    case 1:
      programs.hiccup(id, 1 + random.below(2));
      return `the liveness probe of ${id.slice(-4)} fails once or twice`;
    default: {
      const on = random.below(2) === 0;
      programs.busy(id, on);
      return `${id.slice(-4)} is ${on ? "not " : ""}ready`;
    }
  }
}

async function mend(world: World): Promise<void> {
  const { host, center } = world;
  world.crashIn(Number.POSITIVE_INFINITY);
  host.thaw();
  host.up();
  host.heal();
  host.network(true);
  host.latency(1, 5, 50);
  host.loseEvents(false);
  world.programs.calm();
  center.answerDials("open");
  await live(world);
  assert.ok(world.process().alive());
}
