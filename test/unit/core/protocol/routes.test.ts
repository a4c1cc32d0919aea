import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "../../../../src/core/protocol/message.ts";
import { classify, routes } from "../../../../src/core/protocol/routes.ts";

const msgId = "85c67925-5768-4edd-b40e-32cf106e07e8";

function message(route: string, sync: boolean, header: Partial<Message["header"]> = {}): Message {
  const [source = "", group = "", operation = "", ...resource] = route.split("/");
  return {
    header: { msg_id: msgId, parent_msg_id: "", timestamp: 0, sync, resourceversion: "", ...header },
    route: { source, group, operation, resource: resource.join("/") },
    content: null,
  };
}

const known = [
  ["controller/resource/update/websocket/pod/a", true, { kind: "pod-update", podName: "a" }],
  ["controller/resource/delete/websocket/pod/a", true, { kind: "pod-delete", podName: "a" }],
  ["controller/resource/restart/websocket/pod/a", true, { kind: "pod-restart", podName: "a" }],
  ["controller/resource/update/websocket/configmap/abcd", true, { kind: "configmap-update", configMapName: "abcd" }],
  ["controller/resource/delete/websocket/configmap/abcd", true, { kind: "configmap-delete", configMapName: "abcd" }],
  [
    "controller/resource/update/websocket/secret/fusion-director-docker-registry-secret",
    true,
    { kind: "secret-update" },
  ],
  ["controller/resource/delete/websocket/pods_data", false, { kind: "pods-data" }],
  ["controller/hardware/update/websocket/container_info", true, { kind: "container-info" }],
  ["controller/hardware/update/websocket/modelfiles", true, { kind: "modelfiles" }],
  ["EdgeManager/hardware/update/websocket/npu_sharing", false, { kind: "npu-sharing" }],
] as const;

test("the tests cover every row of the table of routes", () => {
  assert.equal(known.length, routes.length);
});

for (const [route, sync, wanted] of known) {
  test(`${route} is a ${wanted.kind}, with sync ${sync}`, () => {
    assert.deepEqual(classify(message(route, sync)), { ok: true, ...wanted });
    const other = classify(message(route, !sync));
    assert.deepEqual(!other.ok && other.violations.map(({ rule }) => rule), ["header.sync"]);
  });
}

test("a route accepts any name valid for metadata.name, and no other", () => {
  for (const name of ["a", "a".repeat(128), "a-1"]) {
    assert.equal(classify(message(`controller/resource/update/websocket/pod/${name}`, true)).ok, true);
  }
  for (const name of ["", "a".repeat(129), "-a", "a-", "A", "a/b", "a\n"]) {
    assert.equal(classify(message(`controller/resource/update/websocket/pod/${name}`, true)).ok, false);
  }
});

test("a message of an unknown kind is rejected with the reason", () => {
  for (const route of [
    "edgecontroller/resource/update/websocket/pod/a",
    "controller/hardware/update/websocket/pod/a",
    "controller/resource/patch/websocket/pod/a",
    "controller/resource/query/websocket/podlist",
    "controller/resource/update/websocket/configmap/abc",
    "controller/resource/delete/websocket/secret/fusion-director-docker-registry-secret",
    "controller/resource/update/mef-user/pod/a",
  ]) {
    const found = classify(message(route, true));
    assert.deepEqual(!found.ok && found.violations.map(({ rule }) => rule), ["route.known"], route);
  }
});

test("all errors of a header are reported at once", () => {
  const header = { parent_msg_id: "x", resourceversion: "1.0" };
  const found = classify(message("controller/resource/update/websocket/pod/a", false, header));
  assert.deepEqual(!found.ok && found.violations.map(({ path }) => path), [
    "header.parent_msg_id",
    "header.resourceversion",
    "header.sync",
  ]);
  const long = classify(message("x/y/z/w", true, { resourceversion: "1".repeat(33) }));
  assert.deepEqual(!long.ok && long.violations.map(({ rule }) => rule), ["header.resourceversion", "route.known"]);
  assert.equal(
    classify(message("controller/resource/update/websocket/pod/a", true, { resourceversion: "1".repeat(32) })).ok,
    true,
  );
});
