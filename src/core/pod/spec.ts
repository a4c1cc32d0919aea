/**
 * What a pod is once admission has accepted it: Kubernetes' shape, narrowed to what this device enforces, with the
 * secure defaults filled in. Reported to the center exactly as it stands here (decisions.md 43: the center
 * sees what runs, not what it sent).
 */

/** A pod on this device. `uid` is never empty: lifecycle.md, Identity. */
export interface PodId {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface PodMetadata {
  readonly name: string;
  readonly namespace: string;
  /** As it was sent, so it may be empty or absent; {@link PodId.uid} is what the device goes by. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export type RestartPolicy = "Always" | "OnFailure" | "Never";
export type PullPolicy = "Always" | "IfNotPresent";
export type Protocol = "TCP" | "UDP";

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly hostPort: number;
  readonly protocol: Protocol;
  readonly hostIP: string;
}

export interface EnvVar {
  readonly name: string;
  readonly value: string;
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
}

export interface HttpGet {
  readonly host?: string;
  readonly path: string;
  readonly port: number;
  readonly scheme: "HTTP" | "HTTPS";
}

/** Seconds as Kubernetes counts them: initialDelay 0, period 10, timeout 1 when the message left them out. */
export interface Probe {
  readonly exec?: { readonly command: readonly [string] };
  readonly httpGet?: HttpGet;
  readonly initialDelaySeconds: number;
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly successThreshold: 1;
  readonly failureThreshold: 3;
}

/** Kubernetes quantities as text ("250m", "512Mi"), keyed by resource name; `npu` is already the device's own name. */
export type ResourceList = Readonly<Record<string, string>>;

export interface Resources {
  readonly limits: ResourceList;
  readonly requests: ResourceList;
}

export interface ContainerSecurity {
  readonly allowPrivilegeEscalation: boolean;
  /** `add` holds names with no `CAP_` in upper case; `drop` is `["All"]` unless policy says otherwise. */
  readonly capabilities: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly privileged: boolean;
  readonly readOnlyRootFilesystem: boolean;
  /** The container must not run as uid 0, whatever the image says. */
  readonly runAsNonRoot: boolean;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly seccompProfile: { readonly type: "RuntimeDefault" };
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy: PullPolicy;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvVar[];
  readonly ports?: readonly ContainerPort[];
  readonly resources: Resources;
  readonly volumeMounts?: readonly VolumeMount[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly securityContext: ContainerSecurity;
  readonly terminationMessagePath: "/dev/termination-log";
  readonly terminationMessagePolicy: "File";
}

export interface Volume {
  readonly name: string;
  readonly hostPath?: { readonly path: string; readonly type?: "" };
  readonly emptyDir?: { readonly medium?: "" | "Memory" };
  readonly configMap?: { readonly name: string; readonly defaultMode: number };
}

export interface Toleration {
  readonly effect: string;
  readonly key: string;
  readonly operator: string;
  readonly value?: string;
  readonly tolerationSeconds?: number;
}

export interface PodSpec {
  readonly containers: readonly ContainerSpec[];
  readonly volumes?: readonly Volume[];
  readonly restartPolicy: RestartPolicy;
  readonly terminationGracePeriodSeconds: number;
  readonly dnsPolicy: "ClusterFirst";
  readonly enableServiceLinks: boolean;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostname?: string;
  readonly imagePullSecrets?: readonly { readonly name: string }[];
  readonly nodeName?: string;
  readonly schedulerName: string;
  readonly securityContext: Readonly<Record<string, never>>;
  readonly serviceAccountName: string;
  readonly tolerations?: readonly Toleration[];
}

export interface AcceptedPod {
  readonly id: PodId;
  readonly metadata: PodMetadata;
  readonly spec: PodSpec;
  /** Of `spec`, worked out once: every look at the pod compares them with what runs. */
  readonly hashes: PodHashes;
  /** Absent for a pod of the center. */
  readonly origin?: DeviceOrigin;
}

/** Who asks for a pod beside the center: somebody on the device, or its maker by a file in the folder of factory pods. */
export type DeviceOrigin = { readonly kind: "local" } | { readonly kind: "factory"; readonly file: string };

/** Owner of a pod: one of these may change it without `--force` (lifecycle.md, Owner of a pod). */
export type Origin = { readonly kind: "center" } | DeviceOrigin;

export function originOf(pod: Pick<AcceptedPod, "origin">): Origin {
  return pod.origin ?? { kind: "center" };
}

/** What containers carry to say what they were made from. */
export interface PodHashes {
  readonly pod: string;
  /** By container. */
  readonly containers: Readonly<Record<string, string>>;
}

/** The key one worker goes by: pod names are unique per namespace on a device. */
export function podKey(pod: { readonly namespace: string; readonly name: string }): string {
  return `${pod.namespace}/${pod.name}`;
}
