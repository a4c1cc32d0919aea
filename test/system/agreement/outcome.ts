import type { PodStatus } from "../../../src/core/pod/pod-status.ts";

/** How things stand once nothing moves any more, without what differs between any two devices: ids, times, addresses. */
export interface Outcome {
  readonly reported: readonly ReportedPod[];
  readonly running: readonly RunningContainer[];
}

/** A container that runs on the engine. */
export interface RunningContainer {
  readonly pod: string;
  readonly uid: string;
  readonly container: string;
  readonly attempt: number;
  /** Of the specification it was made from; null for a sandbox. */
  readonly version: string | null;
}

interface ReportedPod {
  readonly name: string;
  readonly uid: string;
  readonly phase: string;
  readonly conditions: readonly string[];
  readonly containers: readonly string[];
}

/** A pod in a podstatus message, as much as is compared. */
export interface ReportedEntry {
  readonly Name: string;
  readonly UID: string;
  readonly status: PodStatus;
}

export function outcomeOf(report: readonly ReportedEntry[], running: readonly RunningContainer[]): Outcome {
  const key = (one: RunningContainer): string => `${one.pod}/${one.container}`;
  return {
    reported: report.map(reportedPod).sort((a, b) => (a.name < b.name ? -1 : 1)),
    running: [...running].sort((a, b) => (key(a) < key(b) ? -1 : 1)),
  };
}

function reportedPod({ Name, UID, status }: ReportedEntry): ReportedPod {
  return {
    name: Name,
    uid: UID,
    phase: status.phase,
    conditions: status.conditions.map(({ type, status: is, reason }) => `${type} ${is} ${reason ?? ""}`.trim()),
    containers: status.containerStatuses.map(
      ({ name, ready, started, restartCount, state, lastState }) =>
        `${name}${ready ? " ready" : ""}${started ? " started" : ""}, ${stateInShort(state)} after ${restartCount} restarts, before ${stateInShort(lastState)}`,
    ),
  };
}

function stateInShort({ running, waiting, terminated }: PodStatus["containerStatuses"][number]["state"]): string {
  if (running !== undefined) return "running";
  if (waiting !== undefined) return `waiting: ${waiting.reason}`;
  if (terminated === undefined) return "nothing";
  // `docker rm -f` kills before it removes: whether the agent looks in between is chance.
  const isKilled = terminated.exitCode === 137 && ["Error", "ContainerStatusUnknown"].includes(terminated.reason);
  return isKilled ? "killed or vanished" : `${terminated.reason} ${terminated.exitCode}`;
}
