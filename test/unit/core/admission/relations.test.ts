import assert from "node:assert/strict";
import { test } from "node:test";
import { relations } from "../../../../src/core/admission/admit.ts";
import type { AdmissionContext } from "../../../../src/core/admission/context.ts";
import { everything, type FeatureGates, featureGates } from "../../../../src/core/admission/feature-gates.ts";
import type { NodeFacts } from "../../../../src/core/admission/node-facts.ts";
import { defaultPolicy, type Policy } from "../../../../src/core/admission/policy.ts";
import { everyRule } from "../../../../src/core/admission/rule-index.ts";
import {
  context,
  fullPod,
  openContext,
  openPolicy,
  podName,
  refusals,
  smallContainer,
  smallPod,
  withField,
} from "./pods.ts";

const first = "spec.containers[0]";
const security = `${first}.securityContext`;
const under = (policy: Partial<Policy>): AdmissionContext => ({ ...context, policy: { ...defaultPolicy, ...policy } });
const on = (node: Partial<NodeFacts>): AdmissionContext => ({ ...context, node: { ...context.node, ...node } });
const without = (feature: keyof FeatureGates): AdmissionContext => ({
  ...openContext,
  featureGates: { ...everything, [feature]: false },
});

const port = (fields: object) => ({
  containerPort: 80,
  hostPort: 8080,
  protocol: "TCP",
  hostIP: "127.0.0.1",
  ...fields,
});
const emptyDirs = (...names: string[]) => names.map((name) => ({ name, emptyDir: {} }));
const configMapVolumes = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    name: `v${index}`,
    configMap: { name: "settings", defaultMode: 420 },
  }));
const hostPath = (path: string) => [{ name: "v", hostPath: { path } }];
const mounts = (...list: object[]) =>
  withField(
    withField(smallPod(), "spec.volumes", emptyDirs("v", "w")),
    `${first}.volumeMounts`,
    list.map((mount) => ({ name: "v", mountPath: "/a", readOnly: true, ...mount })),
  );
const otherPod = (fields: object = {}, container: object = {}) => ({
  metadata: { name: "other", ...fields },
  spec: { containers: [{ name: "main", ...container }] },
});
/** Where pods may write below /srv, and another pod mounts a path there. */
const beside = (path: string, readOnly: boolean): AdmissionContext => {
  const { metadata, spec } = otherPod({}, { volumeMounts: [{ name: "v", readOnly }] });
  return {
    ...on({ pods: [{ metadata, spec: { ...spec, volumes: hostPath(path) } }] }),
    policy: { ...defaultPolicy, writableHostPaths: ["/srv/**"] },
  };
};

interface Row {
  readonly rule: string;
  readonly path: string;
  readonly refused: object;
  readonly in?: AdmissionContext;
  /** The nearest pod that passes, and where. */
  readonly passes: object;
  readonly passesIn?: AdmissionContext;
}

const table: readonly Row[] = [
  {
    rule: "spec.volumes.source",
    path: "spec.volumes[0]",
    refused: withField(smallPod(), "spec.volumes", [{ name: "v" }]),
    passes: withField(smallPod(), "spec.volumes", emptyDirs("v")),
  },
  {
    rule: "spec.volumes.source",
    path: "spec.volumes[0]",
    refused: withField(smallPod(), "spec.volumes", [
      { name: "v", emptyDir: {}, configMap: { name: "settings", defaultMode: 420 } },
    ]),
    passes: withField(smallPod(), "spec.volumes", []),
  },
  {
    rule: "spec.volumes.configMap.count",
    path: "spec.volumes[16].configMap",
    refused: withField(smallPod(), "spec.volumes", configMapVolumes(17)),
    passes: withField(smallPod(), "spec.volumes", configMapVolumes(16)),
  },
  {
    rule: "spec.volumes.name.unique",
    path: "spec.volumes[1].name",
    refused: withField(smallPod(), "spec.volumes", emptyDirs("v", "v")),
    passes: withField(smallPod(), "spec.volumes", emptyDirs("v", "w")),
  },
  {
    rule: "spec.containers.name.unique",
    path: "spec.containers[1].name",
    refused: withField(smallPod(), "spec.containers", [smallContainer("a"), smallContainer("a")]),
    passes: withField(smallPod(), "spec.containers", [smallContainer("a"), smallContainer("b")]),
  },
  {
    rule: "spec.containers.env.name.unique",
    path: `${first}.env[1].name`,
    refused: withField(smallPod(), `${first}.env`, [
      { name: "AB", value: "1" },
      { name: "AB", value: "2" },
    ]),
    passes: withField(smallPod(), `${first}.env`, [
      { name: "AB", value: "1" },
      { name: "ab", value: "2" },
    ]),
  },
  {
    rule: "spec.containers.ports.containerPort.unique",
    path: `${first}.ports[1].containerPort`,
    refused: withField(smallPod(), `${first}.ports`, [port({}), port({ hostPort: 8081 })]),
    passes: withField(smallPod(), `${first}.ports`, [port({}), port({ hostPort: 8081, protocol: "UDP" })]),
  },
  {
    rule: "spec.containers.volumeMounts.mountPath.unique",
    path: `${first}.volumeMounts[1].mountPath`,
    refused: mounts({}, { name: "w", mountPath: "//a/." }),
    passes: mounts({}, { name: "w", mountPath: "/a/b" }),
  },
  {
    rule: "spec.containers.volumeMounts.name.unique",
    path: `${first}.volumeMounts[1].name`,
    refused: mounts({}, { mountPath: "/b" }),
    passes: mounts({}, { mountPath: "/b", name: "w" }),
  },
  {
    rule: "spec.containers.volumeMounts.mountPath.root",
    path: `${first}.volumeMounts[0].mountPath`,
    refused: mounts({ mountPath: "//" }),
    passes: mounts({ mountPath: "/b" }),
  },
  {
    rule: "spec.containers.volumeMounts.name.volume",
    path: `${first}.volumeMounts[0].name`,
    refused: mounts({ name: "x" }),
    passes: mounts({ name: "w" }),
  },
  ...(["cpu", "memory"] as const).map((name) => ({
    rule: `spec.containers.resources.requests.${name}.least`,
    path: `${first}.resources.requests.${name}`,
    refused: withField(smallPod(), `${first}.resources.requests.${name}`, name === "cpu" ? "9999u" : "4194303"),
    passes: withField(smallPod(), `${first}.resources.requests.${name}`, name === "cpu" ? "0.01" : "4194304"),
  })),
  {
    rule: "spec.containers.resources.requests.limit",
    path: `${first}.resources.requests.cpu`,
    refused: withField(smallPod(), `${first}.resources.limits`, { cpu: "99m" }),
    passes: withField(smallPod(), `${first}.resources.limits`, { cpu: "0.1" }),
  },
  {
    rule: "spec.containers.resources.npu.once",
    path: `${first}.resources.limits`,
    refused: withField(smallPod(), `${first}.resources.limits`, { npu: "1", "huawei.com/Ascend310": "1" }),
    passes: withField(smallPod(), `${first}.resources.limits`, { npu: "1" }),
  },
  ...(["livenessProbe", "readinessProbe"] as const).flatMap((probe) => [
    {
      rule: "spec.containers.probe.httpGet.host.address",
      path: `${first}.${probe}.httpGet.host`,
      refused: withField(smallPod(), `${first}.${probe}`, { httpGet: { path: "/a", port: 1, host: "a.b" } }),
      // The document: an empty path, and the probe's parameters are not verified.
      passes: withField(smallPod(), `${first}.${probe}`, { httpGet: { path: "", port: 1, host: "a.b" } }),
    },
    {
      rule: "spec.containers.probe.httpGet.port.range",
      path: `${first}.${probe}.httpGet.port`,
      refused: withField(smallPod(), `${first}.${probe}`, { httpGet: { path: "/a", port: 65_536 } }),
      passes: withField(smallPod(), `${first}.${probe}`, { httpGet: { path: null, port: 65_536 } }),
    },
    {
      rule: "spec.containers.probe.handler",
      path: `${first}.${probe}`,
      refused: withField(smallPod(), `${first}.${probe}`, {
        httpGet: { path: "/a", port: 1 },
        exec: { command: ["/a"] },
      }),
      passes: withField(smallPod(), `${first}.${probe}`, { exec: { command: ["/a"] } }),
    },
  ]),
  ...[
    "/proc",
    "/sys/x",
    "/dev/sda",
    "/var/lib/docker",
    "/var/lib/docker/x",
    "/var/run/docker.sock",
    "/run",
    "/var/lib",
    "//var/lib/edge/",
    "/./.",
  ].map((path) => ({
    rule: "policy.hostPath.protected",
    path: "spec.volumes[0].hostPath.path",
    refused: withField(smallPod(), "spec.volumes", hostPath(path)),
    in: under({ hostPaths: ["/**", path] }),
    passes: withField(smallPod(), "spec.volumes", hostPath("/var/lib/docker/modelfile/x")),
    passesIn: under({ hostPaths: ["/**"] }),
  })),
  {
    rule: "policy.hostPath.protected",
    path: "spec.volumes[0].hostPath.path",
    refused: withField(smallPod(), "spec.volumes", hostPath("/opt/agent/data")),
    in: { ...under({ hostPaths: ["/**"] }), protectedPaths: ["/opt/agent/"] },
    passes: withField(smallPod(), "spec.volumes", hostPath("/opt/agent2")),
    passesIn: { ...under({ hostPaths: ["/**"] }), protectedPaths: ["/opt/agent/"] },
  },
  {
    rule: "policy.hostPaths",
    path: "spec.volumes[0].hostPath.path",
    refused: withField(smallPod(), "spec.volumes", hostPath("/srv/files/below")),
    in: under({ hostPaths: ["/srv/files"] }),
    passes: withField(smallPod(), "spec.volumes", hostPath("/srv//files/")),
    passesIn: under({ hostPaths: ["/srv/files"] }),
  },
  {
    rule: "policy.hostPaths",
    path: "spec.volumes[0].hostPath.path",
    refused: withField(smallPod(), "spec.volumes", hostPath("/srv/files")),
    in: under({ hostPaths: ["/srv/files/**"] }),
    passes: withField(smallPod(), "spec.volumes", hostPath("/srv/files/x/y")),
    passesIn: under({ writableHostPaths: ["/srv/files/**"] }),
  },
  {
    rule: "policy.hostPath.belowWritable",
    path: "spec.volumes[0].hostPath.path",
    refused: withField(smallPod(), "spec.volumes", hostPath("/srv/files/x")),
    in: under({ hostPaths: ["/srv/**"], writableHostPaths: ["/srv/files"] }),
    passes: withField(smallPod(), "spec.volumes", hostPath("/srv/files2")),
    passesIn: under({ hostPaths: ["/srv/**"], writableHostPaths: ["/srv/files"] }),
  },
  {
    rule: "policy.hostPath.belowWritable",
    path: "spec.volumes[2].hostPath.path",
    refused: withField(mounts({ readOnly: false }), "spec.volumes", [
      ...hostPath("/srv/a"),
      ...emptyDirs("w"),
      { name: "x", hostPath: { path: "/srv/a/b" } },
    ]),
    in: under({ writableHostPaths: ["/srv/**"] }),
    passes: withField(mounts({ readOnly: true }), "spec.volumes", [
      ...hostPath("/srv/a"),
      ...emptyDirs("w"),
      { name: "x", hostPath: { path: "/srv/a/b" } },
    ]),
    passesIn: under({ writableHostPaths: ["/srv/**"] }),
  },
  {
    rule: "policy.hostPath.belowWritable",
    path: "spec.volumes[0].hostPath.path",
    refused: withField(smallPod(), "spec.volumes", hostPath("/srv/a/b/c")),
    in: beside("/srv/a", false),
    passes: withField(smallPod(), "spec.volumes", hostPath("/srv/a/b/c")),
    passesIn: beside("/srv/a", true),
  },
  {
    rule: "policy.hostPath.aboveMounted",
    path: "spec.volumes[0].hostPath.path",
    refused: withField(mounts({ readOnly: false }), "spec.volumes", [...hostPath("/srv/a"), ...emptyDirs("w")]),
    in: beside("/srv/a/b/c", true),
    passes: withField(mounts({ readOnly: true }), "spec.volumes", [...hostPath("/srv/a"), ...emptyDirs("w")]),
    passesIn: beside("/srv/a/b/c", true),
  },
  {
    rule: "policy.probeOtherHosts",
    path: `${first}.livenessProbe.httpGet.host`,
    refused: withField(smallPod(), `${first}.livenessProbe`, { httpGet: { host: "192.0.2.7", path: "/a", port: 80 } }),
    passes: withField(smallPod(), `${first}.livenessProbe`, { httpGet: { host: "127.0.0.1", path: "/a", port: 80 } }),
  },
  {
    rule: "policy.probeOtherHosts",
    path: `${first}.livenessProbe.httpGet.host`,
    refused: withField(smallPod(), `${first}.livenessProbe`, { httpGet: { host: "fe80::1", path: "/a", port: 80 } }),
    passes: withField(smallPod(), `${first}.livenessProbe`, { httpGet: { host: "fe80::1", path: "/a", port: 80 } }),
    passesIn: under({ probeOtherHosts: true }),
  },
  {
    rule: "policy.memoryEmptyDir",
    path: "spec.volumes[0].emptyDir.medium",
    refused: withField(smallPod(), "spec.volumes", [{ name: "v", emptyDir: { medium: "Memory" } }]),
    passes: withField(smallPod(), "spec.volumes", [{ name: "v", emptyDir: { medium: "Memory" } }]),
    passesIn: under({ memoryEmptyDir: true }),
  },
  ...[false, undefined, null].map((readOnly) => ({
    rule: "policy.readOnly",
    path: `${first}.volumeMounts[0].readOnly`,
    refused: mounts({ readOnly }),
    passes: mounts({ readOnly }),
    passesIn: under({ writableEmptyDir: true }),
  })),
  {
    rule: "policy.readOnly",
    path: `${first}.volumeMounts[0].readOnly`,
    refused: withField(mounts({ readOnly: false }), "spec.volumes", hostPath("/srv/a")),
    in: under({ hostPaths: ["/srv/a"], writableEmptyDir: true }),
    passes: withField(mounts({ readOnly: false }), "spec.volumes", hostPath("/srv/a")),
    passesIn: under({ writableHostPaths: ["/srv/a"] }),
  },
  ...["NOT_A_CAPABILITY", "CAP_CAP_CHOWN", ""].map((name) => ({
    rule: "policy.capabilities.known",
    path: `${security}.capabilities.add[0]`,
    refused: withField(smallPod(), `${security}.capabilities.add`, [name]),
    in: under({ capabilities: ["ALL"] }),
    passes: withField(smallPod(), `${security}.capabilities.add`, ["cap_sys_admin"]),
    passesIn: under({ capabilities: ["ALL"] }),
  })),
  ...["CHOWN", "ALL"].map((name) => ({
    rule: "policy.capabilities",
    path: `${security}.capabilities.add[0]`,
    refused: withField(smallPod(), `${security}.capabilities.add`, [name]),
    in: under({ capabilities: ["MKNOD"] }),
    passes: withField(smallPod(), `${security}.capabilities.add`, [name]),
    passesIn: under({ capabilities: ["CHOWN", "ALL"] }),
  })),
  ...(
    [
      ["privileged", true, { privileged: true }],
      ["runAsUser", 0, { runAsRoot: true }],
      ["runAsGroup", 0, { runAsRoot: true }],
      ["readOnlyRootFilesystem", false, { allowReadWriteRootFs: true }],
      ["allowPrivilegeEscalation", true, { allowPrivilegeEscalation: true }],
    ] as const
  ).map(([name, value, policy]) => ({
    rule: `policy.${name}`,
    path: `${security}.${name}`,
    refused: withField(smallPod(), `${security}.${name}`, value),
    passes: withField(smallPod(), `${security}.${name}`, value),
    passesIn: under(policy),
  })),
  {
    rule: "policy.useHostNetwork",
    path: "spec.hostNetwork",
    refused: withField(smallPod(), "spec.hostNetwork", true),
    passes: withField(smallPod(), "spec.hostNetwork", true),
    passesIn: under({ useHostNetwork: true }),
  },
  {
    rule: "policy.hostPid",
    path: "spec.hostPID",
    refused: withField(smallPod(), "spec.hostPID", true),
    passes: withField(smallPod(), "spec.hostPID", true),
    passesIn: under({ hostPid: true }),
  },
  {
    rule: "continuity.name",
    path: "metadata.name",
    refused: smallPod(),
    in: on({ pods: [otherPod({ name: podName, namespace: "mef-user" })] }),
    passes: smallPod(),
    passesIn: on({ pods: [otherPod({ name: podName, namespace: "websocket" })] }),
  },
  {
    rule: "continuity.uid",
    path: "metadata.uid",
    refused: smallPod(),
    in: on({ pods: [otherPod({ uid: "5eed9461-643e-4c0d-8a11-0f1e2d3c4b5a" })] }),
    passes: smallPod(),
    passesIn: on({ pods: [otherPod({ uid: "" })] }),
  },
  {
    rule: "continuity.resourceVersion",
    path: "metadata.resourceVersion",
    refused: withField(smallPod(), "metadata.resourceVersion", "9"),
    in: on({ pods: [otherPod({ name: podName, resourceVersion: "10" })] }),
    passes: withField(smallPod(), "metadata.resourceVersion", "010"),
    passesIn: on({ pods: [otherPod({ name: podName, resourceVersion: "10" })] }),
  },
  {
    rule: "continuity.resourceVersion",
    path: "metadata.resourceVersion",
    refused: withField(smallPod(), "metadata.resourceVersion", `${"1".repeat(30)}0`),
    in: on({ pods: [otherPod({ name: podName, resourceVersion: `${"1".repeat(30)}1` })] }),
    // A new uid starts at any version (decisions.md 38: it is another pod of that name).
    passes: withField(smallPod(), "metadata.resourceVersion", "9"),
    passesIn: on({
      pods: [otherPod({ name: podName, resourceVersion: "10", uid: "11111111-643e-4c0d-8a11-0f1e2d3c4b5a" })],
    }),
  },
  {
    rule: "capacity.maxContainerNumber",
    path: "spec.containers",
    refused: smallPod(),
    in: { ...under({ maxContainerNumber: 1 }), node: on({ pods: [otherPod()] }).node },
    passes: smallPod(),
    passesIn: { ...under({ maxContainerNumber: 1 }), node: on({ pods: [otherPod({ name: podName })] }).node },
  },
  {
    rule: "capacity.cpu",
    path: "spec.containers",
    refused: smallPod(),
    in: on({
      allocatable: { cpu: "199m", memory: "1Gi" },
      pods: [otherPod({}, { resources: { limits: { cpu: "0.1" } } })],
    }),
    passes: smallPod(),
    passesIn: on({
      allocatable: { cpu: "0.2", memory: "1Gi" },
      pods: [otherPod({}, { resources: { requests: { cpu: "0.1" } } })],
    }),
  },
  {
    rule: "capacity.memory",
    path: "spec.containers",
    refused: smallPod(),
    in: on({ allocatable: { cpu: "1", memory: "63Mi" } }),
    passes: smallPod(),
    passesIn: on({ allocatable: { cpu: "1", memory: "64Mi" } }),
  },
  {
    rule: "capacity.npu",
    path: "spec.containers",
    // A resource that is only in limits counts (decisions.md 21: a resource may stand in limits alone).
    refused: withField(smallPod(), `${first}.resources.limits`, { npu: "2.01" }),
    passes: withField(smallPod(), `${first}.resources.limits`, { "huawei.com/Ascend310": "2" }),
  },
  {
    rule: "capacity.hostIP",
    path: `${first}.ports[0].hostIP`,
    refused: withField(smallPod(), `${first}.ports`, [port({ hostIP: "198.51.100.1" })]),
    passes: withField(smallPod(), `${first}.ports`, [port({ hostIP: "192.0.2.7" })]),
  },
  {
    rule: "capacity.hostPort.unique",
    path: `${first}.ports[1].hostPort`,
    refused: withField(smallPod(), `${first}.ports`, [port({}), port({ containerPort: 81 })]),
    passes: withField(smallPod(), `${first}.ports`, [port({}), port({ containerPort: 81, hostIP: "192.0.2.7" })]),
  },
  {
    rule: "capacity.hostPort.unique",
    path: `${first}.ports[0].hostPort`,
    refused: withField(smallPod(), `${first}.ports`, [port({})]),
    in: on({ pods: [otherPod({}, { ports: [port({})] })] }),
    passes: withField(smallPod(), `${first}.ports`, [port({})]),
    passesIn: on({ pods: [otherPod({ name: podName }, { ports: [port({})] })] }),
  },
  {
    rule: "capacity.hostPort.listening",
    path: `${first}.ports[0].hostPort`,
    refused: withField(smallPod(), `${first}.ports`, [port({})]),
    in: on({ listening: { tcp: [8080], udp: [] } }),
    passes: withField(smallPod(), `${first}.ports`, [port({})]),
    // UDP is another matter, and our own earlier version holds its own port.
    passesIn: on({
      listening: { tcp: [8080], udp: [8080] },
      pods: [otherPod({ name: podName }, { ports: [port({})] })],
    }),
  },
  {
    rule: "notYet.severalContainers",
    path: "spec.containers",
    refused: withField(smallPod(), "spec.containers", [smallContainer("a"), smallContainer("b")]),
    in: without("severalContainers"),
    passes: smallPod(),
    passesIn: without("severalContainers"),
  },
  {
    rule: "notYet.npuSharing",
    path: `${first}.resources.limits.npu`,
    refused: withField(smallPod(), `${first}.resources.limits`, { npu: "1.5" }),
    in: without("npuSharing"),
    passes: withField(smallPod(), `${first}.resources.limits`, { npu: "2000m" }),
  },
  ...(
    [
      ["configMapVolumes", "spec.volumes[0].configMap"],
      ["memoryEmptyDir", "spec.volumes[2].emptyDir.medium"],
      ["livenessProbe", `${first}.livenessProbe`],
      ["readinessProbe", `${first}.readinessProbe`],
      ["npu", `${first}.resources.limits.npu`],
      ["imagePullSecrets", "spec.imagePullSecrets[0].name"],
      ["hostNetwork", "spec.hostNetwork"],
      ["hostPid", "spec.hostPID"],
    ] as const
  ).map(([feature, path]) => ({
    rule: `notYet.${feature}`,
    path,
    refused: fullPod(),
    in: without(feature),
    passes: smallPod(),
    passesIn: without(feature),
  })),
];

for (const row of table) {
  test(`${row.rule} refuses at ${row.path} and lets its neighbour pass`, () => {
    const found = refusals(row.refused, row.in ?? context);
    assert.ok(found.includes(`${row.rule} at ${row.path}`), found.join("\n"));
    const neighbour = refusals(row.passes, row.passesIn ?? row.in ?? context);
    assert.ok(!neighbour.some((text) => text.startsWith(`${row.rule} at`)), neighbour.join("\n"));
  });
}

test("every relation has a row here, and every rule an id of its own", () => {
  const asked = new Set(table.map(({ rule }) => rule));
  assert.deepEqual(
    relations.map(({ id }) => id).filter((id) => !asked.has(id)),
    [],
  );
  const ids = everyRule.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const { path, expectation, source } of everyRule) assert.ok(path !== "" && expectation !== "" && source !== "");
});

test("this build says what it does not carry out", () => {
  const found = refusals(fullPod(), { ...context, policy: openPolicy, featureGates });
  const off = Object.entries(featureGates).filter(([, carried]) => !carried);
  assert.ok(
    found.every((text) => off.some(([feature]) => text.startsWith(`notYet.${feature} at`))),
    found.join("\n"),
  );
});
