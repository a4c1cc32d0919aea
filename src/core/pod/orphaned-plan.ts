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
  const restartable = observed.filter((one) => one.restartPolicy !== "Never");
  const actions: Action[] = [...stopsOfCutOff(restartable, stopSeconds)];
  let requeueAfterMs: number | null = null;
  const sandboxes = observed.filter((one) => one.container === sandboxName);
  for (const one of [...sandboxes, ...observed.filter((other) => other.container !== sandboxName)]) {
    const its = observed.filter((other) => other.pod.uid === one.pod.uid);
    if (one.state.kind !== "exited" || newestOf(its, one.container) !== one) continue;
    if (one.npus?.some((npu) => holderOf(npu, seen)?.id !== one.id)) continue;
    const isStarted = actions.some((action) => action.kind === "start" && action.id === one.sandboxId);
    if (isCutOff(one, its) && !isStarted) continue;
    const history = ownValue(histories.get(one.pod.uid) ?? {}, one.container);
    if (history === undefined || history.diedAt === null || !restarts(policyOf(one), history)) continue;
    const wait = remainingMs(restartDelayMs(history.backoffLevel), history.diedAt, now);
    if (wait > 0) requeueAfterMs = Math.min(requeueAfterMs ?? wait, wait);
    else {
      const because = `no pod here knows it, and its label says ${one.restartPolicy}`;
      actions.push({ kind: "start", container: one.container, id: one.id, because });
    }
  }
  return { actions, pulls: [], waiting: {}, requeueAfterMs };
}

/** Who runs with it or is about to; else who of those that will be started again ended last. No record tells any more. */
function holderOf(npu: string, seen: readonly ObservedContainer[]): ObservedContainer | undefined {
  const its = seen.filter(({ npus }) => npus?.includes(npu));
  const ended = its.filter(({ state, restartPolicy }) => state.kind === "exited" && restartPolicy !== "Never");
  const order = ({ state, id }: ObservedContainer): string =>
    `${state.kind === "exited" ? state.finishedAt : ""} ${id}`;
  const latest = ended.toSorted((a, b) => (order(a) < order(b) ? -1 : 1)).at(-1);
  return its.find(({ state }) => state.kind !== "exited") ?? latest;
}

/** A sandbox runs for the others, however it ended; under Never none of them runs twice. */
function policyOf({ container, restartPolicy }: ObservedContainer): RestartPolicy {
  return container === sandboxName && restartPolicy !== "Never" ? "Always" : restartPolicy;
}
