import { smallContainer, smallPod, withField } from "./pods.ts";
import { configMapVolumes, emptyDirs, first, mounts, port, type RelationRow } from "./relation-rows.ts";

/** Relations between the fields of one pod. */
export const specRelations: readonly RelationRow[] = [
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
];
