import type { TerminatingPod } from "../../core/pod/desired.ts";
import type { Situation } from "../../core/pod/situation.ts";
import { podKey } from "../../core/pod/spec.ts";
import type { PodFiles } from "../../ports/pod-files.ts";
import type { EventRecorder } from "../event-recorder.ts";
import type { ReconcilePass } from "./action-outcome.ts";
import { freeNpus } from "./npus.ts";
import { type StatusKeeperParts, saveStatus } from "./pod-statuses.ts";

export interface FinishPodParts extends StatusKeeperParts {
  readonly podFiles: Pick<PodFiles, "removeVolumes">;
  readonly events: EventRecorder;
}

/** Ended pods of the device itself whose final status waits for the center, at most: it may be away for long, or there is none. */
const mostUnreported = 16;

/** The oldest go. A pod of the center is kept until the center knows of its end. */
function dropOldestOfDevice({ terminatingPods, statuses }: StatusKeeperParts["store"]): void {
  const ended = terminatingPods.list().filter(({ pod, isTerminated }) => isTerminated && pod?.origin !== undefined);
  for (const { seq, id } of ended.slice(0, -mostUnreported)) {
    terminatingPods.delete(seq);
    statuses.delete(id.uid);
  }
}

/** A terminating pod has no container left: its final status is kept until it was reported, everything else of it goes. */
export function finishPod(
  parts: FinishPodParts,
  pass: ReconcilePass,
  situation: Situation,
  terminating: TerminatingPod,
): void {
  const { store, events } = parts;
  const { uid, name } = terminating.id;
  const wantedAgain = situation.desired?.pod.id.uid === uid;
  const forget = uid !== "" && !wantedAgain;
  store.transaction("normal", () => {
    const message = `Pod ${name} (${uid || "any uid"}) was deleted`;
    events.recordPodEvent(podKey(pass), { type: "Normal", reason: "Deleted", message });
    if (terminating.pod === null || !forget) store.terminatingPods.delete(terminating.seq);
    else {
      saveStatus(parts, terminating.pod, {
        history: store.histories.get(uid),
        observed: [],
        waiting: {},
        probes: {},
        termination: "terminated",
        acceptedAtWall: terminating.acceptedAt.wall,
      });
      store.terminatingPods.put({ ...terminating, isTerminated: true });
    }
    dropOldestOfDevice(store);
    if (uid !== "") store.histories.delete(uid);
    if (forget) freeNpus(store, terminating.id);
  });
  if (forget) parts.podFiles.removeVolumes(uid);
  parts.onStatusChanged();
}
