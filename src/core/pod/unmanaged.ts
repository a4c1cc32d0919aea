import type { Action } from "./action.ts";
import { remainingMs, restartDelayMs } from "./backoff.ts";
import type { Moment, PodHistory } from "./history.ts";
import type { ObservedContainer } from "./observed.ts";
import { type Plan, restarts } from "./plan.ts";
import { newestOf } from "./record.ts";

/**
 * What to do for containers of ours that no pod here knows (a database was lost): they are kept running by the restart
 * policy in their label, started again as they are since nobody knows what they were made from, and never removed
 * (lifecycle.md, Delete).
 * @param histories by uid
 */
export function planUnmanaged(
  observed: readonly ObservedContainer[],
  histories: Readonly<Record<string, PodHistory>>,
  now: Moment,
): Plan {
  const actions: Action[] = [];
  let lookAgainInMs: number | null = null;
  for (const one of observed) {
    const its = observed.filter((other) => other.pod.uid === one.pod.uid);
    if (one.state.kind !== "exited" || newestOf(its, one.container) !== one) continue;
    const history = histories[one.pod.uid]?.[one.container];
    if (history === undefined || history.diedAt === null || !restarts(one.restartPolicy, history)) continue;
    const wait = remainingMs(restartDelayMs(history.backoffLevel), history.diedAt, now);
    if (wait > 0) lookAgainInMs = Math.min(lookAgainInMs ?? wait, wait);
    else {
      const because = `no pod here knows it, and its label says ${one.restartPolicy}`;
      actions.push({ kind: "start", container: one.container, id: one.id, because });
    }
  }
  return { actions, waiting: {}, lookAgainInMs };
}
