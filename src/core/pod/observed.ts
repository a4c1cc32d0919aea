import type { PodId, Protocol, RestartPolicy } from "./spec.ts";

/** A container of a pod as the engine shows it: one point in time, no history. */
export interface ObservedContainer {
  readonly id: string;
  readonly pod: PodId;
  readonly container: string;
  /** From its labels. */
  readonly installId: string;
  readonly attempt: number;
  readonly generation: number;
  readonly podHash: string;
  readonly specHash: string;
  readonly restartPolicy: RestartPolicy;
  readonly state: ObservedState;
  /** Image id (`sha256:…`) it runs, and the name it was asked for by. */
  readonly imageId: string;
  readonly image: string;
  /** The sandbox it was made to join, whether or not that is still there. */
  readonly sandboxId?: string;
  /** NPUs that were passed to it, by the names of their device nodes; absent where none was. */
  readonly npus?: readonly string[];
  /** Ports of the host that were published for it, running or not; absent where none was. */
  readonly hostPorts?: readonly string[];
  /** Its first process as the host counts them; absent while it does not run. */
  readonly pid?: number;
  /** What it is called now; absent while that is what its labels say. */
  readonly renamed?: string;
  /** It runs and was taken out of its own network; absent while it was not. */
  readonly disconnected?: true;
  /** Address in its network; absent while it does not run and with the host's network. */
  readonly ip?: string;
}

/**
 * created: never ran; `startError` holds the engine's words when a start was tried and failed, `cannotRun` is there when it
 * failed for the program and not for the device. Times are RFC 3339 of
 * the host's wall clock, as the engine has them: no duration may be computed from them alone, as that clock may jump.
 * unknown: it is there, and the engine does not answer about it; what was known of it before is neither confirmed nor refuted.
 */
export type ObservedState =
  | { readonly kind: "created"; readonly startError?: string; readonly cannotRun?: CannotRun }
  | { readonly kind: "running"; readonly startedAt: string; readonly paused?: true }
  | { readonly kind: "unknown"; readonly paused?: true }
  | {
      readonly kind: "exited";
      readonly exitCode: number;
      readonly oomKilled: boolean;
      readonly error: string;
      /** What it left in its termination log, if that was looked at. */
      readonly lastWords?: string;
      readonly startedAt: string;
      readonly finishedAt: string;
    };

/** A program that the engine could not start: there is no such file, it may not be executed, or the runtime rejects it. */
export interface CannotRun {
  /** 126, 127 or 128: no process ever had it. */
  readonly exitCode: number;
  /** RFC 3339. The engine has no time of the start that failed. */
  readonly createdAt: string;
}

/** How a port of the host is named in `hostPorts`. */
export function hostPortKey(protocol: Protocol, port: number): string {
  return `${port}/${protocol}`;
}

/** Whether the engine does not answer about it. Nothing is done to such a container, and nothing is concluded from it. */
export function isUnknown({ state }: ObservedContainer): boolean {
  return state.kind === "unknown";
}

/** Whether it is over: it ran, or its program cannot run. Another attempt takes its place, or none does. */
export function hasEnded({ state }: ObservedContainer): boolean {
  return state.kind === "exited" || (state.kind === "created" && state.cannotRun !== undefined);
}

/** Whether somebody has paused it: its processes are there and stand still. */
export function isPaused({ state }: ObservedContainer): boolean {
  return (state.kind === "running" || state.kind === "unknown") && state.paused === true;
}

/** Whether somebody has taken it, or the sandbox that it is in, out of the network. */
export function isDisconnected(container: ObservedContainer, podContainers: readonly ObservedContainer[]): boolean {
  const sandbox = podContainers.find(({ id }) => id === container.sandboxId);
  return container.disconnected === true || sandbox?.disconnected === true;
}

/**
 * Whether it has no network any more: somebody has disconnected it or its sandbox, or its sandbox is gone. It may run, and
 * another one has to take its place.
 */
export function isCutOff(container: ObservedContainer, podContainers: readonly ObservedContainer[]): boolean {
  if (container.disconnected === true) return true;
  if (container.sandboxId === undefined) return false;
  return !podContainers.some(
    (other) =>
      other.id === container.sandboxId && ((other.state.kind === "running" && !other.disconnected) || isUnknown(other)),
  );
}
