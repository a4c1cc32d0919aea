import { type ContainerHistory, emptyHistory, type Moment } from "../../src/core/pod/container-history.ts";
import type { DesiredPod, TerminatingPod } from "../../src/core/pod/desired.ts";
import { podHashes } from "../../src/core/pod/identity.ts";
import type { ObservedContainer, ObservedState } from "../../src/core/pod/observed.ts";
import type { AcceptedPod, ContainerSpec, PodSpec, RestartPolicy } from "../../src/core/pod/spec.ts";

export const now: Moment = { wall: Date.parse("2026-11-22T12:00:00Z"), mono: 1_000_000, bootId: "boot-1" };
export const ago = (ms: number): Moment => ({ ...now, wall: now.wall - ms, mono: now.mono - ms });
export const rfc3339 = (moment: Moment): string => new Date(moment.wall).toISOString();

export interface PodOptions {
  readonly uid?: string;
  readonly policy?: RestartPolicy;
  readonly image?: string;
  readonly pull?: "Always" | "IfNotPresent";
  readonly containers?: readonly string[];
}

/** What admission fills in where a container says nothing. */
export const containerDefaults = {
  imagePullPolicy: "IfNotPresent",
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["All"] },
    privileged: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  },
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
} as const;

/** The same of a pod. */
export const podDefaults = {
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 30,
  dnsPolicy: "ClusterFirst",
  enableServiceLinks: true,
  schedulerName: "default-scheduler",
  securityContext: {},
  serviceAccountName: "default",
} as const;

export function acceptedPod({
  uid = "u1",
  policy = "Always",
  image = "app:1",
  pull = "IfNotPresent",
  containers = ["app"],
}: PodOptions = {}): AcceptedPod {
  const container = (name: string): ContainerSpec => ({
    ...containerDefaults,
    name,
    image,
    imagePullPolicy: pull,
    resources: { limits: { cpu: "1", memory: "64Mi" }, requests: { cpu: "250m", memory: "64Mi" } },
    securityContext: { ...containerDefaults.securityContext, runAsUser: 1000 },
  });
  const spec: PodSpec = { containers: containers.map(container), ...podDefaults, restartPolicy: policy };
  return {
    id: { namespace: "websocket", name: "web", uid },
    metadata: { name: "web", namespace: "websocket", uid, resourceVersion: "7" },
    spec,
    hashes: podHashes(spec),
  };
}

/** The same pod with another specification. */
export function withSpec(pod: AcceptedPod, spec: PodSpec): AcceptedPod {
  return { ...pod, spec, hashes: podHashes(spec) };
}

export function desiredPod(options: PodOptions & { readonly generation?: number } = {}): DesiredPod {
  return {
    pod: acceptedPod(options),
    generation: options.generation ?? 0,
    acceptedAt: ago(60_000),
    request: "message m2",
    contentHash: "h",
  };
}

export function terminatingPod(
  kind: TerminatingPod["kind"],
  options: PodOptions & { readonly graceSeconds?: number; readonly sinceMs?: number } = {},
): TerminatingPod {
  const pod = acceptedPod(options);
  const since = ago(options.sinceMs ?? 0);
  const rest = {
    generation: 0,
    graceSeconds: options.graceSeconds ?? 30,
    since,
    acceptedAt: ago(60_000),
    isTerminated: false,
  };
  return { seq: 1, kind, id: pod.id, pod, ...rest, deletionTimestamp: rfc3339(since), request: "message m3" };
}

export const running = (since = ago(30_000)): ObservedState => ({ kind: "running", startedAt: rfc3339(since) });
export const exited = (exitCode: number, at = ago(1_000), oomKilled = false): ObservedState => ({
  kind: "exited",
  exitCode,
  oomKilled,
  error: "",
  startedAt: rfc3339(ago(30_000)),
  finishedAt: rfc3339(at),
});

/** A container made from this pod as it is. */
export function container(
  pod: AcceptedPod,
  state: ObservedState,
  changes: Partial<ObservedContainer> = {},
): ObservedContainer {
  const name = changes.container ?? "app";
  const spec = pod.spec.containers.find((one) => one.name === name) ?? pod.spec.containers[0];
  if (spec === undefined) throw new Error("A pod has a container");
  const hashes = { podHash: pod.hashes.pod, specHash: pod.hashes.containers[spec.name] ?? "" };
  return {
    id: `${name}-id-of-attempt-${changes.attempt ?? 0}`,
    pod: pod.id,
    container: name,
    installId: "i",
    attempt: 0,
    generation: 0,
    ...hashes,
    restartPolicy: pod.spec.restartPolicy,
    state,
    imageId: "sha256:app",
    image: "sha256:app",
    ...changes,
  };
}

/** The history of a container made from this pod as it is. */
export function historyOf(pod: AcceptedPod, changes: Partial<ContainerHistory> = {}, name = "app"): ContainerHistory {
  const { podHash: p, specHash: s } = container(pod, running(), { container: name });
  const pinnedImage = { name: pod.spec.containers[0]?.image ?? "", id: "sha256:app", pulledFor: "" };
  return { ...emptyHistory({ attempt: 0, podHash: p, specHash: s, generation: 0 }), pinnedImage, ...changes };
}

export function termination(
  exitCode: number,
  changes: Partial<NonNullable<ContainerHistory["termination"]>> = {},
): NonNullable<ContainerHistory["termination"]> {
  return {
    containerId: "app-id-of-attempt-0",
    exitCode,
    reason: exitCode === 0 ? "Completed" : "Error",
    startedAt: rfc3339(ago(30_000)),
    finishedAt: rfc3339(ago(1_000)),
    interrupted: false,
    ...changes,
  };
}
