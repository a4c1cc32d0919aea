import type { Action } from "./action.ts";
import type { DesiredPod } from "./desired.ts";
import { hasSandbox, sandboxName } from "./identity.ts";
import { hasEnded, isCutOff, isUnknown, type ObservedContainer } from "./observed.ts";
import { newestOf } from "./record.ts";
import { partOf, podDifference } from "./wanted.ts";

type Observed = readonly ObservedContainer[];

/** Stops of containers that may not run on, in this order, once what replaces them can be made. */
export interface Replaced {
  readonly because: string;
  readonly stops: readonly Action[];
  /** A container of the pod as it is wanted runs. */
  readonly hasBegun: boolean;
}

const byHand = "it was disconnected from its network by hand";
const deadSandbox = "its sandbox is dead";

/** The sandbox that containers may join now; undefined while there is none that runs. */
export function runningSandbox(podContainers: Observed): ObservedContainer | undefined {
  const newest = newestOf(podContainers, sandboxName);
  return newest?.state.kind === "running" && newest.disconnected !== true ? newest : undefined;
}

/** Stops of containers that run in a dead sandbox, whatever the restart policy. */
export function stopsOfCutOff(podContainers: Observed, graceSeconds: number): readonly Action[] {
  const cutOff = podContainers.filter((container) => isCutOff(container, podContainers));
  const isByHand = cutOff.some((container) => container.disconnected === true);
  return stops(cutOff, graceSeconds, isByHand ? byHand : deadSandbox);
}

/** Removals of containers that were made to join a sandbox which died before they could be started. */
export function removalsOfCutOff(podContainers: Observed): readonly Action[] {
  const never = podContainers.filter(
    (container) => container.state.kind === "created" && !hasEnded(container) && isCutOff(container, podContainers),
  );
  return never.map(
    (container): Action => ({ kind: "remove", container: container.container, id: container.id, because: deadSandbox }),
  );
}

/**
 * What must stop because the pod as a whole is another one, or has no such container any more. A lone container that
 * stays one needs none of this: it is replaced by itself. What is of the pod as it is wanted already runs on beside a
 * container of the old one that somebody has started again, unless it shares its sandbox.
 */
export function replaced(desired: DesiredPod, podContainers: Observed): Replaced | null {
  const graceSeconds = desired.pod.spec.terminationGracePeriodSeconds;
  const live = podContainers.filter((container) => container.state.kind === "running");
  const shares = hasSandbox(desired.pod.spec) || podContainers.some((container) => container.container === sandboxName);
  const because = shares
    ? live.map((container) => podDifference(container, desired)).find((why) => why !== null)
    : undefined;
  if (because !== undefined) {
    const old = live.filter((container) => podDifference(container, desired) !== null);
    const goes = live.filter(
      (container) => old.includes(container) || old.some(({ id }) => id === container.sandboxId),
    );
    const hasBegun = live.some((container) => container.container !== sandboxName && !goes.includes(container));
    return { because, stops: stops(goes, graceSeconds, because), hasBegun };
  }
  const extra = live.filter((container) => partOf(desired, container.container) === undefined);
  if (extra.length === 0) return null;
  const dropped = `${desired.request} no longer has it`;
  return { because: dropped, stops: stops(extra, graceSeconds, dropped), hasBegun: false };
}

/** Removals of what does not run and is no part of the pod any more. */
export function removalsOfExtra(desired: DesiredPod, podContainers: Observed): readonly Action[] {
  const extra = podContainers.filter(
    (container) =>
      container.state.kind !== "running" && !isUnknown(container) && partOf(desired, container.container) === undefined,
  );
  return removals(extra, podContainers, `${desired.request} no longer has it`);
}

/**
 * Removals of containers, sandboxes last. A sandbox stays while a container that joined it stays: podman removes no
 * container that others depend on (containers/podman, `has dependent containers`).
 */
export function removals(going: Observed, podContainers: Observed, because: string): readonly Action[] {
  const goes = new Set(going.map(({ id }) => id));
  const isJoined = ({ id }: ObservedContainer): boolean =>
    podContainers.some((other) => other.sandboxId === id && !goes.has(other.id));
  const ordered = [
    ...going.filter((container) => container.container !== sandboxName),
    ...going.filter((container) => container.container === sandboxName && !isJoined(container)),
  ];
  return ordered.map(
    (container): Action => ({ kind: "remove", container: container.container, id: container.id, because }),
  );
}

/** Stops of whatever runs, the sandbox last: until then the others have their network to say goodbye in. */
export function stops(podContainers: Observed, graceSeconds: number, because: string): readonly Action[] {
  const live = podContainers.filter((container) => container.state.kind === "running");
  const ordered = [
    ...live.filter((container) => container.container !== sandboxName),
    ...live.filter((container) => container.container === sandboxName),
  ];
  return ordered.map(
    (container): Action => ({ kind: "stop", container: container.container, id: container.id, graceSeconds, because }),
  );
}

/**
 * The first of a plan's actions, and those that are carried out beside it: containers are stopped at the same time, as the
 * kubelet does it (killContainersWithSyncResult), so that a pod takes its grace period once; the sandbox follows alone.
 */
export function atOnce(actions: readonly Action[]): readonly Action[] {
  const isStop = (action: Action): boolean => action.kind === "stop" && action.container !== sandboxName;
  const others = actions.findIndex((action) => !isStop(action));
  return actions.slice(0, others < 0 ? actions.length : Math.max(1, others));
}
