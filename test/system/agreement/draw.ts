import { seededRandom } from "../../fakes/random.ts";
import type { Outcome } from "./outcome.ts";
import type { Asking, Asks, Happening, PodPlan, ToContainer } from "./scenario.ts";

/** What a scenario has come to so far. */
interface Course {
  readonly random: ReturnType<typeof seededRandom>;
  readonly wanted: Map<string, PodPlan>;
  /** How often containers of each pod have ended since it was asked for. */
  readonly ends: Map<string, number>;
  /** What the device has been asked for since it had no data. */
  readonly past: Asking[];
  versions: number;
}

const names = ["a", "b", "c"] as const;
const containerNames = ["app", "side", "third"] as const;
/** A container that ends more often waits too long for a test that really waits. */
const mostEnds = 3;

/** Draws what happens next, from one seed and from how things stand. */
export function createDraw(seed: number): (now: Outcome) => Happening {
  const course: Course = {
    random: seededRandom(seed ^ 0xa62ee),
    wanted: new Map(),
    ends: new Map(),
    past: [],
    versions: 0,
  };
  return (now) => drawn(course, now);
}

function drawn(course: Course, now: Outcome): Happening {
  const { random, wanted, past } = course;
  const absent = names.find((name) => !wanted.has(name));
  if (absent !== undefined && random.below(2) === 0) return updated(course, absent, "update");
  const kind = random.below(12);
  const outside = ["endsWell", "endsBadly", "isRemoved"] as const;
  if (kind < 2) return asked(course, random.pick(names));
  if (kind < 3) {
    const name = random.pick(names);
    return { kind: "burst", all: [asked(course, name), asked(course, name)] };
  }
  if (kind < 4) {
    const hangs = random.pick(["engine", "containerd"] as const);
    return { kind: "hangs", hangs, meanwhile: asked(course, random.pick(names)) };
  }
  if (kind < 7) {
    const inside = ["sickens", "isBusy", "isFree"] as const;
    return toContainer(course, now, [...outside, ...inside]) ?? asked(course, random.pick(names));
  }
  if (kind === 7) {
    const how = random.pick(["stop", "kill"] as const);
    return { kind: "agentAway", how, meanwhile: random.below(3) === 0 ? null : toContainer(course, now, outside) };
  }
  if (kind === 8) return random.below(2) === 0 ? engineAway(course) : { kind: "centerAway" };
  if (kind < 11) return old(course) ?? asked(course, random.pick(names));
  // The device finds its install id again on the containers that it has made.
  if (now.running.length === 0 || random.below(2) === 0) return asked(course, random.pick(names));
  past.length = 0;
  return { kind: "dataLost", again: [...wanted.values()].map((pod) => noted(course, "update", pod)) };
}

function plan(course: Course, name: string, uid: string, restartPolicy: string): PodPlan {
  const { random } = course;
  course.versions += 1;
  const containers = containerNames.slice(0, 1 + random.below(3)).map((container) => ({
    name: container,
    image: random.pick(["edge.test/busybox:1", "edge.test/busybox:1", "edge.test/busybox:2"] as const),
    ...(container === "app" && random.below(2) === 0 ? { hostPort: 8000 + name.charCodeAt(0) } : {}),
    liveness: random.below(2) === 0,
    readiness: random.below(2) === 0,
  }));
  return { name, uid, version: course.versions, restartPolicy, containers };
}

function noted({ random, past }: Course, asks: Asks, pod: PodPlan): Asking {
  const asking = { kind: "asks", asks, pod, msgId: random.uuid() } as const;
  past.push(asking);
  return asking;
}

function updated(course: Course, name: string, asks: "update" | "newUid"): Asking {
  const { random, wanted, ends } = course;
  const before = wanted.get(name);
  const policy = random.pick(["Always", "Always", "OnFailure", "Never"] as const);
  const isOther = before === undefined || asks === "newUid";
  const pod = isOther
    ? plan(course, name, random.uuid(), policy)
    : plan(course, name, before.uid, before.restartPolicy);
  wanted.set(name, pod);
  ends.delete(name);
  return noted(course, before === undefined ? "update" : asks, pod);
}

function asked(course: Course, name: string): Asking {
  const { random, wanted, ends } = course;
  const pod = wanted.get(name);
  const asks = random.pick(["update", "update", "newUid", "restart", "delete", "gracefulDelete"] as const);
  if (asks === "update" || asks === "newUid") return updated(course, name, asks);
  if (pod === undefined) return updated(course, name, "update");
  if (asks !== "restart") wanted.delete(name);
  ends.delete(name);
  return noted(course, asks, pod);
}

/** Nothing of it may change anything, but for a repeat that makes the device say again what it has said. */
function old({ random, wanted, past }: Course): Happening | null {
  const how = random.pick(["repeat", "staleUpdate", "lateDelete"] as const);
  const isOver = ({ asks, pod }: Asking): boolean => {
    const now = wanted.get(pod.name);
    if (asks !== "update" && asks !== "newUid") return false;
    return now?.uid !== pod.uid || (how === "staleUpdate" && pod.version < now.version);
  };
  const from = how === "repeat" ? past : past.filter(isOver);
  if (from.length === 0) return null;
  const message = random.pick(from);
  if (how === "repeat") return { kind: "old", how, message };
  const asks = how === "lateDelete" ? "delete" : message.asks;
  return { kind: "old", how, message: { ...message, asks, msgId: random.uuid() } };
}

function toContainer(course: Course, now: Outcome, kinds: readonly ToContainer[]): Happening | null {
  const { random, wanted, ends } = course;
  const may = now.running.filter((one) => (ends.get(one.pod) ?? 0) < mostEnds && one.container !== "POD");
  if (may.length === 0) return null;
  const { pod, container } = random.pick(may);
  const probed = wanted.get(pod)?.containers.find((one) => one.name === container);
  const happens = random.pick(kinds.filter((one) => one !== "sickens" || probed?.liveness === true));
  if (happens !== "isBusy" && happens !== "isFree") ends.set(pod, (ends.get(pod) ?? 0) + 1);
  return { kind: "container", happens, pod, container };
}

function engineAway({ random, ends }: Course): Happening {
  // Every container of every pod ends with an engine that keeps none alive.
  for (const name of names) ends.set(name, (ends.get(name) ?? 0) + 1);
  return { kind: "engineAway", how: random.pick(["stop", "crash"] as const) };
}
