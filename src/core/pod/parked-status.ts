import type { PodStatus } from "./pod-status.ts";
import { formatTime } from "./time.ts";

/**
 * The status of a pod that the agent does not work on for now: the last known one, with the reason. It is not worked out
 * anew, because that may be what fails.
 * @param before the last known status, null if there is none
 * @param nowWall milliseconds since the epoch
 */
export function parkedStatus(before: PodStatus | null, reason: string, message: string, nowWall: number): PodStatus {
  const last: PodStatus = before ?? {
    phase: "Pending",
    conditions: [],
    startTime: formatTime(nowWall),
    qosClass: "BestEffort",
    containerStatuses: [],
  };
  return { ...last, reason, message };
}
