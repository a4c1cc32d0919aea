import assert from "node:assert/strict";
import { test } from "node:test";
import { admitPod } from "../../../../src/core/admission/admit.ts";
import { defaultPolicy } from "../../../../src/core/admission/policy.ts";
import { accepted, context, fullPod, openContext, smallPod, withField } from "./pods.ts";

const first = "spec.containers[0]";

test("missing fields of a pod get secure defaults", () => {
  const { id, metadata, spec } = accepted(smallPod());
  assert.equal(id.namespace, "websocket");
  assert.deepEqual(metadata, { name: id.name, namespace: "websocket", uid: id.uid });
  assert.deepEqual(spec, {
    containers: [
      {
        name: "main",
        image: "registry.example/app:1",
        imagePullPolicy: "IfNotPresent",
        resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: "100m", memory: "64Mi" } },
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
      },
    ],
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    enableServiceLinks: true,
    nodeName: "edge-1",
    schedulerName: "default-scheduler",
    securityContext: {},
    serviceAccountName: "default",
  });
});

test("fields that the policy allows are kept as requested", () => {
  const { spec, metadata } = accepted(fullPod(), openContext);
  assert.equal("labels" in metadata, false);
  assert.equal(spec.hostNetwork, true);
  assert.equal(spec.hostPID, true);
  assert.equal(spec.hostname, "app");
  assert.equal(spec.nodeName, "edge-1");
  assert.deepEqual(spec.imagePullSecrets, [{ name: "image-pull-secret" }]);
  assert.deepEqual(spec.tolerations, [
    { effect: "NoExecute", key: "node.kubernetes.io/x", operator: "Equal", value: "y", tolerationSeconds: 120 },
  ]);
  assert.deepEqual(spec.volumes, [
    { name: "config", configMap: { name: "settings", defaultMode: 420 } },
    { name: "files", hostPath: { path: "/srv/files" } },
    { name: "scratch", emptyDir: { medium: "Memory" } },
  ]);
  const [container] = spec.containers;
  assert.deepEqual(container?.securityContext, {
    allowPrivilegeEscalation: true,
    capabilities: { add: ["CHOWN"], drop: ["NET_RAW"] },
    privileged: true,
    readOnlyRootFilesystem: false,
    runAsNonRoot: false,
    runAsUser: 0,
    runAsGroup: 0,
    seccompProfile: { type: "RuntimeDefault" },
  });
  assert.deepEqual(container?.livenessProbe, {
    exec: { command: ["/bin/check"] },
    initialDelaySeconds: 1,
    periodSeconds: 2,
    timeoutSeconds: 3,
    successThreshold: 1,
    failureThreshold: 3,
  });
  assert.deepEqual(container?.readinessProbe?.httpGet, {
    host: "127.0.0.1",
    path: "/ready",
    port: 8080,
    scheme: "HTTP",
  });
  assert.deepEqual(container?.ports, [
    { name: "web", containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "127.0.0.1" },
  ]);
  assert.deepEqual(container?.volumeMounts?.[1], { name: "files", mountPath: "/files", readOnly: false });
});

test("a missing field under an open policy gets the default of Kubernetes", () => {
  const { securityContext } = accepted(smallPod(), openContext).spec.containers[0] ?? {};
  assert.deepEqual(securityContext, {
    allowPrivilegeEscalation: true,
    capabilities: {},
    privileged: false,
    readOnlyRootFilesystem: false,
    runAsNonRoot: false,
    seccompProfile: { type: "RuntimeDefault" },
  });
});

test("stricter settings are kept under an open policy, and unknown capabilities to drop are ignored", () => {
  const wishes = {
    runAsNonRoot: true,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["all", "x", "CAP_KILL"] },
  };
  const { securityContext } =
    accepted(withField(smallPod(), `${first}.securityContext`, wishes), openContext).spec.containers[0] ?? {};
  assert.equal(securityContext?.runAsNonRoot, true);
  assert.equal(securityContext?.readOnlyRootFilesystem, true);
  assert.equal(securityContext?.allowPrivilegeEscalation, false);
  assert.deepEqual(securityContext?.capabilities, { drop: ["All", "KILL"] });
});

test("quantities are written as Kubernetes does, limits come from requests, and memory is at least what Docker takes", () => {
  const resources = { requests: { cpu: 0.25, memory: "5242880", npu: "1" }, limits: { cpu: "1000m" } };
  const { containers } = accepted(withField(smallPod(), `${first}.resources`, resources)).spec;
  assert.deepEqual(containers[0]?.resources, {
    requests: { cpu: "250m", memory: "5242880", "huawei.com/Ascend310": "1" },
    limits: { cpu: "1", memory: "6Mi", "huawei.com/Ascend310": "1" },
  });
});

test("NPUs get the name that the device uses", () => {
  const node = { ...context.node, allocatable: { cpu: "3", memory: "1Gi", "huawei.com/Ascend310B": "2" } };
  const pod = withField(smallPod(), `${first}.resources.limits`, { "huawei.com/Ascend310": "2" });
  const { containers } = accepted(pod, { ...context, node }).spec;
  assert.equal(containers[0]?.resources.limits["huawei.com/Ascend310B"], "2");
});

test("the uid is as sent, else the uuid that ends the name, else made of namespace and name", () => {
  const uid = "5eed9461-643e-4c0d-8a11-0f1e2d3c4b5a";
  const other = "00000000-0000-4000-8000-000000000001";
  assert.equal(accepted(withField(smallPod(), "metadata.uid", other)).id.uid, other);
  assert.equal(accepted(withField(smallPod(), "metadata.uid", "")).id.uid, uid);
  const unnamed = withField(withField(smallPod(), "metadata.uid", undefined), "metadata.name", "app");
  const made = accepted(unnamed).id.uid;
  assert.match(made, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(accepted(unnamed).id.uid, made);
  assert.notEqual(accepted(withField(unnamed, "metadata.namespace", "mef-user")).id.uid, made);
});

test("an empty probe is dropped, and an HTTP probe without a path requests /", () => {
  const probed = (probe: object) =>
    accepted(withField(smallPod(), `${first}.livenessProbe`, probe)).spec.containers[0]?.livenessProbe;
  assert.equal(probed({}), undefined);
  assert.equal(probed({ periodSeconds: 5 }), undefined);
  assert.equal(probed({ httpGet: { path: "", port: "x" } }), undefined);
  assert.deepEqual(probed({ httpGet: { port: 80 } }), {
    httpGet: { path: "/", port: 80, scheme: "HTTP" },
    initialDelaySeconds: 0,
    periodSeconds: 10,
    timeoutSeconds: 1,
    successThreshold: 1,
    failureThreshold: 3,
  });
});

test("fields without effect cause warnings", () => {
  const pod = {
    ...fullPod(),
    kind: "Deployment",
    fooBar: 1,
  };
  const verdict = admitPod(withField(pod, `${first}.livenessProbe`, { periodSeconds: 3 }), {
    ...openContext,
    policy: { ...openContext.policy, capabilities: ["CHOWN"] },
    node: { ...openContext.node, configMaps: [] },
  });
  assert.ok(verdict.accepted);
  assert.deepEqual(
    verdict.warnings.map(({ path }) => path),
    [
      "kind",
      "metadata.labels",
      "metadata.annotations",
      "spec.volumes[0].configMap.name",
      `${first}.livenessProbe`,
      "spec.affinity",
      "spec.nodeSelector",
      "fooBar",
    ],
  );
});

test("capabilities for root cause no warning if root is allowed", () => {
  const policy = { ...defaultPolicy, capabilities: ["CHOWN"], runAsRoot: true };
  const warnings = (security: object) => {
    const pod = withField(smallPod(), `${first}.securityContext`, { ...security, capabilities: { add: ["CHOWN"] } });
    return admitPod(pod, { ...context, policy }).warnings.map(({ path }) => path);
  };
  for (const root of [{ runAsUser: 0 }, {}]) assert.deepEqual(warnings(root), []);
  assert.deepEqual(warnings({ runAsUser: 1 }), [`${first}.securityContext.capabilities.add`]);
});

test("capabilities for a user that is not root cause a warning", () => {
  const pod = withField(smallPod(), `${first}.securityContext`, { runAsUser: 5, capabilities: { add: ["CHOWN"] } });
  const policy = { ...defaultPolicy, capabilities: ["CHOWN"] };
  for (const runAsRoot of [true, false]) {
    const verdict = admitPod(pod, { ...context, policy: { ...policy, runAsRoot } });
    assert.deepEqual(
      verdict.warnings.map(({ path }) => path),
      [`${first}.securityContext.capabilities.add`],
    );
  }
});
