import { ownValue } from "../../core/base/own-value.ts";
import { type Action, showAction } from "../../core/pod/action.ts";
import type { PodHistory } from "../../core/pod/container-history.ts";
import type { ObservedContainer } from "../../core/pod/observed.ts";
import { planOrphaned } from "../../core/pod/orphaned-plan.ts";
import { type RecordContext, record } from "../../core/pod/record.ts";
import { podKey } from "../../core/pod/spec.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Engine } from "../../ports/engine.ts";
import type { Store } from "../../ports/store.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { withDeadline } from "../loop/deadline.ts";
import { momentOf } from "../loop/moment.ts";

export interface OrphanParts {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly store: Store;
  readonly events: EventRecorder;
}

/** What a list showed. */
export interface OrphanedContainers {
  /** The containers of one name, none of them of a pod with a row. */
  readonly observed: readonly ObservedContainer[];
  /** Those of all names. */
  readonly seen: readonly ObservedContainer[];
  readonly engineRunId: RecordContext["engineRunId"];
}

const startDeadlineMs = 120_000;
const afterFailureMs = 30_000;

/**
 * Keeps containers running that no pod here knows, by the policy in their label: a lost database must not end what runs.
 * @returns milliseconds until time alone changes the answer, or null
 */
export async function keepOrphansRunning(
  parts: OrphanParts,
  { observed, seen, engineRunId }: OrphanedContainers,
  signal: AbortSignal,
): Promise<number | null> {
  const { store, clock } = parts;
  const context = { now: momentOf(clock), engineRunId };
  const histories = new Map<string, PodHistory>();
  for (const uid of new Set(observed.map((container) => container.pod.uid))) {
    const podContainers = observed.filter((container) => container.pod.uid === uid);
    const { history } = record(store.histories.get(uid), podContainers, context);
    store.histories.put(uid, history);
    histories.set(uid, history);
  }
  const { actions, requeueAfterMs } = planOrphaned(observed, histories, context.now, seen);
  const action = actions.find(isOfEngine);
  const candidate = observed.find((other) => other.id === action?.id);
  if (action === undefined || candidate === undefined) return requeueAfterMs;
  const done = await withDeadline(clock, startDeadlineMs, signal, (deadline) =>
    action.kind === "stop"
      ? parts.engine.stop(candidate.id, action.graceSeconds, deadline)
      : parts.engine.start(candidate.id, deadline),
  );
  const message = `${showAction(action)}${done.ok ? "" : `: ${done.error.message}`}`;
  store.transaction("normal", () => {
    parts.events.recordPodEvent(podKey(candidate.pod), {
      type: done.ok ? "Normal" : "Warning",
      container: candidate.container,
      reason: action.kind === "stop" ? "Killing" : "Starting",
      message,
    });
    if (action.kind === "start") raiseLevel(store, candidate);
  });
  // One at a time: while an engine hangs over it somebody else may take the NPU that the next one has.
  return done.ok ? 0 : afterFailureMs;
}

type OfEngine = Extract<Action, { kind: "start" | "stop" }>;

const isOfEngine = (action: Action): action is OfEngine => action.kind === "start" || action.kind === "stop";

/** It is started in place, so no new attempt says that this was a restart. */
function raiseLevel(store: Store, { pod: { uid }, container }: ObservedContainer): void {
  const history = store.histories.get(uid);
  const before = ownValue(history, container);
  if (before === undefined) return;
  store.histories.put(uid, { ...history, [container]: { ...before, backoffLevel: before.backoffLevel + 1 } });
}
