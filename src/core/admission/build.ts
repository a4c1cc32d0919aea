import { podHashes } from "../pod/identity.ts";
import { isNpu } from "../pod/npu.ts";
import { canonicalQuantity, nanosOf } from "../pod/quantity.ts";
import type {
  AcceptedPod,
  ContainerPort,
  ContainerSecurity,
  ContainerSpec,
  PodMetadata,
  PodSpec,
  Probe,
  ResourceList,
  Resources,
  Toleration,
  Volume,
  VolumeMount,
} from "../pod/spec.ts";
import { defaultNamespace, storedPod } from "./capacity.ts";
import type { AdmissionContext } from "./context.ts";
import type {
  ContainerDraft,
  MetadataDraft,
  PodDraft,
  ProbeDraft,
  QuantitiesDraft,
  SecurityDraft,
  SpecDraft,
  VolumeDraft,
} from "./draft.ts";
import { uidOf } from "./identity.ts";
import type { Policy } from "./policy.ts";
import { leastMemoryLimit, npuName } from "./resources.ts";
import { capabilityName, isCapability } from "./rules/capabilities.ts";
import { isUsable } from "./rules/probe-relations.ts";

/** Turns a draft without violations into the pod as it is enforced: secure defaults filled in (decisions.md, Secure defaults). */
export function buildPod(draft: PodDraft, context: AdmissionContext): AcceptedPod {
  const { metadata = {}, spec = {} } = draft;
  const sent = buildMetadata(metadata);
  const built = { ...sent, ...localUid(sent, context) };
  const whole = buildSpec(spec, context);
  return {
    id: { namespace: built.namespace, name: built.name, uid: uidOf(built) },
    metadata: built,
    spec: whole,
    hashes: podHashes(whole),
    ...originOf(context),
  };
}

function originOf({ asker }: AdmissionContext): Pick<AcceptedPod, "origin"> {
  return asker === undefined || asker.origin.kind === "center" ? {} : { origin: asker.origin };
}

/**
 * Each local pod that is created has a uid of its own, whatever its file says, and keeps it through its updates, as Kubernetes
 * does (`FillObjectMetaSystemFields`): what is applied again while its former pod ends is another pod. Nothing for other pods.
 */
function localUid(sent: PodMetadata, { asker, node }: AdmissionContext): Pick<PodMetadata, "uid"> {
  if (asker?.origin.kind !== "local") return {};
  const stored = storedPod(node, sent.namespace, sent.name);
  const uid = stored?.origin?.kind === "local" ? stored.metadata.uid : asker.newUid;
  return uid === undefined ? {} : { uid };
}

/** Labels and annotations are not kept: protocol.md §3. */
function buildMetadata({ name = "", namespace, uid, resourceVersion, creationTimestamp }: MetadataDraft): PodMetadata {
  return {
    name,
    namespace: namespace ?? defaultNamespace,
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
  };
}

function buildSpec(spec: SpecDraft, context: AdmissionContext): PodSpec {
  const secrets = (spec.imagePullSecrets ?? []).flatMap(({ name }) => (name === undefined ? [] : [{ name }]));
  return {
    containers: (spec.containers ?? []).map((container) => buildContainer(container, context)),
    ...(spec.volumes === undefined ? {} : { volumes: spec.volumes.map(buildVolume) }),
    restartPolicy: spec.restartPolicy ?? "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    enableServiceLinks: true,
    // Absent when false, as the reference reports them.
    ...(spec.hostNetwork === true ? { hostNetwork: true } : {}),
    ...(spec.hostPID === true ? { hostPID: true } : {}),
    ...(spec.hostname === undefined ? {} : { hostname: spec.hostname }),
    ...(secrets.length === 0 ? {} : { imagePullSecrets: secrets }),
    nodeName: context.nodeName,
    schedulerName: "default-scheduler",
    securityContext: {},
    serviceAccountName: "default",
    ...(spec.tolerations === undefined ? {} : { tolerations: spec.tolerations.map(buildToleration) }),
  };
}

function buildToleration(draft: NonNullable<SpecDraft["tolerations"]>[number]): Toleration {
  const { effect = "", key = "", operator = "", value, tolerationSeconds } = draft;
  return {
    effect,
    key,
    operator,
    ...(value === undefined ? {} : { value }),
    ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
  };
}

function buildVolume({ name = "", hostPath, emptyDir, configMap }: VolumeDraft): Volume {
  if (hostPath !== undefined) {
    return { name, hostPath: { path: hostPath.path ?? "", ...(hostPath.type === undefined ? {} : { type: "" }) } };
  }
  if (configMap !== undefined) return { name, configMap: { name: configMap.name ?? "", defaultMode: 420 } };
  return { name, emptyDir: emptyDir?.medium === "Memory" ? { medium: "Memory" } : {} };
}

function buildContainer(container: ContainerDraft, context: AdmissionContext): ContainerSpec {
  const { name = "", image = "", command, args, env, ports, volumeMounts } = container;
  const liveness = buildProbe(container.livenessProbe);
  const readiness = buildProbe(container.readinessProbe);
  return {
    name,
    image,
    imagePullPolicy: container.imagePullPolicy ?? "IfNotPresent",
    ...(command === undefined ? {} : { command }),
    ...(args === undefined ? {} : { args }),
    ...(env === undefined ? {} : { env: env.map((entry) => ({ name: entry.name ?? "", value: entry.value ?? "" })) }),
    ...(ports === undefined ? {} : { ports: ports.map(buildPort) }),
    resources: buildResources(container.resources ?? {}, npuName(context.node)),
    ...(volumeMounts === undefined ? {} : { volumeMounts: volumeMounts.map(buildMount) }),
    ...(liveness === null ? {} : { livenessProbe: liveness }),
    ...(readiness === null ? {} : { readinessProbe: readiness }),
    securityContext: buildSecurity(container.securityContext ?? {}, context.policy),
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  };
}

function buildPort(draft: NonNullable<ContainerDraft["ports"]>[number]): ContainerPort {
  const { name, containerPort = 0, hostPort = 0, protocol = "TCP", hostIP = "" } = draft;
  return { ...(name === undefined ? {} : { name }), containerPort, hostPort, protocol, hostIP };
}

function buildMount(draft: NonNullable<ContainerDraft["volumeMounts"]>[number]): VolumeMount {
  const { name = "", mountPath = "", readOnly = false } = draft;
  return { name, mountPath, readOnly };
}

/** Null for a probe that asks for nothing: `{}`, or an HTTP probe whose parameters nobody verified and cannot be used. */
export function buildProbe(draft: ProbeDraft | undefined): Probe | null {
  const command = draft?.exec?.command?.[0];
  const httpGet = draft?.httpGet;
  const isHttp = httpGet !== undefined && isUsable(httpGet);
  if (draft === undefined || (command === undefined && !isHttp)) return null;
  return {
    ...(command === undefined ? {} : { exec: { command: [command] } }),
    ...(isHttp
      ? {
          httpGet: {
            ...(httpGet.host === undefined ? {} : { host: httpGet.host }),
            // Kubernetes' default where the path is empty.
            path: httpGet.path ?? "/",
            port: Number(httpGet.port),
            scheme: httpGet.scheme ?? "HTTP",
          },
        }
      : {}),
    initialDelaySeconds: draft.initialDelaySeconds ?? 0,
    periodSeconds: draft.periodSeconds ?? 10,
    timeoutSeconds: draft.timeoutSeconds ?? 1,
    successThreshold: 1,
    failureThreshold: 3,
  };
}

/** Missing limits are the requests; a memory limit is at least what Docker takes (lifecycle.md, Engine). */
function buildResources(resources: NonNullable<ContainerDraft["resources"]>, npu: string): Resources {
  const requests = buildList(resources.requests ?? {}, npu);
  const limits: Record<string, string> = { ...requests, ...buildList(resources.limits ?? {}, npu) };
  const memory = limits["memory"];
  if (memory !== undefined && nanosOf(memory) < nanosOf(leastMemoryLimit)) {
    limits["memory"] = leastMemoryLimit;
  }
  return { limits, requests };
}

/** Quantities as Kubernetes writes them, and NPUs under the device's own name. */
function buildList(list: QuantitiesDraft, npu: string): ResourceList {
  return Object.fromEntries(
    Object.entries(list).map(([name, amount]) => [isNpu(name) ? npu : name, canonicalQuantity(amount) ?? "0"]),
  );
}

/** What the policy does not allow is off; what it allows is as requested, else Kubernetes' default (protocol.md §3). */
function buildSecurity(asked: SecurityDraft, policy: Policy): ContainerSecurity {
  const add = [...new Set((asked.capabilities?.add ?? []).map(capabilityName))];
  const drop = policy.useDefaultContainerCap ? knownDrops(asked.capabilities?.drop ?? []) : ["All"];
  return {
    allowPrivilegeEscalation: policy.allowPrivilegeEscalation ? (asked.allowPrivilegeEscalation ?? true) : false,
    capabilities: { ...(add.length === 0 ? {} : { add }), ...(drop.length === 0 ? {} : { drop }) },
    privileged: policy.privileged && asked.privileged === true,
    readOnlyRootFilesystem: policy.allowReadWriteRootFs ? (asked.readOnlyRootFilesystem ?? false) : true,
    runAsNonRoot: policy.runAsRoot ? (asked.runAsNonRoot ?? false) : true,
    ...(asked.runAsUser === undefined ? {} : { runAsUser: asked.runAsUser }),
    ...(asked.runAsGroup === undefined ? {} : { runAsGroup: asked.runAsGroup }),
    seccompProfile: { type: "RuntimeDefault" },
  };
}

/** Dropping what Linux does not know changes nothing, and Docker refuses the name. */
function knownDrops(names: readonly string[]): readonly string[] {
  return [...new Set(names.map(capabilityName))]
    .filter((name) => name === "ALL" || isCapability(name))
    .map((name) => (name === "ALL" ? "All" : name));
}
