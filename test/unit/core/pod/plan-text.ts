import { showAction } from "../../../../src/core/pod/action.ts";
import { plan } from "../../../../src/core/pod/plan.ts";
import type { Plan, Situation } from "../../../../src/core/pod/situation.ts";
import { now } from "../../../samples/pods.ts";

/** A situation and the plan for it, word by word. */
export interface PlanGolden {
  readonly name: string;
  readonly situation: Partial<Situation>;
  readonly expected: string;
}

export const noNpus = { present: [], missing: null, holders: [] };

/** The plan for a situation of which only what matters is given. */
export function planOf(situation: Partial<Situation>): Plan {
  return plan({
    desired: null,
    before: null,
    terminating: [],
    observed: [],
    history: {},
    images: {},
    probes: {},
    startsHeld: null,
    npus: noNpus,
    now,
    ...situation,
  });
}

/** A plan as a reader sees it: the actions, why containers wait, and when to look again. */
export function planText(situation: Partial<Situation>): string {
  const { actions, pulls, waiting, update = {}, requeueAfterMs } = planOf(situation);
  const lines = [
    ...[...actions, ...pulls].map(showAction),
    ...Object.entries(waiting).map(
      ([name, { reason, message }]) => `${name} waits: ${reason}${message === undefined ? "" : `: ${message}`}`,
    ),
    ...Object.entries(update).map(
      ([name, { reason, message }]) =>
        `the update of ${name} waits: ${reason}${message === undefined ? "" : `: ${message}`}`,
    ),
    ...(requeueAfterMs === null ? [] : [`look again in ${requeueAfterMs / 1000} s`]),
  ];
  return lines.join("\n");
}
