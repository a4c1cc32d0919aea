import type { FakeContainer } from "../fakes/engine-host.ts";
import type { Centre } from "./pods.ts";
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
  clockJump: {
    weight: 2,
    happen({ world, dice }) {
      const ms = (dice.below(2) === 0 ? -1 : 1) * dice.below(86_400_000);
      world.clock.jump(ms);
      return `the wall clock jumps by ${Math.round(ms / 1000)} s`;
    },
  },
};

const ofLink: Readonly<Record<string, Fault>> = {
  linkCut: {
    weight: 2,
    happen({ world }) {
      world.center.cut();
      return "the link breaks";
    },
  },
  centreAway: {
    weight: 2,
    happen({ world, dice }) {
      const back = dice.below(2) === 0;
      world.center.answerDials(back ? "open" : { code: "refused", message: "connect ECONNREFUSED" });
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
  engineUp: {
    weight: 5,
    happen({ world }) {
      world.host.up();
      world.host.thaw();
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
  callFails: {
    weight: 3,
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
  imageCleared: {
    weight: 2,
    happen({ world, dice }) {
      world.host.removeImage(images.second);
      const on = dice.below(3) > 0;
      world.host.network(on);
      return `an image is cleared away, the registry is ${on ? "" : "not "}in reach`;
    },
  },
};

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
  update: { weight: 10, ofPod: true, happen: ({ centre, pod, dice }) => centre.ask(pod, "update", dice) },
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
