/**
 * A pod on its way through admission: canonical names, and only the fields that passed their own rows. So the rules
 * between fields can go over it without asking what type anything is, and every field may be missing.
 */
export interface PodDraft {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: MetadataDraft;
  readonly spec?: SpecDraft;
}

export interface MetadataDraft {
  readonly name?: string;
  readonly namespace?: string;
  /** Only where it is not empty. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly generateName?: unknown;
  readonly generation?: unknown;
  readonly managedFields?: unknown;
}

export interface SpecDraft {
  readonly volumes?: readonly VolumeDraft[];
  readonly containers?: readonly ContainerDraft[];
  readonly restartPolicy?: "Always" | "OnFailure" | "Never";
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostname?: string;
  readonly nodeSelector?: object;
  readonly affinity?: object;
  readonly imagePullSecrets?: readonly { readonly name?: string }[];
  readonly tolerations?: readonly TolerationDraft[];
}

export interface TolerationDraft {
  readonly effect?: string;
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly tolerationSeconds?: number;
}

export interface VolumeDraft {
  readonly name?: string;
  readonly hostPath?: { readonly path?: string; readonly type?: "" };
  readonly emptyDir?: { readonly medium?: "" | "Memory" };
  readonly configMap?: { readonly name?: string; readonly defaultMode?: number };
}

export interface ContainerDraft {
  readonly name?: string;
  readonly image?: string;
  readonly imagePullPolicy?: "Always" | "IfNotPresent";
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name?: string; readonly value?: string }[];
  readonly ports?: readonly PortDraft[];
  readonly resources?: { readonly limits?: QuantitiesDraft; readonly requests?: QuantitiesDraft };
  readonly volumeMounts?: readonly MountDraft[];
  readonly livenessProbe?: ProbeDraft;
  readonly readinessProbe?: ProbeDraft;
  readonly securityContext?: SecurityDraft;
}

/** Quantities as they were sent: text or number. */
export type QuantitiesDraft = Readonly<Record<string, string | number>>;

export interface PortDraft {
  readonly name?: string;
  readonly containerPort?: number;
  readonly hostPort?: number;
  readonly protocol?: "TCP" | "UDP";
  readonly hostIP?: string;
}

export interface MountDraft {
  readonly name?: string;
  readonly mountPath?: string;
  readonly readOnly?: boolean;
}

export interface ProbeDraft {
  readonly exec?: { readonly command?: readonly string[] };
  readonly httpGet?: {
    readonly host?: string;
    readonly path?: string;
    readonly port?: number | string;
    readonly scheme?: "HTTP" | "HTTPS";
  };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly successThreshold?: 1;
  readonly failureThreshold?: 3;
}

export interface SecurityDraft {
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly privileged?: boolean;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly runAsNonRoot?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
}
