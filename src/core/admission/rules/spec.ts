import * as v from "valibot";
import { allForbidden, essential, type FieldRule, forbiddenBut, optional, required } from "./row.ts";
import { anObject, list, shortText, text, textMap, whole } from "./schema.ts";

const document = "Pod Update";
const reference = "protocol.md §2.3";

/** The secrets a pod may name. */
const pullSecretNames = ["image-pull-secret", "fusion-director-docker-registry-secret"] as const;

const tolerations: readonly FieldRule[] = [
  optional("spec.tolerations", list(0, 16), "a list of at most 16", document),
  required("spec.tolerations[]", anObject, "an object with effect, key, operator", document),
  required(
    "spec.tolerations[].effect",
    v.picklist(["NoSchedule", "PreferNoSchedule", "NoExecute"]),
    "NoSchedule, PreferNoSchedule or NoExecute",
    document,
  ),
  required(
    "spec.tolerations[].key",
    v.pipe(v.string(), v.maxLength(128), v.startsWith("node.kubernetes.io")),
    "at most 128 characters that start with node.kubernetes.io",
    document,
  ),
  required("spec.tolerations[].operator", v.picklist(["Exists", "Equal"]), "Exists or Equal", document),
  optional("spec.tolerations[].value", shortText(128), "text of at most 128 characters", reference),
  optional(
    "spec.tolerations[].tolerationSeconds",
    v.pipe(v.number(), v.integer(), v.maxValue(120)),
    "a whole number of at most 120",
    reference,
  ),
];

const terms = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";

/** A DaemonSet's way of naming its node, and nothing else. */
const affinity: readonly FieldRule[] = [
  optional("spec.affinity", anObject, "an object with nodeAffinity", reference),
  optional("spec.affinity.nodeAffinity", anObject, "an object", reference),
  optional(
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution",
    anObject,
    "an object with nodeSelectorTerms",
    reference,
  ),
  optional(terms, list(0, 1), "a list of at most 1", reference),
  required(`${terms}[]`, anObject, "an object with matchFields", reference),
  optional(`${terms}[].matchFields`, list(0, 1), "a list of at most 1", reference),
  required(`${terms}[].matchFields[]`, anObject, "an object with the key metadata.name", reference),
  required(`${terms}[].matchFields[].key`, v.literal("metadata.name"), "metadata.name", reference),
  optional(`${terms}[].matchFields[].operator`, shortText(32), "text of at most 32 characters", reference),
  optional(
    `${terms}[].matchFields[].values`,
    v.pipe(v.array(shortText(256)), v.maxLength(16)),
    "at most 16 texts of at most 256 characters",
    reference,
  ),
  forbiddenBut(`${terms}[].matchExpressions`, [], reference),
  forbiddenBut("spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution", [], reference),
  ...allForbidden("spec.affinity", ["podAffinity", "podAntiAffinity"], reference),
];

const podSecurity: readonly FieldRule[] = [
  optional("spec.securityContext", anObject, "an empty object", document),
  ...allForbidden(
    "spec.securityContext",
    [
      "appArmorProfile",
      "fsGroup",
      "fsGroupChangePolicy",
      "seLinuxChangePolicy",
      "seLinuxOptions",
      "supplementalGroups",
      "supplementalGroupsPolicy",
      "sysctls",
      "windowsOptions",
    ],
    reference,
  ),
];

/** What Kubernetes also takes for the whole pod, and this device for each container alone. */
const ofContainers: readonly FieldRule[] = ["runAsGroup", "runAsNonRoot", "runAsUser", "seccompProfile"].map((name) =>
  optional(
    `spec.securityContext.${name}`,
    v.never(),
    "not supported for a whole pod; write it into the securityContext of each container",
    reference,
  ),
);

/** `spec` itself: before its volumes and containers. */
export const specRule: FieldRule = essential("spec", anObject, "an object with containers", document);

/** Rules of the pod's spec after its volumes and containers: first what the document names, then what it leaves out. */
export const specRules: readonly FieldRule[] = [
  optional("spec.dnsPolicy", v.literal("ClusterFirst"), "ClusterFirst", document),
  optional("spec.hostNetwork", v.boolean(), "true or false", document),
  optional("spec.imagePullSecrets", list(0, 1), "a list of at most 1", document),
  required("spec.imagePullSecrets[]", anObject, "an object with a name", document),
  optional("spec.imagePullSecrets[].name", v.picklist(pullSecretNames), pullSecretNames.join(" or "), document),
  optional("spec.restartPolicy", v.picklist(["Always", "OnFailure", "Never"]), "Always, OnFailure or Never", document),
  optional("spec.schedulerName", v.literal("default-scheduler"), "default-scheduler", document),
  ...podSecurity,
  ...ofContainers,
  optional("spec.serviceAccount", v.literal("default"), "default", document),
  optional("spec.serviceAccountName", v.literal("default"), "default", document),
  optional("spec.terminationGracePeriodSeconds", v.literal(30), "30", document),
  ...tolerations,
  ...affinity,
  optional("spec.automountServiceAccountToken", v.literal(false), "leave it out or write false", reference),
  optional("spec.enableServiceLinks", v.literal(true), "leave it out or write true", reference),
  optional("spec.hostPID", v.boolean(), "true or false", reference),
  optional("spec.hostIPC", v.literal(false), "leave it out or write false", reference),
  optional(
    "spec.hostname",
    text(/^[a-z0-9](?:[a-z0-9-]{0,34}[a-z0-9])?$/),
    "1 to 36 characters of a-z 0-9 -, first and last no '-'",
    `${reference}; Kubernetes: a DNS label`,
  ),
  optional("spec.nodeName", shortText(256), "text of at most 256 characters", reference),
  optional(
    "spec.nodeSelector",
    textMap(20, (key) => key.length <= 256 && key.startsWith("MEF-Node"), 1024),
    "at most 20 entries, keys of at most 256 characters that start with MEF-Node, values of at most 1024",
    reference,
  ),
  optional(
    "spec.preemptionPolicy",
    v.literal("PreemptLowerPriority"),
    "leave it out or write PreemptLowerPriority",
    reference,
  ),
  optional("spec.priority", whole(0, 0), "leave it out or write 0", reference),
  forbiddenBut("spec.shareProcessNamespace", false, "decisions.md 10"),
  ...[
    "initContainers",
    "ephemeralContainers",
    "hostAliases",
    "readinessGates",
    "resourceClaims",
    "schedulingGates",
    "topologySpreadConstraints",
  ].map((name) => forbiddenBut(`spec.${name}`, [], reference)),
  forbiddenBut("spec.overhead", {}, reference),
  ...allForbidden(
    "spec",
    [
      "activeDeadlineSeconds",
      "dnsConfig",
      "hostUsers",
      "os",
      "priorityClassName",
      "resources",
      "runtimeClassName",
      "setHostnameAsFQDN",
      "subdomain",
    ],
    reference,
  ),
  // A status in an update changes nothing (decisions.md 23: centers echo what the device reported).
];

export const statusRule: FieldRule = optional("status", v.unknown(), "anything; it is ignored", "decisions.md 23");
