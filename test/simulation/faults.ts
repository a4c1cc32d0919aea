import type { NodeUsage } from "../../src/core/node/usage.ts";
import { containerName } from "../../src/core/pod/identity.ts";
import { roomy } from "../fakes/device.ts";
import type { FakeContainer } from "../fakes/engine-host.ts";
import type { Centre } from "./centre.ts";
import { npusOf } from "./invariants.ts";
import { npuNames } from "./pod-specs.ts";
import type { PodState } from "./states.ts";
import { type Dice, podNames } from "./steps.ts";
import { images, type World } from "./world.ts";

export interface Site {
  readonly world: World;
  readonly centre: Centre;
  /** Name of the pod that it is about. */
  readonly pod: string;
  readonly dice: Dice;
}

export interface Fault {
  /** How often it is drawn, beside the others. */
  readonly weight: number;
  /** Happens to one pod; without it, to the whole device. */
  readonly ofPod?: true;
  /** States that a pod cannot be in when this happens to it. */
  readonly never?: readonly PodState[];
  /** Makes it happen, and says so in words; null when there is nothing that it could happen to. */
  readonly happen: (site: Site) => string | null | Promise<string | null>;
}

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

const withoutContainer = ["absent", "gone"] as const;

function runningOf({ world, pod }: Site): readonly FakeContainer[] {
  return world.host.running().filter(({ request }) => request?.pod.id.name === pod);
}

function onRunning(site: Site, happens: (id: string) => string): string | null {
  const running = runningOf(site);
  return running.length === 0 ? null : happens(site.dice.pick(running).id);
}

const short = (id: string): string => id.slice(8, 12);

const ofAgent: Readonly<Record<string, Fault>> = {
  crashAtStoreCall: {
    weight: 2,
    happen({ world, dice }) {
      const calls = 1 + dice.below(40);
      world.crashIn(calls);
      return `the agent will crash before store call ${calls}`;
    },
  },
  crashAtCommit: {
    weight: 3,
    happen({ world, dice }) {
      const commits = 1 + dice.below(5);
      world.crashAtCommit(commits);
      return `the agent will crash before commit ${commits}`;
    },
  },
  crashAtAwait: {
    weight: 2,
    happen({ world, dice }) {
      const awaits = 1 + dice.below(40);
      world.crashAtAwait(awaits);
      return `the agent will crash as it goes on after wait ${awaits}`;
    },
  },
  kill: {
    weight: 2,
    async happen({ world }) {
      await world.restart({ powerCut: false });
      return "the agent is killed and started again";
    },
  },
  powerCut: {
    weight: 2,
    async happen({ world }) {
      await world.restart({ powerCut: true });
      return "the power is cut";
    },
  },
  powerCutNoBattery: {
    weight: 1,
    async happen({ world }) {
      await world.restart({ powerCut: true, noBattery: true });
      return "the power is cut, and the clock begins at 1970";
    },
  },
  stop: {
    weight: 1,
    async happen({ world }) {
      await world.stopAndStart();
      return "the agent is stopped and started again";
    },
  },
  storeFails: {
    weight: 2,
    happen({ world, dice }) {
      const calls = 1 + dice.below(40);
      world.failStoreIn(calls);
      return `store call ${calls} will fail`;
    },
  },
  dataLost: {
    weight: 1,
    async happen({ world, centre, dice }) {
      const { folders, configMaps } = world.device;
      folders.clear();
      configMaps.clear();
      world.witness.unsure();
      world.witness.forgot();
      await world.restart({ powerCut: false, dataLost: true });
      centre.deviceForgot(dice);
      return "the data folder is lost";
    },
  },
  clockJump: {
    weight: 2,
    happen({ world, dice }) {
      const ms = (dice.below(2) === 0 ? -1 : 1) * dice.below(86_400_000);
      world.clock.jump(ms);
      world.witness.unsure();
      return `the wall clock jumps by ${Math.round(ms / 1000)} s`;
    },
  },
  clockSet: {
    weight: 2,
    happen({ world, dice }) {
      const wall = dice.below(2) === 0 ? 60_000 : 1_800_000_000_000;
      world.clock.jump(wall - world.clock.wall());
      world.witness.unsure();
      return `the wall clock is set to ${new Date(wall).toISOString()}`;
    },
  },
};

const shortages: readonly Partial<NodeUsage>[] = [
  { memory: { totalBytes: 2 ** 33, availableBytes: 2 ** 20 } },
  { engineDisk: { totalBytes: 2 ** 35, freeBytes: 2 ** 20, inodes: null } },
  { processes: { running: 32_000, most: 32_768 } },
  { memory: null, dataDisk: null, engineDisk: null, processes: null },
];

const ofNode: Readonly<Record<string, Fault>> = {
  shortage: {
    weight: 2,
    happen({ world, dice }) {
      const short = dice.pick(shortages);
      world.device.usage({ ...roomy, ...short });
      return `short, or no longer to be read: ${Object.keys(short).join(", ")}`;
    },
  },
  npusGo: {
    weight: 2,
    happen({ world, centre, dice }) {
      const left = npuNames.filter(() => dice.below(2) === 0);
      haveNpus(world, centre, left);
      return `of the NPUs there are ${left.join(", ") || "none"}`;
    },
  },
  npusCome: {
    weight: 3,
    happen({ world, centre }) {
      haveNpus(world, centre, npuNames);
      return "all NPUs are there";
    },
  },
  plenty: {
    weight: 3,
    happen({ world }) {
      world.device.usage(roomy);
      return "there is enough of everything";
    },
  },
};

const ofLink: Readonly<Record<string, Fault>> = {
  linkCut: {
    weight: 2,
    happen({ world }) {
      world.center.cut();
      return "the link breaks, and what was under way is lost";
    },
  },
  linkClosed: {
    weight: 1,
    happen({ world, dice }) {
      const code = dice.pick([1000, 1001, 1008, 1011, 1012]);
      world.center.cut(code, "so it is");
      return `the centre closes with ${code}`;
    },
  },
  linkStalls: {
    weight: 2,
    happen({ world }) {
      world.stall(true);
      return "nothing gets through to the centre";
    },
  },
  linkFlows: {
    weight: 4,
    happen({ world, dice }) {
      world.stall(false);
      world.center.autoPong(dice.below(4) > 0);
      world.center.delay(dice.below(2) === 0 ? 1 : dice.below(2_000));
      return "the line flows again, fast or slow, with pongs or without";
    },
  },
  centreAway: {
    weight: 2,
    happen({ world, dice }) {
      const back = dice.below(2) === 0;
      const away = dice.pick(["hang", { code: "refused", message: "connect ECONNREFUSED" }] as const);
      world.center.answerDials(back ? "open" : away);
      world.center.cut();
      return back ? "the centre comes back" : "the centre goes";
    },
  },
};

const ofEngine: Readonly<Record<string, Fault>> = {
  engineDown: {
    weight: 2,
    happen({ world, dice }) {
      const how = dice.below(2) === 0 ? "stop" : "crash";
      world.host.down(how);
      return `the engine goes down: ${how}`;
    },
  },
  engineRestartsUnseen: {
    weight: 2,
    async happen({ world, dice }) {
      const how = dice.below(2) === 0 ? "stop" : "crash";
      await world.restart({
        powerCut: false,
        meanwhile() {
          world.host.down(how);
          world.host.up();
        },
      });
      return `the engine goes down (${how}) and comes up while no agent runs`;
    },
  },
  engineUp: {
    weight: 8,
    happen({ world }) {
      world.host.up();
      world.host.thaw();
      world.host.hangContainerd(false);
      return "the engine is up";
    },
  },
  engineHangs: {
    weight: 2,
    happen({ world }) {
      world.host.freeze();
      return "the engine hangs";
    },
  },
  containerdHangs: {
    weight: 2,
    happen({ world }) {
      world.host.hangContainerd(true);
      return "containerd hangs: lists are answered, and nothing else";
    },
  },
  callFails: {
    weight: 4,
    happen({ world, dice }) {
      const operation = dice.pick(operations);
      const fault = dice.pick(["hang", "loseAnswer", { kind: "failed", message: "no such luck" }] as const);
      const times = 1 + dice.below(2);
      world.host.fail(operation, fault, times);
      return `${operation} goes wrong ${times} times: ${JSON.stringify(fault)}`;
    },
  },
  engineSlow: {
    weight: 2,
    happen({ world, dice }) {
      const [most, pull] = [5 + dice.below(500), dice.below(2) === 0 ? 50 : dice.below(90_000)];
      world.host.latency(1, most, pull);
      return `calls take up to ${most} ms, a pull ${pull} ms`;
    },
  },
  eventsLost: {
    weight: 2,
    happen({ world, dice }) {
      const lost = dice.below(2) === 0;
      world.host.loseEvents(lost);
      return lost ? "events are lost" : "events arrive";
    },
  },
  eventsEnd: {
    weight: 1,
    happen({ world }) {
      world.host.breakEvents();
      return "the stream of events ends";
    },
  },
  diskFull: {
    weight: 2,
    happen({ world, centre }) {
      fillDisk(world, centre, true);
      return "the disk is full";
    },
  },
  diskFree: {
    weight: 3,
    happen({ world, centre }) {
      fillDisk(world, centre, false);
      world.host.holdDead(false);
      return "there is room on the disk";
    },
  },
  deadHeld: {
    weight: 1,
    happen({ world }) {
      world.host.holdDead(true);
      return "dead containers cannot be removed";
    },
  },
  imageCleared: {
    weight: 3,
    happen({ world, dice }) {
      const image = dice.pick([images.first, images.second]);
      const on = dice.below(3) > 0;
      world.host.removeImage(image);
      world.host.network(on);
      world.imageCleared();
      return `${image} is cleared away, the registry is ${on ? "" : "not "}in reach`;
    },
  },
  engineWiped: {
    weight: 1,
    happen({ world }) {
      world.host.wipe();
      world.imageCleared();
      return "all containers and images are gone";
    },
  },
  finishedBeforeStarted: {
    weight: 1,
    happen({ world, dice }) {
      const ms = dice.below(2) * dice.below(500);
      world.host.clockLag(ms);
      return `times of ends are ${ms} ms too early`;
    },
  },
};

/** The device's disk and the engine's are one. */
export function fillDisk({ host, device }: World, centre: Centre, full: boolean): void {
  host.fillDisk(full);
  device.freeBytes(full ? 1024 : 1024 ** 3);
  centre.mayRefuse("the disk is full", full);
}

/** These NPUs are there from now on, and no other. */
export function haveNpus({ device }: World, centre: Centre, names: readonly string[]): void {
  device.npus(names);
  centre.mayRefuse("there are too few NPUs", names.length < npuNames.length);
}

const ofContainers: Readonly<Record<string, Fault>> = {
  containerEnds: {
    weight: 2,
    ofPod: true,
    never: withoutContainer,
    happen: (site) =>
      onRunning(site, (id) => {
        const code = site.dice.below(2);
        site.world.host.kill(id, code);
        return `container ${short(id)} of ${site.pod} ends with code ${code}`;
      }),
  },
  removedByHand: {
    weight: 2,
    ofPod: true,
    never: withoutContainer,
    happen: (site) =>
      onRunning(site, (id) => {
        site.world.host.removeByHand(id);
        return `container ${short(id)} of ${site.pod} is removed by hand`;
      }),
  },
  startedByHand: {
    weight: 1,
    ofPod: true,
    never: withoutContainer,
    happen({ world, pod, dice }) {
      // An old attempt that is started beside a newer one is somebody's own affair.
      const all = world.host.containers().filter(({ request }) => request?.pod.id.name === pod);
      const newer = (one: FakeContainer) => all.filter(({ request }) => request?.container === one.request?.container);
      const newest = all.filter((one) => newer(one).at(-1) === one);
      // So is what comes of an NPU that somebody takes again with a container that had ended.
      const its = newest.filter(({ state, request }) => state.kind !== "exited" || npusOf(request).length === 0);
      if (its.length === 0) return null;
      const { id, state } = dice.pick(its);
      if (state.kind === "running") world.host.restartByHand(id);
      else world.host.startByHand(id);
      return `container ${short(id)} of ${pod}, ${state.kind}, is started by hand`;
    },
  },
  nameTaken: {
    weight: 1,
    ofPod: true,
    never: ["absent", "gone"],
    happen({ world, pod }) {
      const desired = world.look((store) => store.desiredPod("websocket", pod));
      const container = desired?.pod.spec.containers[0]?.name;
      if (desired === null || container === undefined) return null;
      const attempt = world.look((store) => store.history(desired.pod.id.uid))[container]?.attempt ?? 0;
      const name = containerName({ pod: desired.pod.id, container, attempt: attempt + 1 });
      if (world.host.container(name) !== null) return null;
      world.host.addForeign(name, {});
      return `somebody else has a container ${name}`;
    },
  },
  probesCannotRun: {
    weight: 1,
    happen({ world, dice }) {
      world.host.fail("exec", { kind: "failed", message: "OCI runtime exec failed" }, 1 + dice.below(4));
      return "probes cannot be run";
    },
  },
  livenessFails: {
    weight: 2,
    ofPod: true,
    never: withoutContainer,
    happen: (site) =>
      onRunning(site, (id) => {
        const how = site.dice.pick(["fails", "hangs"] as const);
        site.world.programs.sicken(id, how);
        return `the liveness probe of ${short(id)} of ${site.pod} ${how} from now on`;
      }),
  },
  livenessHiccup: {
    weight: 2,
    ofPod: true,
    never: withoutContainer,
    happen: (site) =>
      onRunning(site, (id) => {
        site.world.programs.hiccup(id, 1 + site.dice.below(2));
        return `the liveness probe of ${short(id)} of ${site.pod} fails once or twice`;
      }),
  },
  readinessTurns: {
    weight: 3,
    ofPod: true,
    never: withoutContainer,
    happen: (site) =>
      onRunning(site, (id) => {
        const busy = site.dice.below(2) === 0;
        site.world.programs.busy(id, busy);
        return `${short(id)} of ${site.pod} is ${busy ? "not " : ""}ready`;
      }),
  },
};

const ofCentre: Readonly<Record<string, Fault>> = {
  messageAgain: {
    weight: 2,
    happen: ({ centre, dice }) => centre.repeat(dice),
  },
  staleUpdate: { weight: 2, ofPod: true, happen: ({ centre, pod, dice }) => centre.stale(pod, dice) },
  flood: { weight: 1, happen: ({ centre, dice }) => centre.flood(dice) },
  update: { weight: 14, ofPod: true, happen: ({ centre, pod, dice }) => centre.ask(pod, "update", dice) },
  newUid: { weight: 2, ofPod: true, happen: ({ centre, pod, dice }) => centre.ask(pod, "newUid", dice) },
  restart: {
    weight: 2,
    ofPod: true,
    never: withoutContainer,
    happen: ({ centre, pod, dice }) => centre.ask(pod, "restart", dice),
  },
  delete: { weight: 2, ofPod: true, happen: ({ centre, pod, dice }) => centre.ask(pod, "delete", dice) },
  gracefulDelete: {
    weight: 2,
    ofPod: true,
    happen: ({ centre, pod, dice }) => centre.ask(pod, "gracefulDelete", dice),
  },
};

/** Everything that can happen to a device, by name. */
export const faults: Readonly<Record<string, Fault>> = {
  ...ofAgent,
  ...ofNode,
  ...ofLink,
  ...ofEngine,
  ...ofContainers,
  ...ofCentre,
};

/** Each name as often as it is to be drawn. */
export const weighted: readonly string[] = Object.entries(faults).flatMap(([name, { weight }]) =>
  Array.from({ length: weight }, () => name),
);

/** Makes one happen; the words for it, null when nothing could happen. */
export async function happen(name: string, world: World, centre: Centre, at: { subject: number; dice: Dice }) {
  const fault = faults[name];
  if (fault === undefined) throw new Error(`There is no fault ${name}`);
  return fault.happen({ world, centre, pod: podNames[at.subject] ?? "a", dice: at.dice });
}
