import { difference, partOf } from "../../../src/core/pod/wanted.ts";
import { observed } from "../../fakes/engine-container.ts";
import type { MemoryStore } from "../../fakes/store.ts";
import type { World } from "../world/world.ts";

/** What a pod can be in the middle of when something happens to it. */
export const podStates = [
  "absent",
  "waiting",
  "pulling",
  "failing",
  "created",
  "running",
  "unready",
  "sick",
  "replacing",
  "back-off",
  "ended",
  "replacing",
  "terminating",
  "gone",
] as const;

export type PodState = (typeof podStates)[number];

/** The state of each pod as the store and the engine have it now. */
export function statesOf(world: World, names: readonly string[]): readonly PodState[] {
  return world.look((store) => names.map((name) => stateOf(world, store, name)));
}

function stateOf(world: World, store: MemoryStore, name: string): PodState {
  const terminating = store.terminatingPods.list().filter((one) => one.id.name === name);
  const desired = store.desiredPods.get("websocket", name);
  if (terminating.some((one) => one.kind === "deleted" && !one.isTerminated)) return "terminating";
  if (desired === null) return terminating.length > 0 ? "gone" : "absent";
  if (terminating.some((one) => one.kind === "replaced" && !one.isTerminated)) return "replacing";
  const { uid } = desired.pod.id;
  const its = world.host.containers().filter(({ request }) => request?.pod.id.uid === uid);
  const running = its.filter(({ state }) => state.kind === "running");
  const history = store.histories.get(uid);
  const changed = running.some((one) => {
    const seen = observed(one);
    const part = seen === null ? undefined : partOf(desired, seen.container);
    return seen === null || part === undefined || difference(seen, desired, part) !== null;
  });
  if (changed) return "replacing";
  if (running.length >= desired.pod.spec.containers.length) {
    if (running.some(({ id }) => world.programs.isSick(id))) return "sick";
    return running.some(({ id }) => world.programs.isBusy(id)) ? "unready" : "running";
  }
  const failures = Object.values(history).map((one) => one.failure?.reason);
  if (failures.includes("ErrImagePull")) return "pulling";
  if (failures.some((one) => one !== undefined)) return "failing";
  if (its.some(({ state }) => state.kind === "created")) return "created";
  if (!its.some(({ state }) => state.kind === "exited")) return "waiting";
  return desired.pod.spec.restartPolicy === "Always" ? "back-off" : "ended";
}
