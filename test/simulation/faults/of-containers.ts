import { containerName } from "../../../src/core/pod/identity.ts";
import type { FakeContainer } from "../../fakes/engine-container.ts";
import type { Dice } from "../../fakes/random.ts";
import { isOver, npusOf } from "../judges/invariants.ts";
import type { Temper } from "../world/programs.ts";
import type { World } from "../world/world.ts";
import { type Fault, type Site, withoutContainer } from "./fault.ts";

function runningOf({ world, pod }: Site): readonly FakeContainer[] {
  return world.host.running().filter(({ request }) => request?.pod.id.name === pod);
}

/** Happens to one of the pod's containers that runs. */
function toRunning(weight: number, happens: (site: Site, id: string) => string): Fault {
  return { weight, ofPod: true, never: withoutContainer, happen: (site) => onRunning(site, happens) };
}

/** Somebody does it to one of the pod's containers that runs. */
function toRunningByHand(weight: number, happens: (site: Site, id: string) => string): Fault {
  const happen = (site: Site): string | null => byHand(site.world, () => onRunning(site, happens));
  return { weight, ofPod: true, never: withoutContainer, happen };
}

function onRunning(site: Site, happens: (site: Site, id: string) => string): string | null {
  const running = runningOf(site);
  return running.length === 0 ? null : happens(site, site.dice.pick(running).id);
}

function drawTemper(dice: Dice): Temper {
  const kind = dice.pick(["well", "well", "ends", "ends", "ends", "stubborn", "cannotStart"] as const);
  if (kind !== "ends") return { kind };
  const oomKilled = dice.below(5) === 0;
  return { kind, code: oomKilled ? 137 : dice.below(2), afterMs: dice.below(2) * dice.below(20_000), oomKilled };
}

/** An engine that is down or hangs does nothing for anybody. */
function byHand({ host }: World, happens: () => string | null): string | null {
  return host.answersHands() ? happens() : null;
}

const short = (id: string): string => id.slice(8, 12);

/** What happens to containers, by themselves or by hand. */
export const ofContainers: Readonly<Record<string, Fault>> = {
  containerEnds: toRunning(2, (site, id) => {
    const code = site.dice.below(2);
    site.world.host.kill(id, code);
    return `container ${short(id)} of ${site.pod} ends with code ${code}`;
  }),
  removedByHand: toRunningByHand(2, (site, id) => {
    site.world.host.removeByHand(id);
    return `container ${short(id)} of ${site.pod} is removed by hand`;
  }),
  startedByHand: {
    weight: 1,
    ofPod: true,
    never: withoutContainer,
    happen: ({ world, pod, dice }) =>
      byHand(world, () => {
        // An old attempt that is started beside a newer one is somebody's own affair.
        const all = world.host.containers().filter(({ request }) => request?.pod.id.name === pod);
        const newer = (one: FakeContainer) =>
          all.filter(({ request }) => request?.container === one.request?.container);
        const newest = all.filter((one) => newer(one).at(-1) === one);
        // So is what comes of an NPU that somebody takes again with a container that had ended.
        const its = newest.filter(({ state, request }) => !isOver(state) || npusOf(request).length === 0);
        if (its.length === 0) return null;
        const { id, request, state } = dice.pick(its);
        if (state.kind === "running") world.host.restartByHand(id);
        else if (!world.host.startByHand(id)) return `container ${short(id)} of ${pod} cannot be started by hand`;
        world.witness.startedByHand(request);
        return `container ${short(id)} of ${pod}, ${state.kind}, is started by hand`;
      }),
  },
  renamedByHand: {
    weight: 2,
    ofPod: true,
    never: withoutContainer,
    happen: ({ world, pod, dice }) =>
      byHand(world, () => {
        const all = world.host.containers().filter(({ request }) => request?.pod.id.name === pod);
        if (all.length === 0) return null;
        const { id, request } = dice.pick(all);
        if (request === null) return null;
        // The name that the next attempt needs, or one of somebody's own.
        const next = containerName({ ...request, pod: request.pod.id, attempt: request.attempt + 1 });
        const name = dice.below(3) === 0 ? next : `mine-${short(id)}`;
        world.host.renameByHand(id, name);
        return `container ${short(id)} of ${pod} is called ${world.host.container(id)?.name} by hand`;
      }),
  },
  disconnectedByHand: toRunningByHand(2, (site, id) => {
    site.world.host.disconnectByHand(id);
    return `container ${short(id)} of ${site.pod} is taken out of its network by hand`;
  }),
  pausedByHand: toRunningByHand(2, (site, id) => {
    const on = site.dice.below(2) === 0;
    site.world.host.pauseByHand(id, on);
    return `container ${short(id)} of ${site.pod} is ${on ? "paused" : "let go on"} by hand`;
  }),
  silenced: toRunning(2, (site, id) => {
    const on = site.dice.below(2) === 0;
    site.world.host.silence(id, on);
    return `the engine ${on ? "does not answer" : "answers"} about ${short(id)} of ${site.pod}`;
  }),
  nameTaken: {
    weight: 1,
    ofPod: true,
    never: ["absent", "gone"],
    happen: ({ world, pod }) =>
      byHand(world, () => {
        const desired = world.look((store) => store.desiredPods.get("websocket", pod));
        const container = desired?.pod.spec.containers[0]?.name;
        if (desired === null || container === undefined) return null;
        const attempt = world.look((store) => store.histories.get(desired.pod.id.uid))[container]?.attempt ?? 0;
        const name = containerName({ pod: desired.pod.id, container, attempt: attempt + 1 });
        if (world.host.container(name) !== null) return null;
        world.host.addForeign(name, {});
        return `somebody else has a container ${name}`;
      }),
  },
  probesCannotRun: {
    weight: 1,
    happen({ world, dice }) {
      world.host.fail("exec", { kind: "failed", message: "OCI runtime exec failed" }, 1 + dice.below(4));
      return "probes cannot be run";
    },
  },
  programsTurn: {
    weight: 3,
    ofPod: true,
    happen({ world, pod, dice }) {
      const temper = drawTemper(dice);
      world.programs.temper(pod, temper);
      return `programs of ${pod} that start from now on: ${JSON.stringify(temper)}`;
    },
  },
  livenessFails: toRunning(2, (site, id) => {
    const how = site.dice.pick(["fails", "hangs"] as const);
    site.world.programs.sicken(id, how);
    return `the liveness probe of ${short(id)} of ${site.pod} ${how} from now on`;
  }),
  livenessHiccup: toRunning(2, (site, id) => {
    site.world.programs.hiccup(id, 1 + site.dice.below(2));
    return `the liveness probe of ${short(id)} of ${site.pod} fails once or twice`;
  }),
  readinessTurns: toRunning(3, (site, id) => {
    const busy = site.dice.below(2) === 0;
    site.world.programs.busy(id, busy);
    return `${short(id)} of ${site.pod} is ${busy ? "not " : ""}ready`;
  }),
};
