import { type FetchProgress, withPullProgress } from "../../core/image/pull-progress.ts";
import type { Action } from "../../core/pod/action.ts";
import type { PodHistory } from "../../core/pod/container-history.ts";
import type { DesiredPod } from "../../core/pod/desired.ts";
import { plan } from "../../core/pod/plan.ts";
import { atOnce } from "../../core/pod/sandbox-plan.ts";
import type { Situation, Waiting } from "../../core/pod/situation.ts";
import { podKey } from "../../core/pod/spec.ts";
import { asDesired, stillWanted } from "../../core/pod/terminating-plan.ts";
import { wantedKey } from "../../core/pod/wanted.ts";
import type { Clock } from "../../ports/clock.ts";
import { momentOf } from "../loop/moment.ts";
import { imagesKey, type ReconcilePass } from "./action-outcome.ts";
import type { PodPulls } from "./pod-pulls.ts";
import type { PodPlan, PodPlans } from "./pod-statuses.ts";

export interface PlanPodsParts {
  readonly clock: Clock;
  readonly pulls: Pick<PodPulls, "progress" | "isUnderWay">;
  readonly startsHeld: () => Waiting | null;
}

/** The pods of one name. */
export interface KnownPods
  extends Pick<Situation, "desired" | "before" | "terminating" | "observed" | "npus" | "probes"> {
  readonly historyOf: (uid: string) => PodHistory;
}

/**
 * The plan of the pod that is wanted, and the one of what keeps running until that may take its place: an older pod of the
 * name, or the version before an update.
 */
export function planPods(parts: PlanPodsParts, pass: ReconcilePass, known: KnownPods): PodPlans {
  const planned = (situation: Situation): PodPlan => {
    const uid = situation.desired?.pod.id.uid ?? "";
    const progressOf = (container: string): FetchProgress => parts.pulls.progress(podKey(pass), uid, container);
    return { situation, plan: withPullProgress(plan(situation), progressOf) };
  };
  const { desired, before, terminating, observed, npus, probes, historyOf } = known;
  const wanted = planned({
    desired,
    before,
    terminating,
    observed,
    history: desired === null ? {} : historyOf(desired.pod.id.uid),
    images: desired === null ? {} : knownImages(parts, pass, desired),
    probes,
    npus,
    startsHeld: parts.startsHeld(),
    now: momentOf(parts.clock),
  });
  const { keepsRunning, keepsVersion } = wanted.plan;
  if (keepsVersion !== undefined) {
    const images = knownImages(parts, pass, keepsVersion);
    const version = planned({ ...wanted.situation, desired: keepsVersion, before: null, images });
    return { older: null, version, wanted };
  }
  const older = asDesired(keepsRunning);
  if (keepsRunning === undefined || older === null) return { older: null, version: null, wanted };
  const history = historyOf(older.pod.id.uid);
  const situation = stillWanted(wanted.situation, keepsRunning, { history, images: knownImages(parts, pass, older) });
  return { older: situation === null ? null : planned(situation), version: null, wanted };
}

/**
 * Images that this pass has looked up. Docker names an image before it ends the answer to its pull: while that is under
 * way, the image counts as not here, since only the answer tells the end and whose the image is.
 */
function knownImages(parts: PlanPodsParts, pass: ReconcilePass, wanted: DesiredPod): Situation["images"] {
  const images = new Map<string, string | null>();
  for (const [container, image] of pass.images.get(imagesKey(wanted)) ?? []) images.set(container, image?.id ?? null);
  for (const spec of wanted.pod.spec.containers) {
    const pull = { uid: wanted.pod.id.uid, wanted: wantedKey(wanted, spec), image: spec.image };
    if (parts.pulls.isUnderWay(podKey(pass), pull)) images.set(spec.name, null);
  }
  return Object.fromEntries(images);
}

export interface NextSteps {
  readonly situation: Situation;
  readonly steps: readonly Action[];
}

/** The plan of an older pod comes first; the look-ups of an update come before what its older version needs. */
export function inOrder({ older, version, wanted }: PodPlans): readonly PodPlan[] {
  return [older, wanted, version].filter((plan) => plan !== null);
}

/** The first steps of the first plan that has steps. */
export function firstSteps(podPlans: PodPlans): NextSteps | null {
  const found = inOrder(podPlans).find(({ plan }) => plan.actions.length > 0);
  return found === undefined ? null : { situation: found.situation, steps: atOnce(found.plan.actions) };
}

/** Milliseconds until time alone changes any of the answers; null when it does not. */
export function soonest(podPlans: PodPlans): number | null {
  const times = inOrder(podPlans).flatMap(({ plan }) => plan.requeueAfterMs ?? []);
  return times.length === 0 ? null : Math.min(...times);
}
