import type { PodStatus } from "../../../src/core/pod/pod-status.ts";
import type { PodStatusEntry } from "../../../src/core/protocol/replies.ts";
import type { World } from "../world/world.ts";

/** A pod that has nothing to do with what is wrong, and how often it has been restarted. */
export interface Untroubled {
  readonly uid: string;
  readonly restarts: number;
}

/**
 * Whether trouble with one pod, its container or its registry held up others: each has to run, in the engine and in the last
 * report that the center got, after so many restarts. One sentence for each that does not.
 */
export function heldUp(world: World, others: readonly Untroubled[]): readonly string[] {
  const running = world.host.running();
  return others.flatMap(({ uid, restarts }) => {
    const attempts = running
      .filter(({ request }) => request?.pod.id.uid === uid)
      .map(({ request }) => request?.attempt);
    const status = lastReported(world).find((entry) => entry.UID === uid)?.status as PodStatus | undefined;
    const one = status?.containerStatuses[0];
    const reported = one?.state.running !== undefined && one.ready ? one.restartCount : null;
    return attempts.join() === String(restarts) && reported === restarts
      ? []
      : [`${uid} runs attempts [${attempts}] and is reported with ${reported}, expected ${restarts}`];
  });
}

/** What the center knows of the pods. */
function lastReported(world: World): readonly PodStatusEntry[] {
  const reports = world.center
    .received()
    .map((text) => JSON.parse(text))
    .filter(({ route }) => route?.resource === "websocket/podstatus");
  return reports.at(-1)?.content ?? [];
}
