import { admitPod } from "../../../../src/core/admission/admit.ts";
import type { AdmissionContext } from "../../../../src/core/admission/context.ts";
import { everything } from "../../../../src/core/admission/feature-gates.ts";
import { defaultPolicy, type Policy } from "../../../../src/core/admission/policy.ts";
import type { AcceptedPod } from "../../../../src/core/pod/spec.ts";

export const podName = "app-5eed9461-643e-4c0d-8a11-0f1e2d3c4b5a";

/** A small pod that every device accepts. */
export function smallPod(): object {
  return {
    metadata: { name: podName, uid: "5eed9461-643e-4c0d-8a11-0f1e2d3c4b5a" },
    spec: { containers: [smallContainer("main")] },
  };
}

export function smallContainer(name: string): object {
  return { name, image: "registry.example/app:1", resources: { requests: { cpu: "100m", memory: "64Mi" } } };
}

/** A pod with every field that the rules allow, each with a value that passes under {@link openPolicy}. */
export function fullPod(): object {
  const probe = {
    initialDelaySeconds: 1,
    periodSeconds: 2,
    timeoutSeconds: 3,
    successThreshold: 1,
    failureThreshold: 3,
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: podName,
      namespace: "websocket",
      uid: "5eed9461-643e-4c0d-8a11-0f1e2d3c4b5a",
      resourceVersion: "7",
      creationTimestamp: "2024-02-29T23:59:59Z",
      deletionGracePeriodSeconds: 30,
      labels: { a: "b" },
      annotations: { a: "b" },
      ownerReferences: [{}],
      finalizers: ["a"],
      selfLink: "/x",
    },
    spec: {
      volumes: [
        { name: "config", configMap: { name: "settings", defaultMode: 420 } },
        { name: "files", hostPath: { path: "/srv/files", type: "" } },
        { name: "scratch", emptyDir: { medium: "Memory" } },
      ],
      containers: [
        {
          name: "main",
          image: "registry.example/app:1",
          imagePullPolicy: "Always",
          command: ["/bin/app"],
          args: ["--a=b"],
          env: [{ name: "MODE", value: "on" }],
          ports: [{ name: "web", containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "127.0.0.1" }],
          resources: {
            limits: { cpu: "200m", memory: "128Mi", npu: "1" },
            requests: { cpu: "100m", memory: "64Mi", npu: "1" },
          },
          livenessProbe: { ...probe, exec: { command: ["/bin/check"] } },
          readinessProbe: { ...probe, httpGet: { host: "127.0.0.1", path: "/ready", port: 8080, scheme: "HTTP" } },
          securityContext: {
            capabilities: { add: ["CAP_CHOWN"], drop: ["NET_RAW"] },
            privileged: true,
            runAsUser: 0,
            runAsGroup: 0,
            runAsNonRoot: false,
            readOnlyRootFilesystem: false,
            allowPrivilegeEscalation: true,
            seccompProfile: { type: "RuntimeDefault" },
          },
          terminationMessagePath: "/dev/termination-log",
          terminationMessagePolicy: "File",
          volumeMounts: [
            { name: "config", mountPath: "/etc/app", readOnly: true },
            { name: "files", mountPath: "/files", readOnly: false },
            { name: "scratch", mountPath: "/tmp/x", readOnly: false },
          ],
        },
      ],
      dnsPolicy: "ClusterFirst",
      hostNetwork: true,
      hostPID: true,
      hostIPC: false,
      hostname: "app",
      imagePullSecrets: [{ name: "image-pull-secret" }],
      restartPolicy: "OnFailure",
      schedulerName: "default-scheduler",
      securityContext: {},
      serviceAccount: "default",
      serviceAccountName: "default",
      automountServiceAccountToken: false,
      enableServiceLinks: true,
      nodeName: "somewhere",
      nodeSelector: { "MEF-Node-1": "x" },
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["edge-1"] }] }],
          },
        },
      },
      preemptionPolicy: "PreemptLowerPriority",
      priority: 0,
      terminationGracePeriodSeconds: 30,
      tolerations: [
        { effect: "NoExecute", key: "node.kubernetes.io/x", operator: "Equal", value: "y", tolerationSeconds: 120 },
      ],
    },
    status: { phase: "Running" },
  };
}

/** A policy that allows all that {@link fullPod} asks for. */
export const openPolicy: Policy = {
  ...defaultPolicy,
  hostPaths: ["/srv/files"],
  writableHostPaths: ["/srv/files"],
  writableEmptyDir: true,
  memoryEmptyDir: true,
  probeOtherHosts: true,
  capabilities: ["CHOWN"],
  privileged: true,
  allowPrivilegeEscalation: true,
  allowReadWriteRootFs: true,
  runAsRoot: true,
  useHostNetwork: true,
  hostPid: true,
  useDefaultContainerCap: true,
};

export const context: AdmissionContext = {
  policy: defaultPolicy,
  node: {
    allocatable: { cpu: "3", memory: "10240Mi", "huawei.com/Ascend310": "2" },
    addresses: ["127.0.0.1", "192.0.2.7"],
    listening: { tcp: [22], udp: [53] },
    pods: [],
    configMaps: ["settings"],
  },
  featureGates: everything,
  nodeName: "edge-1",
};

export const openContext: AdmissionContext = { ...context, policy: openPolicy };

/** A copy of `content` with the value at a path such as `spec.containers[0].image` replaced, or taken out if undefined. */
export function withField(content: object, path: string, value: unknown): object {
  const copy = structuredClone(content) as Record<string, unknown>;
  const steps = path.split(/\.(?![^[]*\])|\[|\]\.?/).filter((step) => step !== "");
  let at = copy;
  for (const [index, step] of steps.slice(0, -1).entries()) {
    at[step] ??= /^\d+$/.test(steps[index + 1] ?? "") ? [] : {};
    at = at[step] as Record<string, unknown>;
  }
  const last = steps.at(-1) ?? "";
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

/** What a pod is refused for: `rule at path`, in order; empty when it is accepted. */
export function refusals(content: unknown, under: AdmissionContext = context): readonly string[] {
  const verdict = admitPod(content, under);
  return verdict.accepted ? [] : verdict.violations.map(({ rule, path }) => `${rule} at ${path}`);
}

/** The pod as it is enforced. */
export function accepted(content: unknown, under: AdmissionContext = context): AcceptedPod {
  const verdict = admitPod(content, under);
  if (!verdict.accepted) throw new Error(verdict.violations.map(({ message }) => message).join("\n"));
  return verdict.value;
}
