import { ownValue } from "../../core/base/own-value.ts";
import { type Action, actionSentence, type Pull } from "../../core/pod/action.ts";
import { type ContainerHistory, emptyHistory } from "../../core/pod/container-history.ts";
import type { DesiredPod } from "../../core/pod/desired.ts";
import { pinnedFor } from "../../core/pod/image-plan.ts";
import type { Situation } from "../../core/pod/situation.ts";
import { podKey } from "../../core/pod/spec.ts";
import { hashesOf, partOf, wantedKey } from "../../core/pod/wanted.ts";
import type { Store } from "../../ports/store.ts";
import type { RecordedEvent } from "../event-recorder.ts";
import type { OutcomeParts, ReconcilePass } from "./action-outcome.ts";

/**
 * What must be on disk before an action is carried out, so it stands in the caller's commit: an attempt that is about to be
 * made, and why something is done.
 */
export function recordStart(
  parts: OutcomeParts,
  pass: ReconcilePass,
  situation: Situation,
  action: Action | Pull,
): void {
  const { store } = parts;
  if (action.kind === "resolve") return;
  if (action.kind === "create" && situation.desired !== null) {
    recordAttempt(store, situation, situation.desired, action);
  }
  if (action.kind === "stop") recordUnhealthyStop(store, situation, action);
  if (action.kind !== "finish") parts.events.recordPodEvent(podKey(pass), startEvent(action));
}

const announced = {
  pull: "Pulling",
  create: "Creating",
  start: "Starting",
  stop: "Killing",
  remove: "Removing",
} as const;

function startEvent(action: Exclude<Action, { kind: "resolve" | "finish" }> | Pull): RecordedEvent {
  return {
    type: "Normal",
    container: action.container,
    reason: announced[action.kind],
    message: actionSentence(action),
  };
}

/** Records where the image of a pull comes from, once for each source; an archive is null for a registry. */
export function pullRecorder(
  parts: Pick<OutcomeParts, "events">,
  pass: ReconcilePass,
  action: Pull,
): (archive: string | null) => void {
  let recorded: string | null | undefined;
  return (archive) => {
    if (archive === recorded) return;
    recorded = archive;
    const loading = archive === null ? {} : { message: `Loading image ${action.image} from archive ${archive}` };
    parts.events.recordPodEvent(podKey(pass), { ...startEvent(action), ...loading });
  };
}

/** The engine tells only the exit code of a container that the agent stops because its liveness probe failed. */
function recordUnhealthyStop(
  store: Store,
  { desired, history, probes }: Situation,
  { container, id }: Extract<Action, { kind: "stop" }>,
): void {
  const why = ownValue(probes, id)?.why ?? "";
  const before = ownValue(history, container);
  if (desired === null || why === "" || before?.current?.id !== id) return;
  const next: ContainerHistory = { ...before, current: { ...before.current, stoppedBecause: why } };
  store.histories.put(desired.pod.id.uid, { ...history, [container]: next });
}

function recordAttempt(
  store: Store,
  situation: Situation,
  desired: DesiredPod,
  action: Extract<Action, { kind: "create" }>,
): void {
  const spec = partOf(desired, action.container);
  if (spec === undefined) return;
  const made = { attempt: action.attempt, generation: desired.generation, ...hashesOf(desired, spec) };
  const before = ownValue(situation.history, action.container) ?? emptyHistory(made);
  const { updateFailure, ...rest } = before;
  const image = pinnedFor(before, spec.image);
  const isWaiting = updateFailure !== undefined && updateFailure.wanted !== wantedKey(desired, spec);
  const next: ContainerHistory = {
    ...rest,
    ...made,
    backoffLevel: action.backoffLevel,
    current: null,
    termination: null,
    lastTermination: before.termination ?? before.lastTermination,
    diedAt: null,
    ...(image === null ? {} : { madeFrom: image }),
    ...(isWaiting ? { updateFailure } : {}),
  };
  store.histories.put(desired.pod.id.uid, { ...situation.history, [action.container]: next });
  store.npus.put(desired.pod.id, action.container, action.npus);
}
