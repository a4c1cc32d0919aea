import type { QosClass } from "./qos.ts";

/** Kubernetes PodStatus (core/v1), as much of it as a device fills in. Absent means absent, but for lastProbeTime. */
export interface PodStatus {
  readonly phase: Phase;
  readonly conditions: readonly PodCondition[];
  readonly message?: string;
  readonly reason?: string;
  readonly hostIP?: string;
  readonly podIP?: string;
  readonly podIPs?: readonly { readonly ip: string }[];
  readonly startTime: string;
  readonly qosClass: QosClass;
  readonly containerStatuses: readonly ContainerStatus[];
}

export type Phase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";

export interface PodCondition {
  readonly type: "Initialized" | "Ready" | "ContainersReady" | "PodScheduled";
  readonly status: "True" | "False";
  readonly lastProbeTime: null;
  readonly lastTransitionTime: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface ContainerStatus {
  readonly name: string;
  readonly state: ContainerState;
  readonly lastState: ContainerState;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly image: string;
  readonly imageID: string;
  readonly containerID?: string;
}

/** At most one of the three; `{}` where there was no state before. */
export interface ContainerState {
  readonly running?: { readonly startedAt: string };
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly terminated?: TerminatedState;
}

export interface TerminatedState {
  readonly exitCode: number;
  readonly reason: string;
  readonly message?: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** Absent where no container was ever made. */
  readonly containerID?: string;
}
