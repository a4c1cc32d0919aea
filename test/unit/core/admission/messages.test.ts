import assert from "node:assert/strict";
import { test } from "node:test";
import { admitGracefulDelete, admitMessage, isGracefulDelete } from "../../../../src/core/admission/admit.ts";
import type { AdmissionContext, Admitted } from "../../../../src/core/admission/context.ts";
import { everything, type FeatureGates } from "../../../../src/core/admission/feature-gates.ts";
import type { NodePod } from "../../../../src/core/admission/node-facts.ts";
import type { Message } from "../../../../src/core/protocol/message.ts";
import { context, fullPod, podName, smallPod, withField } from "./pods.ts";

const uid = "5eed9461-643e-4c0d-8a11-0f1e2d3c4b5a";

function message(route: string, content: unknown, sync = true): Message {
  const [source = "", group = "", operation = "", ...resource] = route.split("/");
  const header = { msg_id: uid, parent_msg_id: "", timestamp: 0, sync, resourceversion: "" };
  return { header, route: { source, group, operation, resource: resource.join("/") }, content };
}

const update = (content: unknown, name = podName) =>
  message(`controller/resource/update/websocket/pod/${name}`, content);
const remove = (content: unknown, name = podName) =>
  message(`controller/resource/delete/websocket/pod/${name}`, content);
const restart = (name = podName) => message(`controller/resource/restart/websocket/pod/${name}`, null);

function stored(fields: Partial<NodePod["metadata"]> = {}, spec: Partial<NodePod["spec"]> = {}): AdmissionContext {
  const pod = {
    metadata: { name: podName, namespace: "websocket", ...fields },
    spec: { containers: [{ name: "main" }], ...spec },
  };
  return { ...context, node: { ...context.node, pods: [pod] } };
}

function admitted(one: Message, under: AdmissionContext = context): Admitted {
  const verdict = admitMessage(one, under);
  if (!verdict.accepted) throw new Error(verdict.violations.map(({ message: text }) => text).join("\n"));
  return verdict.value;
}

function refusals(one: Message, under: AdmissionContext = context): readonly string[] {
  const verdict = admitMessage(one, under);
  return verdict.accepted ? [] : verdict.violations.map(({ rule, path }) => `${rule} at ${path}`);
}

test("a pod update is admitted as a pod", () => {
  const value = admitted(update(smallPod()));
  assert.equal(value.kind, "pod-update");
  assert.deepEqual(value.kind === "pod-update" && value.pod.id, { namespace: "websocket", name: podName, uid });
});

test("the route names the pod of the content", () => {
  assert.deepEqual(refusals(update(smallPod(), "other")), ["route.podName at route.resource"]);
  const broken = withField(smallPod(), "spec.restartPolicy", "x");
  assert.deepEqual(refusals(update(broken, "other")), [
    "route.podName at route.resource",
    "spec.restartPolicy at spec.restartPolicy",
  ]);
  assert.deepEqual(refusals(update(withField(smallPod(), "metadata.name", undefined))), [
    "metadata.name at metadata.name",
  ]);
});

test("a factory pod is neither changed nor deleted nor restarted by a message", () => {
  const pod = { metadata: { name: podName, namespace: "websocket" }, spec: { containers: [{ name: "main" }] } };
  const origin = { kind: "factory", file: "a.yaml" } as const;
  const under: AdmissionContext = { ...context, node: { ...context.node, pods: [{ ...pod, origin }] } };
  const name = "continuity.owner at metadata.name";
  const route = "continuity.owner at route.resource";
  assert.deepEqual(refusals(update(smallPod()), under), [name]);
  assert.ok(refusals(update(terminating(smallPod())), under).includes(name));
  assert.deepEqual(refusals(remove(null), under), [route]);
  assert.deepEqual(refusals(restart(), under), [route]);
});

test("an update without a pod is refused", () => {
  for (const content of [null, "", "OK", 5, []]) assert.deepEqual(refusals(update(content)), ["content at "]);
});

const terminating = (pod: object) => withField(pod, "metadata.deletionTimestamp", "2024-01-01T00:00:00Z");

test("deletionTimestamp makes a graceful delete of an update, in any spelling", () => {
  assert.equal(isGracefulDelete(terminating(smallPod())), true);
  assert.equal(isGracefulDelete({ Metadata: { DELETIONTIMESTAMP: "x" } }), true);
  for (const content of [
    smallPod(),
    null,
    5,
    {},
    { metadata: null },
    { metadata: { deletionTimestamp: "" } },
    { metadata: { deletionTimestamp: null } },
  ]) {
    assert.equal(isGracefulDelete(content), false);
  }
});

test("a graceful delete of a stored pod needs only metadata and the set of container names", () => {
  const pod = withField(withField(terminating(smallPod()), "spec.containers[0].image", "a b"), "spec.nonsense", 1);
  assert.deepEqual(admitted(update(pod), stored()), {
    kind: "graceful-delete",
    id: { namespace: "websocket", name: podName, uid },
    graceSeconds: 30,
    deletionTimestamp: "2024-01-01T00:00:00Z",
  });
  const graceful = withField(pod, "metadata.deletionGracePeriodSeconds", 0);
  const value = admitted(update(graceful), stored());
  assert.equal(value.kind === "graceful-delete" && value.graceSeconds, 0);
  assert.deepEqual(refusals(update(withField(pod, "spec.containers[0].name", "other")), stored()), [
    "delete.containers at spec.containers",
  ]);
  const more = stored({}, { containers: [{ name: "main" }, { name: "more" }] });
  assert.deepEqual(refusals(update(pod), more), ["delete.containers at spec.containers"]);
  const bad = withField(pod, "metadata.deletionTimestamp", "now");
  assert.deepEqual(refusals(update(bad), stored()), ["metadata.deletionTimestamp at metadata.deletionTimestamp"]);
});

test("a graceful delete of an unknown pod also checks the form of each present field", () => {
  assert.equal(admitGracefulDelete(terminating(fullPod()), context).accepted, true);
  // Neither policy nor capacity, nor rules between fields (decisions.md 24: a stricter rule never blocks a delete).
  assert.deepEqual(refusals(update(terminating(fullPod()))), []);
  assert.deepEqual(
    refusals(
      update({
        metadata: { name: podName, deletionTimestamp: "2024-01-01T00:00:00Z" },
        spec: { containers: [{ name: "a" }] },
      }),
    ),
    [],
  );
  assert.deepEqual(refusals(update(withField(terminating(smallPod()), "spec.containers[0].image", "a b"))), [
    "spec.containers.image at spec.containers[0].image",
  ]);
});

test("the content of a delete is not checked", () => {
  const nothing = { kind: "pod-delete", namespace: "websocket", name: podName };
  for (const content of [null, "", "OK", 5, { metadata: 5 }, { metadata: { uid: "x" } }]) {
    assert.deepEqual(admitted(remove(content)), nothing);
  }
  assert.deepEqual(admitted(remove({ metadata: { uid, namespace: "mef-user" } })), {
    ...nothing,
    namespace: "mef-user",
    uid,
  });
  assert.deepEqual(admitted(remove(null), stored({ namespace: "mef-user" })), { ...nothing, namespace: "mef-user" });
});

test("a restart requires a known pod that may run again", () => {
  assert.deepEqual(refusals(restart()), ["restart.known at route.resource"]);
  assert.deepEqual(refusals(restart(), stored({}, { restartPolicy: "Never" })), ["restart.policy at route.resource"]);
  assert.deepEqual(admitted(restart(), stored({}, { restartPolicy: "OnFailure" })), {
    kind: "pod-restart",
    namespace: "websocket",
    name: podName,
  });
  const elsewhere = { metadata: { name: podName }, spec: { containers: [{ name: "main" }] } };
  assert.equal(admitted(restart(), { ...context, node: { ...context.node, pods: [elsewhere] } }).kind, "pod-restart");
});

const config = (content: unknown, name = "settings") =>
  message(`controller/resource/update/websocket/configmap/${name}`, content);
const settings = { metadata: { name: "settings" }, data: { key: "value" } };

test("a ConfigMap update has its data in the content and its name in the route", () => {
  assert.deepEqual(admitted(config(settings)), { kind: "configmap-update", name: "settings", data: { key: "value" } });
  assert.deepEqual(admitted(config({ ...settings, data: null })), {
    kind: "configmap-update",
    name: "settings",
    data: {},
  });
  const verdict = admitMessage(config(settings, "other-name"), context);
  assert.deepEqual(
    verdict.warnings.map(({ path }) => path),
    ["metadata.name"],
  );
});

test("a ConfigMap may have a uid, a lower-case UUID", () => {
  const uid = "0a1b2c3d-0000-4000-8000-000000000000";
  const withUid = (value: string) => config({ ...settings, metadata: { ...settings.metadata, uid: value } });
  assert.equal(admitted(withUid(uid)).kind, "configmap-update");
  assert.deepEqual(refusals(withUid(uid.toUpperCase())), ["metadata.uid at metadata.uid"]);
});

test("a ConfigMap has at most 256 entries of bounded keys and values", () => {
  const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"]));
  const withData = (data: unknown) => refusals(config({ ...settings, data }));
  assert.deepEqual(withData(entries(256)), []);
  assert.deepEqual(withData(entries(257)), ["data at data"]);
  assert.deepEqual(withData({ ["a".repeat(63)]: "v".repeat(2048), "-": "", constructor: "x" }), []);
  for (const [key, value] of [
    ["1", "v"],
    ["a".repeat(64), "v"],
    ["__proto__x", "v"],
    ["k", "v".repeat(2049)],
    ["k", 5],
  ] as const) {
    assert.deepEqual(withData({ [key]: value }), [`data at data.${key}`]);
  }
  assert.deepEqual(refusals(config(JSON.parse('{"metadata":{"name":"settings"},"data":{"__proto__":"x"}}'))), [
    "data at data.__proto__",
  ]);
  assert.deepEqual(refusals(config({ ...settings, immutable: false })), ["immutable at immutable"]);
});

test("a device accepts 256 ConfigMaps, and updates of them beyond that", () => {
  const full = Array.from({ length: 256 }, (_, i) => `config-${i}`);
  const under = { ...context, node: { ...context.node, configMaps: full } };
  assert.deepEqual(refusals(config(settings), under), ["capacity.configMaps at metadata.name"]);
  assert.deepEqual(refusals(config({ metadata: { name: "config-0" } }, "config-0"), under), []);
});

test("the registry secret comes as base64 or as bytes and is never quoted", () => {
  const secret = (content: unknown) =>
    message("controller/resource/update/websocket/secret/fusion-director-docker-registry-secret", content);
  const make = (data: unknown) => ({ metadata: { name: "image-pull-secret" }, data, type: "" });
  const wanted = { kind: "secret-update", name: "image-pull-secret", dockerConfigJson: '{"a":"é"}' };
  const base64 = Buffer.from('{"a":"é"}').toString("base64");
  assert.deepEqual(admitted(secret(make({ ".dockerconfigjson": base64 }))), wanted);
  assert.deepEqual(admitted(secret(make({ ".dockerconfigjson": [...Buffer.from('{"a":"é"}')] }))), wanted);
  for (const length of [1, 2, 3, 4, 5, 6]) {
    const text = "x".repeat(length);
    const value = admitted(secret(make({ ".dockerconfigjson": Buffer.from(text).toString("base64") })));
    assert.equal(value.kind === "secret-update" && value.dockerConfigJson, text);
  }
  for (const data of [
    null,
    {},
    { x: base64 },
    { ".dockerconfigjson": "hunter2!" },
    { ".dockerconfigjson": [256] },
    { ".dockerconfigjson": base64, x: base64 },
  ]) {
    const verdict = admitMessage(secret(make(data)), context);
    assert.equal(verdict.accepted, false);
    assert.ok(!JSON.stringify(verdict).includes("hunter2"));
  }
  assert.deepEqual(refusals(secret({ ...make({ ".dockerconfigjson": base64 }), metadata: { name: "a", uid: "x" } })), [
    "metadata.uid at metadata.uid",
  ]);
});

const file = { name: "m.om", version: "1.0", check_type: "sha256", check_code: "a".repeat(64), size: "4294967296" };

test("messages about model files and NPU sharing are checked by their rows", () => {
  const info = (content: unknown) => message("controller/hardware/update/websocket/container_info", content);
  const good = {
    operation: "update",
    source: "all",
    pod_name: podName,
    container: [{ modelfile: [{ name: "x.om", version: "1.0", active_type: "hot_update" }] }],
  };
  assert.equal(admitted(info(good)).kind, "container-info");
  assert.deepEqual(refusals(info({ ...good, container: [] })), ["container at container"]);
  assert.deepEqual(
    refusals(
      info({ ...good, container: [{ modelfile: [{ name: "../x.om", version: "1", active_type: "hot_update" }] }] }),
    ),
    ["container.modelfile.name at container[0].modelfile[0].name"],
  );

  const files = (content: unknown) => message("controller/hardware/update/websocket/modelfiles", content);
  const server = { protocol: "https", path: "GET https://a/b", user_name: "u", password: "p".repeat(8) };
  assert.equal(
    admitted(files({ operation: "update", target: "all", modelfiles: [{ ...file, file_server: server }] })).kind,
    "modelfiles",
  );
  assert.equal(admitted(files({ operation: "delete", target: "" })).kind, "modelfiles");
  assert.deepEqual(refusals(files({ operation: "update", modelfiles: [file, file] })), [
    "modelfiles.one at modelfiles",
  ]);
  assert.deepEqual(refusals(files({ operation: "update" })), ["modelfiles.one at modelfiles"]);
  const bad = files({
    operation: "update",
    modelfiles: [{ ...file, size: "4294967297", file_server: { ...server, password: "hunter2" } }],
  });
  assert.deepEqual(refusals(bad), [
    "modelfiles.size at modelfiles[0].size",
    "modelfiles.file_server.password at modelfiles[0].file_server.password",
  ]);
  assert.ok(!JSON.stringify(admitMessage(bad, context)).includes("hunter2"));

  const sharing = (content: unknown) => message("EdgeManager/hardware/update/websocket/npu_sharing", content, false);
  assert.deepEqual(admitted(sharing({ npu_sharing_enabled: true })), { kind: "npu-sharing", enabled: true });
  assert.deepEqual(refusals(sharing({})), ["npu_sharing_enabled at npu_sharing_enabled"]);
});

test("messages without content rules accept any content", () => {
  assert.deepEqual(admitted(message("controller/resource/delete/websocket/configmap/settings", null)), {
    kind: "configmap-delete",
    name: "settings",
  });
  assert.deepEqual(admitted(message("controller/resource/delete/websocket/pods_data", "", false)), {
    kind: "pods-data",
  });
});

test("a message kind that this build does not implement is rejected with one sentence", () => {
  const kinds: readonly (readonly [keyof FeatureGates, Message])[] = [
    ["gracefulDelete", update(terminating(smallPod()))],
    ["podRestart", restart()],
    ["configMaps", config(settings)],
    ["configMaps", message("controller/resource/delete/websocket/configmap/settings", null)],
    ["secrets", message("controller/resource/update/websocket/secret/fusion-director-docker-registry-secret", {})],
    ["podsData", message("controller/resource/delete/websocket/pods_data", "", false)],
    ["modelFiles", message("controller/hardware/update/websocket/container_info", {})],
    ["modelFiles", message("controller/hardware/update/websocket/modelfiles", {})],
    ["npuSharing", message("EdgeManager/hardware/update/websocket/npu_sharing", {}, false)],
  ];
  for (const [feature, one] of kinds) {
    const under = { ...context, featureGates: { ...everything, [feature]: false } };
    const verdict = admitMessage(one, under);
    assert.ok(!verdict.accepted);
    assert.deepEqual(
      verdict.violations.map(({ rule }) => rule),
      [`notYet.${feature}`],
    );
    assert.match(verdict.violations[0]?.message ?? "", /^[A-Z].* are not supported by this version$/);
  }
});

test("an unknown route is rejected before its content is checked", () => {
  assert.deepEqual(refusals(message("controller/resource/patch/websocket/pod/a", null)), ["route.known at route"]);
});
