import { fullPod, podName, smallContainer, smallPod, withField } from "./pods.ts";
import { first, on, otherPod, port, type RelationRow, under, without } from "./relation-rows.ts";

/** Relations between a pod and the node, its other pods, and what this build carries out. */
export const nodeRelations: readonly RelationRow[] = [
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
    rule: "continuity.owner",
    path: "metadata.name",
    refused: smallPod(),
    in: on({ pods: [{ ...otherPod({ name: podName }), origin: { kind: "factory", file: "web.yaml" } }] }),
    passes: smallPod(),
    passesIn: on({ pods: [{ ...otherPod({ name: podName }), origin: { kind: "local" } }] }),
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
