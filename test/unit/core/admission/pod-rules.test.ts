import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { podRules } from "../../../../src/core/admission/pod-rules.ts";
import { everyRule } from "../../../../src/core/admission/rule-index.ts";
import { accepted, context, fullPod, openContext, refusals, smallPod, withField } from "./pods.ts";

const container = "spec.containers[0]";
const a = (length: number) => "a".repeat(length);
const names = (count: number, make: (index: number) => unknown) => Array.from({ length: count }, (_, i) => make(i));

test("a small pod is accepted, and one with every allowed field under an open policy", () => {
  assert.deepEqual(refusals(smallPod()), []);
  assert.deepEqual(refusals(fullPod(), openContext), []);
});

// Every row is asked with a value that no row can take, in the place the row is about.
for (const rule of podRules) {
  if (rule.expectation === "anything; it is ignored") continue;
  test(`${rule.id} rejects a wrong value at its path`, () => {
    const path = rule.path.replaceAll("[]", "[0]");
    // An object for what takes none, and a number no row allows for what takes one.
    const isObject = podRules.some(
      ({ path: other }) => other.startsWith(`${rule.path}.`) || other.startsWith(`${rule.path}[]`),
    );
    const takesMap = ["labels", "annotations", "nodeSelector", "limits", "requests"].some((end) => path.endsWith(end));
    const wrong = isObject || takesMap ? -99_999 : { wrong: { wrong: 1 } };
    const pod = path.includes("affinity") || path.includes("volumes") ? fullPod() : smallPod();
    const found = refusals(withField(pod, path, wrong), openContext);
    assert.ok(found.includes(`${rule.id} at ${path}`), `${rule.id}: ${found.join("\n")}`);
  });
}

for (const rule of podRules.filter(({ presence }) => presence !== "optional")) {
  test(`${rule.id} rejects a missing field`, () => {
    const path = rule.path.replaceAll("[]", "[0]");
    if (path.endsWith("[0]")) return;
    const found = refusals(withField(fullPod(), path, undefined), openContext);
    assert.ok(found.includes(`${rule.id} at ${path}`), found.join("\n"));
    assert.ok(refusals(withField(fullPod(), path, null), openContext).includes(`${rule.id} at ${path}`));
  });
}

interface Edge {
  readonly path: string;
  readonly good: readonly unknown[];
  readonly bad: readonly unknown[];
}

const aProbe = `${container}.livenessProbe`;
const http = (fields: object) => ({ httpGet: { path: "/a", port: 80, ...fields } });

const toleration = { effect: "NoExecute", key: "node.kubernetes.io/x", operator: "Exists" };

const edges: readonly Edge[] = [
  { path: "metadata.name", good: ["a", a(128), "a-b", "0"], bad: ["", a(129), "-a", "a-", "A", "a.b", "a\n", 5] },
  { path: "metadata.namespace", good: ["websocket", "mef-user", "", null], bad: ["default", "Websocket"] },
  { path: "metadata.resourceVersion", good: ["", "0", a(64), "A1"], bad: [a(65), "1.0", 7] },
  {
    path: "metadata.uid",
    good: ["", "01234567-89ab-cdef-0123-456789abcdef"],
    bad: ["01234567-89AB-cdef-0123-456789abcdef", "x"],
  },
  {
    path: "metadata.creationTimestamp",
    good: [
      "2024-02-29T00:00:00Z",
      "2000-02-29T23:59:59+23:59",
      "2023-12-31T23:59:59.123456789Z",
      "2023-04-30T00:00:00-01:30",
      null,
    ],
    bad: [
      "2023-02-29T00:00:00Z",
      "1900-02-29T00:00:00Z",
      "2023-04-31T00:00:00Z",
      "2023-13-01T00:00:00Z",
      "2023-00-01T00:00:00Z",
      "2023-01-00T00:00:00Z",
      "2023-01-32T00:00:00Z",
      "2023-01-01T24:00:00Z",
      "2023-01-01T00:60:00Z",
      "2023-01-01T00:00:60Z",
      "2023-01-01T00:00:00+24:00",
      "2023-01-01T00:00:00+00:60",
      "2023-01-01T00:00:00",
      "2023-01-01 00:00:00Z",
      "2023-01-01t00:00:00z",
      `2023-01-01T00:00:00.${"1".repeat(31)}Z`,
      1_672_531_200,
    ],
  },
  { path: "metadata.deletionGracePeriodSeconds", good: [0, 120], bad: [-1, 121, 0.5, "30"] },
  {
    path: "metadata.labels",
    good: [{}, Object.fromEntries(names(64, (i) => [`k${i}`, "v"]) as [string, string][]), { [a(128)]: a(64) }],
    bad: [Object.fromEntries(names(65, (i) => [`k${i}`, "v"]) as [string, string][]), []],
  },
  { path: "spec.terminationGracePeriodSeconds", good: [30, null], bad: [29, 31, 0] },
  { path: "spec.hostname", good: [a(36), "a-1"], bad: [a(37), "a b", "A", "-a"] },
  { path: "spec.nodeName", good: [a(256)], bad: [a(257)] },
  { path: "spec.priority", good: [0], bad: [1, -1] },
  { path: "spec.imagePullSecrets", good: [[], [{}], [{ name: "" }]], bad: [[{}, {}], [5]] },
  { path: "spec.shareProcessNamespace", good: [false, null], bad: [true] },
  { path: "spec.automountServiceAccountToken", good: [false], bad: [true] },
  { path: "spec.enableServiceLinks", good: [true], bad: [false] },
  { path: "spec.overhead", good: [{}], bad: [{ cpu: "1" }] },
  { path: "spec.initContainers", good: [[]], bad: [[{}]] },
  { path: "spec.tolerations[0].tolerationSeconds", good: [120, 0], bad: [121, 1.5] },
  { path: "spec.tolerations[0].key", good: [`node.kubernetes.io${a(110)}`], bad: [`node.kubernetes.io${a(111)}`, "x"] },
  { path: "spec.tolerations", good: [[], names(16, () => toleration)], bad: [names(17, () => toleration)] },
  { path: "spec.volumes", good: [], bad: [{}, "a", 5] },
  { path: "spec.volumes[0].name", good: [], bad: [a(64), "a_b", ""] },
  { path: "spec.volumes[1].hostPath.type", good: ["", null], bad: ["Directory"] },
  {
    path: "spec.volumes[1].hostPath.path",
    good: ["/srv//files/", "/srv/./files"],
    bad: ["/", "srv/files", "/srv/../files", `/${a(1024)}`],
  },
  { path: "spec.volumes[0].configMap.name", good: [`a${a(62)}1`, "abcd"], bad: [a(65), "abc", "1abc", "abc-"] },
  { path: "spec.volumes[0].configMap.defaultMode", good: [420], bad: [644, 256, "420"] },
  { path: `${container}.name`, good: ["a", a(32)], bad: [a(33), "A", "-a", ""] },
  { path: `${container}.image`, good: ["a", a(288)], bad: ["", a(289), "a b", "a@sha256:b"] },
  { path: `${container}.command`, good: [[], [""], names(16, () => "a")], bad: [names(17, () => "a"), [null], "a"] },
  { path: `${container}.command[0]`, good: [a(256), "/bin/a b"], bad: [a(257), "a=b", "a;b", "a "] },
  { path: `${container}.args[0]`, good: [a(256), "--a=b"], bad: [a(257), "a:b", "a\n"] },
  { path: `${container}.env[0].name`, good: ["AB", a(32), "a.b_c-d"], bad: ["A", a(33), "1A", "A^B", "AB-"] },
  { path: `${container}.env[0].value`, good: [a(512), "http://a:1/b c", "."], bad: ["", a(513), "a,b", "a=b", 5] },
  { path: `${container}.ports[0].containerPort`, good: [1, 65_535], bad: [0, 65_536, 1.5, "80"] },
  { path: `${container}.ports[0].hostPort`, good: [1024, 65_535], bad: [1023, 65_536] },
  { path: `${container}.ports[0].protocol`, good: ["TCP", "UDP"], bad: ["tcp", "SCTP"] },
  { path: `${container}.ports[0].name`, good: [a(32), "", null], bad: [a(33), "-a", "A"] },
  {
    path: `${container}.ports[0].hostIP`,
    good: ["192.0.2.7"],
    bad: ["0.0.0.0", "255.255.255.255", "224.0.0.1", "169.254.0.1", "010.0.0.1", "1.2.3", "::1", "1.2.3.4", ""],
  },
  { path: `${container}.securityContext.runAsUser`, good: [0, 1, 65_535], bad: [-1, 65_536, 1.5, "1"] },
  {
    path: `${container}.securityContext.capabilities.add`,
    good: [[], ["CHOWN", "cap_chown"]],
    bad: [names(6, () => "CHOWN"), [a(33)]],
  },
  {
    path: `${container}.securityContext.capabilities.drop`,
    good: [names(5, () => "X")],
    bad: [names(6, () => "X"), [a(33)]],
  },
  { path: `${container}.stdin`, good: [false], bad: [true] },
  { path: `${container}.envFrom`, good: [[]], bad: [[{}]] },
  { path: `${container}.workingDir`, good: ["", null], bad: ["/"] },
  {
    path: aProbe,
    good: [
      {},
      null,
      http({}),
      http({ host: "::1" }),
      http({ port: 1 }),
      http({ port: 65_535 }),
      http({ httpHeaders: [] }),
    ],
    bad: [
      http({ port: 0 }),
      http({ port: 65_536 }),
      http({ port: "80" }),
      http({ port: null }),
      http({ host: "localhost" }),
      http({ host: "fe80::1%eth0" }),
      http({ host: `::${a(63)}` }),
      http({ path: "/" }),
      http({ scheme: "http" }),
      { exec: {} },
      { exec: { command: [] } },
      { exec: { command: ["/a", "/b"] } },
      { exec: { command: ["a"] } },
      { exec: { command: ["/a"] }, httpGet: { path: "/a", port: 80 } },
    ],
  },
  { path: `${aProbe}.periodSeconds`, good: [1, 3600], bad: [0, 3601, -1] },
  { path: `${aProbe}.successThreshold`, good: [1], bad: [0, 2] },
  { path: `${aProbe}.failureThreshold`, good: [3], bad: [1, 4] },
  {
    path: `${container}.resources`,
    good: [
      { requests: { cpu: "10m", memory: "4Mi" } },
      { requests: { cpu: 1, memory: "64Mi" }, limits: { cpu: "1", memory: "64Mi" } },
      { requests: { cpu: "1", memory: "64Mi", "huawei.com/Ascend310": "2" } },
      { requests: { cpu: "1", memory: "64Mi" }, limits: { npu: "0.5" } },
    ],
    bad: [
      {},
      { limits: { cpu: "1", memory: "64Mi" } },
      { requests: { cpu: "9m", memory: "64Mi" } },
      { requests: { memory: "64Mi" } },
      { requests: { cpu: "1", memory: "4M" } },
      { requests: { cpu: "1", memory: "-64Mi" } },
      { requests: { cpu: "1 ", memory: "64Mi" } },
      { requests: { cpu: "1", memory: "64Mi", "huawei.com/Ascend310P": "1" } },
      { requests: { cpu: "1", memory: "64Mi", constructor: "1" } },
      { requests: { cpu: "2", memory: "64Mi" }, limits: { cpu: "1" } },
      { requests: { cpu: "1", memory: "64Mi", npu: "2" }, limits: { "huawei.com/Ascend310": "1" } },
      { requests: { cpu: "1", memory: "64Mi", npu: "1", "huawei.com/Ascend310": "1" } },
    ],
  },
];

for (const { path, good, bad } of edges) {
  test(`${path} accepts every value that the document allows, up to both edges`, () => {
    for (const value of good) {
      assert.deepEqual(refusals(withField(fullPod(), path, value), openContext), [], JSON.stringify(value));
    }
    for (const value of bad) {
      assert.notDeepEqual(refusals(withField(fullPod(), path, value), openContext), [], JSON.stringify(value));
    }
  });
}

test("lists are accepted up to their maximal length", () => {
  const env = (count: number) => names(count, (i) => ({ name: `A${i}`, value: "x" }));
  const ports = (count: number) =>
    names(count, (i) => ({ containerPort: 80 + i, hostPort: 2000 + i, protocol: "UDP", hostIP: "127.0.0.1" }));
  const containers = (count: number) =>
    names(count, (i) => ({ name: `c${i}`, image: "a", resources: { requests: { cpu: "10m", memory: "6Mi" } } }));
  const volumes = (count: number) => names(count, (i) => ({ name: `v${i}`, emptyDir: {} }));
  const mounts = (count: number) => names(count, (i) => ({ name: `v${i}`, mountPath: `/m${i}`, readOnly: true }));
  const fields: readonly (readonly [string, (count: number) => unknown, number])[] = [
    [`${container}.env`, env, 256],
    [`${container}.ports`, ports, 16],
    ["spec.containers", containers, 10],
    ["spec.volumes", volumes, 256],
  ];
  for (const [path, make, most] of fields) {
    assert.deepEqual(refusals(withField(smallPod(), path, make(most))), [], path);
    const rule = path.replace("[0]", "");
    assert.deepEqual(refusals(withField(smallPod(), path, make(most + 1))), [`${rule} at ${path}`]);
  }
  const mounted = withField(
    withField(smallPod(), "spec.volumes", volumes(256)),
    `${container}.volumeMounts`,
    mounts(256),
  );
  assert.deepEqual(refusals(mounted), []);
  assert.ok(
    refusals(withField(mounted, `${container}.volumeMounts`, mounts(257))).includes(
      `spec.containers.volumeMounts at ${container}.volumeMounts`,
    ),
  );
  assert.deepEqual(refusals(withField(smallPod(), "spec.containers", [])), ["spec.containers at spec.containers"]);
});

test("the elements of a list that is too long are checked too", () => {
  const env = names(257, (i) => ({ name: i === 256 ? "1" : `A${i}`, value: "x" }));
  assert.deepEqual(refusals(withField(smallPod(), `${container}.env`, env)), [
    `spec.containers.env at ${container}.env`,
    `spec.containers.env.name at ${container}.env[256].name`,
  ]);
});

test("a pod that is not an object is rejected with one sentence", () => {
  for (const content of [null, 5, "x", [], true, undefined]) assert.deepEqual(refusals(content)[0], "content at ");
});

test("violations come in the order of the document, whatever the order of the message", () => {
  const broken = {
    spec: { restartPolicy: "x", containers: [{ image: "", name: "A" }], volumes: [{ name: "a_b", nfs: {} }] },
    metadata: { uid: "x", name: "A" },
  };
  assert.deepEqual(refusals(broken), [
    "metadata.name at metadata.name",
    "metadata.uid at metadata.uid",
    "spec.volumes.source at spec.volumes[0]",
    "spec.volumes.name at spec.volumes[0].name",
    "spec.volumes.nfs at spec.volumes[0].nfs",
    `spec.containers.image at ${container}.image`,
    `spec.containers.name at ${container}.name`,
    `spec.containers.resources at ${container}.resources`,
    "spec.restartPolicy at spec.restartPolicy",
  ]);
});

test("field names are matched case-insensitively and reported in the sender's spelling", () => {
  const pod = withField(withField(smallPod(), "spec.Volumes", [{ NAME: "a_b", EmptyDir: {} }]), "Spec", undefined);
  assert.deepEqual(refusals(pod), ["spec.volumes.name at spec.Volumes[0].NAME"]);
  assert.equal(accepted(withField(smallPod(), "spec.RESTARTPOLICY", "Never")).spec.restartPolicy, "Never");
});

test("two spellings of one field are rejected once", () => {
  const pod = withField(withField(smallPod(), "spec.Volumes", []), "spec.volumes", []);
  const all = withField(pod, "spec.VOLUMES", []);
  assert.deepEqual(refusals(all), ["field.twice at spec.Volumes"]);
});

test("a hostile message is rejected with bounded memory and time", () => {
  const many = withField(
    smallPod(),
    "spec.containers",
    names(100_000, () => ({})),
  );
  assert.equal(refusals(many).length, 1000);
  const unknown = withField(
    smallPod(),
    "spec",
    Object.fromEntries(names(100_000, (i) => [`x${i}`, 1]) as [string, number][]),
  );
  assert.deepEqual(refusals(unknown), ["spec.containers at spec.containers"]);
});

test("names from JavaScript's own objects are unknown fields like any other", () => {
  const pod = JSON.parse(
    JSON.stringify(smallPod()).replace("{", '{"__proto__":{"spec":{}},"constructor":1,'),
  ) as unknown;
  assert.deepEqual(refusals(pod, context), []);
});

test("the table of rules matches the golden file", () => {
  const file = new URL("rules.golden.txt", import.meta.url);
  const lines = everyRule.map(({ id, path, expectation, source }) => [id, path, expectation, source].join(" | "));
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, `${lines.join("\n")}\n`);
  assert.deepEqual(lines, readFileSync(file, "utf8").trimEnd().split("\n"));
});

test("the largest legal pod is accepted", () => {
  const volumes = names(256, (i) => ({ name: `v${i}`, emptyDir: {} }));
  const containers = names(10, (c) => ({
    name: `c${c}`,
    image: "a",
    resources: { requests: { cpu: "10m", memory: "6Mi" } },
    env: names(256, (i) => ({ name: `E${i}`, value: "x".repeat(40) })),
    ports: names(16, (i) => ({
      containerPort: 1 + i,
      hostPort: 2000 + c * 16 + i,
      protocol: "TCP",
      hostIP: "127.0.0.1",
    })),
    volumeMounts: names(256, (i) => ({ name: `v${i}`, mountPath: `/m${i}`, readOnly: true })),
  }));
  const pod = withField(withField(smallPod(), "spec.volumes", volumes), "spec.containers", containers);
  assert.deepEqual(refusals(pod), []);
});
