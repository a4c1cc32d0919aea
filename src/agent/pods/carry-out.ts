import type { Action } from "../../core/pod/action.ts";
import type { DesiredPod } from "../../core/pod/desired.ts";
import { podKey } from "../../core/pod/spec.ts";
import type { Store } from "../../ports/store.ts";
import type { ContainerLister } from "../engine/container-lister.ts";
import { imagesKey, type OutcomeParts, type ReconcilePass, recordOutcome } from "./action-outcome.ts";
import type { ExecuteContext } from "./create-request.ts";
import { type ExecutorParts, execute } from "./executor.ts";
import { finishPod } from "./finish-pod.ts";
import type { OwnEvent, OwnEvents } from "./own-events.ts";
import type { NextSteps } from "./plan-pods.ts";
import type { StatusKeeperParts } from "./pod-statuses.ts";
import type { Stops } from "./stops.ts";

export interface CarryOutParts extends ExecutorParts, OutcomeParts, StatusKeeperParts {
  readonly store: Store;
  readonly lister: Pick<ContainerLister, "changed">;
  readonly ownEvents: Pick<OwnEvents, "begin" | "end">;
  readonly stops: Pick<Stops, "begin">;
  readonly installId: () => string;
}

/**
 * What steps have come to. known: it is in the lister, as far as containers are concerned. look: only a list tells. unknown:
 * nothing is known, and the pass should end.
 */
type Effect = "known" | "look" | "unknown";

/** Carries out the first steps of a plan at once, and records what came of them. */
export async function carryOut(
  parts: CarryOutParts,
  pass: ReconcilePass,
  { situation, steps }: NextSteps,
  signal: AbortSignal,
): Promise<Effect> {
  const expected: OwnEvent[] = [];
  parts.ownEvents.begin(podKey(pass));
  try {
    const carriedOut = steps.map(async (action): Promise<Effect> => {
      if (action.kind === "finish") {
        finishPod(parts, pass, situation, action.terminating);
        return "known";
      }
      const endStop = action.kind === "stop" ? parts.stops.begin(action) : () => undefined;
      const executed = execute(parts, action, contextOf(parts, pass, situation.desired), signal);
      const outcome = await executed.finally(endStop);
      const change = outcome.kind === "done" ? outcome.change : null;
      if (change !== null) {
        parts.lister.changed([change]);
        expected.push(...eventsOf(action, change.id));
      }
      if (!recordOutcome(parts, pass, situation, action, outcome)) return "unknown";
      return change !== null || action.kind === "resolve" ? "known" : "look";
    });
    const effects = await Promise.all(carriedOut);
    return effects.find((effect) => effect === "unknown") ?? effects.find((effect) => effect === "look") ?? "known";
  } finally {
    parts.ownEvents.end(podKey(pass), expected);
  }
}

/** What the engine tells of an action that worked. SIGTERM and SIGKILL are an event each. */
function eventsOf({ kind }: Action, containerId: string): readonly OwnEvent[] {
  return (ownWords.get(kind) ?? []).map((action) => ({ action, containerId }));
}

const ownWords: ReadonlyMap<Action["kind"], readonly string[]> = new Map([
  ["create", ["create"]],
  ["start", ["start"]],
  ["stop", ["kill", "kill", "die", "stop"]],
  ["remove", ["destroy"]],
]);

function contextOf(parts: CarryOutParts, pass: ReconcilePass, desired: DesiredPod | null): ExecuteContext {
  const images = (desired === null ? undefined : pass.images.get(imagesKey(desired))) ?? new Map();
  return { installId: parts.installId(), desired, images };
}
