import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type NodeState, nodeReport, sameReport } from "../../../../src/core/node/status.ts";

const now = Date.parse("2026-11-22T12:00:00Z");
const state: NodeState = {
  name: "edge-1",
  machine: {
    cpus: 4,
    memoryBytes: 8_589_934_592,
    osImage: "Debian GNU/Linux 12 (bookworm)",
    kernelVersion: "6.1.0-28-arm64",
    architecture: "arm64",
  },
  allocatable: { cpu: "3", memory: "7Gi", "huawei.com/Ascend310": "2" },
  maxContainerNumber: 20,
  hostIp: "10.0.0.5",
  conditions: [
    { type: "DiskPressure", status: "True", reason: "NodeHasDiskPressure", message: "short", since: now - 60_000 },
    { type: "Ready", status: "True", reason: "EngineReady", message: "The engine answers", since: now - 120_000 },
  ],
  engineVersion: "20.10.24",
  version: "0.1.0",
  bootId: "b1",
};

describe("nodeReport()", () => {
  it("returns a Kubernetes Node with resources and addresses", () => {
    const addresses = [
      { type: "InternalIP", address: "10.0.0.5" },
      { type: "Hostname", address: "edge-1" },
    ];
    const capacity = { cpu: "4", memory: "8Gi", pods: "20", "huawei.com/Ascend310": "2" };
    const allocatable = { cpu: "3", memory: "7Gi", pods: "20", "huawei.com/Ascend310": "2" };
    assert.deepEqual(nodeReport(state, now), {
      addresses,
      allocatable,
      capacity,
      content: {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: "edge-1", labels: { "kubernetes.io/arch": "arm64", "kubernetes.io/os": "linux" } },
        status: {
          addresses,
          allocatable,
          capacity,
          conditions: [
            {
              type: "DiskPressure",
              status: "True",
              reason: "NodeHasDiskPressure",
              message: "short",
              lastHeartbeatTime: "2026-11-22T12:00:00Z",
              lastTransitionTime: "2026-11-22T11:59:00Z",
            },
            {
              type: "Ready",
              status: "True",
              reason: "EngineReady",
              message: "The engine answers",
              lastHeartbeatTime: "2026-11-22T12:00:00Z",
              lastTransitionTime: "2026-11-22T11:58:00Z",
            },
          ],
          nodeInfo: {
            architecture: "arm64",
            kernelVersion: "6.1.0-28-arm64",
            osImage: "Debian GNU/Linux 12 (bookworm)",
            operatingSystem: "linux",
            bootID: "b1",
            containerRuntimeVersion: "docker://20.10.24",
            kubeletVersion: "0.1.0",
            machineID: "",
            systemUUID: "",
            kubeProxyVersion: "",
          },
        },
      },
    });
  });

  const rows: readonly (readonly [
    string,
    Partial<NodeState>,
    (report: ReturnType<typeof nodeReport>) => unknown,
    unknown,
  ])[] = [
    [
      "reports zero of the default NPU resource on a device without NPUs",
      { allocatable: { cpu: "3", memory: "7Gi" } },
      ({ allocatable }) => allocatable,
      { cpu: "3", memory: "7Gi", pods: "20", "huawei.com/davinci-mini": "0" },
    ],
    [
      "leaves out unknown resources",
      { allocatable: { cpu: "3", memory: "7Gi", npu: "1", "ephemeral-storage": "5Gi" } },
      ({ capacity }) => capacity,
      { cpu: "4", memory: "8Gi", pods: "20", npu: "1" },
    ],
    ["leaves out an unknown address", { hostIp: "" }, ({ addresses }) => addresses.length, 1],
    [
      "reports no version of an engine that does not answer",
      { engineVersion: null },
      ({ content }) => content.status?.nodeInfo?.containerRuntimeVersion,
      "docker",
    ],
  ];
  for (const [name, change, part, expected] of rows) {
    it(name, () => assert.deepEqual(part(nodeReport({ ...state, ...change }, now)), expected));
  }
});

describe("sameReport()", () => {
  it("ignores the heartbeat and compares everything else", () => {
    const report = nodeReport(state, now);
    assert.equal(sameReport(report, nodeReport(state, now + 60_000)), true);
    const changes: readonly Partial<NodeState>[] = [
      { hostIp: "10.0.0.6" },
      { allocatable: { cpu: "3", memory: "6Gi" } },
      { conditions: [] },
      { engineVersion: null },
      { conditions: state.conditions.map((one) => ({ ...one, since: now })) },
    ];
    for (const change of changes) assert.equal(sameReport(report, nodeReport({ ...state, ...change }, now)), false);
  });
});
