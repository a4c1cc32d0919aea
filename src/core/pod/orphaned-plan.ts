import { ownValue } from "../base/own-value.ts";
import type { Action } from "./action.ts";
import { remainingMs, restartDelayMs } from "./backoff.ts";
import type { Moment, PodHistory } from "./container-history.ts";
import { sandboxName } from "./identity.ts";
import { isCutOff, type ObservedContainer } from "./observed.ts";
import { restarts } from "./plan.ts";
import { newestOf } from "./record.ts";
import { stopsOfCutOff } from "./sandbox-plan.ts";
import type { Plan } from "./situation.ts";
import type { RestartPolicy } from "./spec.ts";

const stopSeconds = 30;

/**
 * What to do for containers of ours that no pod here knows (a database was lost): they are kept running by the restart
 * policy in their label, started again as they are since nobody knows what they were made from, and never removed
 * (lifecycle.md, Delete).
 * @param histories by uid
 * @param seen the containers of all names: whoever was made with an NPU that is another one's waits for it
 */
export function planOrphaned(
  observed: readonly ObservedContainer[],
  histories: ReadonlyMap<string, PodHistory>,
  now: Moment,
  seen: readonly ObservedContainer[] = observed,
): Plan {
  // What runs in a dead sandbox has no network until it is started again in it.
  const restartable = observed.filter((container) => container.restartPolicy !== "Never");
  const actions: Action[] = [...stopsOfCutOff(restartable, stopSeconds)];
  let requeueAfterMs: number | null = null;
  const sandboxes = observed.filter((container) => container.container === sandboxName);
  for (const candidate of [...sandboxes, ...observed.filter((other) => other.container !== sandboxName)]) {
    const podContainers = observed.filter((other) => other.pod.uid === candidate.pod.uid);
    if (candidate.state.kind !== "exited" || newestOf(podContainers, candidate.container) !== candidate) continue;
    if (candidate.npus?.some((npu) => holderOf(npu, seen)?.id !== candidate.id)) continue;
    const isStarted = actions.some((action) => action.kind === "start" && action.id === candidate.sandboxId);
    if (isCutOff(candidate, podContainers) && !isStarted) continue;
    const history = ownValue(histories.get(candidate.pod.uid) ?? {}, candidate.container);
    if (history === undefined || history.diedAt === null || !restarts(policyOf(candidate), history)) continue;
    const wait = remainingMs(restartDelayMs(history.backoffLevel), history.diedAt, now);
    if (wait > 0) requeueAfterMs = Math.min(requeueAfterMs ?? wait, wait);
    else {
      const because = `no pod here knows it, and its label says ${candidate.restartPolicy}`;
      actions.push({ kind: "start", container: candidate.container, id: candidate.id, because });
    }
  }
  return { actions, pulls: [], waiting: {}, requeueAfterMs };
}

/** Who runs with it or is about to; else who of those that will be started again ended last. No record tells any more. */
function holderOf(npu: string, seen: readonly ObservedContainer[]): ObservedContainer | undefined {
  const podContainers = seen.filter(({ npus }) => npus?.includes(npu));
  const ended = podContainers.filter(
    ({ state, restartPolicy }) => state.kind === "exited" && restartPolicy !== "Never",
  );
  const order = ({ state, id }: ObservedContainer): string =>
    `${state.kind === "exited" ? state.finishedAt : ""} ${id}`;
  const latest = ended.toSorted((a, b) => (order(a) < order(b) ? -1 : 1)).at(-1);
  return podContainers.find(({ state }) => state.kind !== "exited") ?? latest;
}

/** A sandbox runs for the others, however it ended; under Never none of them runs twice. */
function policyOf({ container, restartPolicy }: ObservedContainer): RestartPolicy {
  return container === sandboxName && restartPolicy !== "Never" ? "Always" : restartPolicy;
}
