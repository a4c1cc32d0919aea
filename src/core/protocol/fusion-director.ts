import type { ContainerStatus, PodStatus, TerminatedState } from "../pod/pod-status.ts";
import { parseTime } from "../pod/time.ts";

/**
 * How a pod's states are reported: in Kubernetes' words, or in FusionDirector's (decisions.md 42: Kubernetes' words are
 * what tools understand).
 */
export type StatusDialect = "kubernetes" | "fusion-director";

const creatingMs = 600_000;
const timeoutExitCode = 65_535;
const errorExitCode = 65_534;

/**
 * A status in FusionDirector's words: protocol.md §1.3. A container that waits after a failure is told as failed, one
 * that never came to run as ended after ten minutes or at an error; one such container makes a pod that is Pending or
 * Running a Failed one, with that container's reason and message.
 * @param wall milliseconds since the epoch
 */
export function fusionDirectorStatus(status: PodStatus, wall: number): PodStatus {
  const ageMs = wall - parseTime(status.startTime);
  const translated = status.containerStatuses.map((container) => translate(container, ageMs));
  const containerStatuses = translated.map(({ container }) => container);
  const failure = translated.map((state) => state.failure).find((found) => found !== null);
  if (failure == null || (status.phase !== "Pending" && status.phase !== "Running")) {
    return { ...status, containerStatuses };
  }
  const { reason, message } = failure;
  const { message: _before, ...rest } = status;
  return { ...rest, phase: "Failed", reason, ...(message !== undefined && { message }), containerStatuses };
}

/** Whether what was stored of a pod is a whole status. */
export function isPodStatus(value: unknown): value is PodStatus {
  return typeof value === "object" && value !== null && "containerStatuses" in value;
}

interface Translated {
  readonly container: ContainerStatus;
  readonly failure: TerminatedState | null;
}

function translate(container: ContainerStatus, ageMs: number): Translated {
  const { state, lastState, restartCount } = container;
  const { terminated, waiting } = state;
  if (terminated !== undefined) return { container, failure: terminated.exitCode === 0 ? null : terminated };
  if (waiting === undefined) return { container, failure: null };
  const last = lastState.terminated;
  if (last !== undefined) {
    if (last.exitCode === 0) return { container, failure: null };
    return { container: { ...container, state: lastState }, failure: last };
  }
  if (restartCount > 0) return { container, failure: null };
  const { reason, message } = waiting;
  if (ageMs > creatingMs) {
    const words = {
      reason: `ContainerCreatingTimeout(${reason})`,
      message: `timeout to create container: ${message ?? ""}`,
    };
    return neverRan(container, { exitCode: timeoutExitCode, ...words });
  }
  if (!/error/i.test(reason)) return { container, failure: null };
  return neverRan(container, { exitCode: errorExitCode, reason, ...(message !== undefined && { message }) });
}

function neverRan(
  container: ContainerStatus,
  end: Pick<TerminatedState, "exitCode" | "reason" | "message">,
): Translated {
  const terminated: TerminatedState = { ...end, startedAt: null, finishedAt: null, containerID: "" };
  return { container: { ...container, state: { terminated } }, failure: terminated };
}
