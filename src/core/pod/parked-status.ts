import type { ContainerStatus, PodStatus } from "./pod-status.ts";
import { qosClass } from "./qos.ts";
import type { AcceptedPod } from "./spec.ts";
import { formatTime } from "./time.ts";

export interface ParkedInput {
  readonly pod: AcceptedPod;
  /** The last known status, null if there is none. */
  readonly before: PodStatus | null;
  readonly reason: string;
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly nowWall: number;
}

/**
 * The status of a pod that the agent does not work on for now: the last known one, with the reason, for which every
 * container that does not run waits. It is not worked out anew, because that may be what fails.
 */
export function parkedStatus({ pod, before, reason, message, nowWall }: ParkedInput): PodStatus {
  const last: PodStatus = before ?? {
    phase: "Pending",
    conditions: [],
    startTime: formatTime(nowWall),
    qosClass: qosClass(pod.spec),
    containerStatuses: pod.spec.containers.map(notMade),
  };
  const containerStatuses = last.containerStatuses.map((one) =>
    one.state.waiting === undefined ? one : { ...one, state: { waiting: { reason } } },
  );
  return { ...last, reason, message, containerStatuses };
}

function notMade({ name, image }: AcceptedPod["spec"]["containers"][number]): ContainerStatus {
  return {
    name,
    state: { waiting: { reason: "ContainerCreating" } },
    lastState: {},
    ready: false,
    started: false,
    restartCount: 0,
    image,
    imageID: "",
  };
}
