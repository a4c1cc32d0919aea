import assert from "node:assert/strict";
import { test } from "node:test";
import { maxReplyCharacters } from "../../../../src/core/protocol/limits.ts";
import {
  errorReply,
  failed,
  keepalive,
  okReply,
  podStatusReport,
  restartFailedReply,
} from "../../../../src/core/protocol/replies.ts";

const ids = { msgId: "43b2b936-c1da-4a4b-b4d7-d3ec9dab7bbf", timestamp: 1652168718438 };
const request = {
  header: { msg_id: "85c67925-5768-4edd-b40e-32cf106e07e8" },
  route: { source: "controller", group: "resource", operation: "update", resource: "websocket/pod/a" },
};

interface Sent {
  readonly header: { readonly parent_msg_id: string; readonly sync: boolean };
  readonly route: object;
  readonly content: unknown;
}

const read = (text: string) => JSON.parse(text) as Sent;
const violation = (message: string) => ({ path: "a", rule: "b", message, value: null });

test("an accepted request is answered as the Pod Update document shows", () => {
  const { header, route, content } = read(okReply(request, ids));
  assert.equal(header.parent_msg_id, request.header.msg_id);
  assert.equal(header.sync, false);
  assert.deepEqual(route, {
    source: "controller",
    group: "resource",
    operation: "response",
    resource: "websocket/pod/a",
  });
  assert.equal(content, "OK");
  const hardware = { ...request, route: { ...request.route, group: "hardware", resource: "websocket/container_info" } };
  assert.deepEqual(read(okReply(hardware, ids)).route, {
    source: "controller",
    group: "hardware",
    operation: "REPORT",
    resource: "websocket/container_info",
  });
});

test("the reply to a rejected request names every violation", () => {
  const { header, route, content } = read(errorReply(request, [violation("one is 1"), violation("two is 2")], ids));
  assert.equal(header.parent_msg_id, request.header.msg_id);
  assert.deepEqual(route, {
    source: "metaManager",
    group: "resource",
    operation: "error",
    resource: "websocket/pod/a",
  });
  assert.equal(content, "FAILED: one is 1; two is 2");
  assert.equal(read(errorReply(request, "Why", ids)).content, "FAILED: Why");
});

test("a rejected restart is answered with operation response", () => {
  const { route, content } = read(restartFailedReply(request, "No", ids));
  assert.deepEqual(route, {
    source: "controller",
    group: "resource",
    operation: "response",
    resource: "websocket/pod/a",
  });
  assert.equal(content, "FAILED: No");
});

test("a reply holds at most 2,048 characters, whole violations, and says how many more there are", () => {
  for (const [count, length] of [
    [5, 1000],
    [300, 17],
    [2048, 1],
    [2, 2037],
    [2, 2036],
    [1, 2040],
    [1, 2041],
    [3, 5000],
  ] as const) {
    const text = failed(Array.from({ length: count }, () => violation("x".repeat(length))));
    assert.ok(text.length <= maxReplyCharacters, `${count} of ${length}: ${text.length}`);
    const said = text.slice("FAILED: ".length).split("; ");
    const more = /^and (\d+) more$/.exec(said.at(-1) ?? "");
    assert.equal(more === null ? said.length : said.length - 1 + Number(more[1]), count);
  }
  assert.equal(failed([violation("x".repeat(2040))]).length, maxReplyCharacters);
  assert.equal(failed([]), "FAILED: ");
});

test("a shortened reply never ends in half a character", () => {
  for (const start of ["", "x"]) {
    const text = failed(start + "😀".repeat(2000));
    assert.ok(text.length <= maxReplyCharacters);
    assert.equal(text.isWellFormed(), true);
    assert.match(text, /…$/);
  }
});

test("reports and keepalives have their own routes", () => {
  const entry = { Name: "a", UID: "b", kind: "Pod", metadata: {}, spec: {}, status: {} } as const;
  const report = read(podStatusReport([entry], ids));
  assert.deepEqual(report.route, {
    source: "metaManager",
    group: "resource",
    operation: "update",
    resource: "websocket/podstatus",
  });
  assert.deepEqual(report.content, [entry]);
  assert.equal(report.header.parent_msg_id, "");
  assert.deepEqual(read(podStatusReport([], ids)).content, []);
  const alive = read(keepalive(ids));
  assert.deepEqual(alive.route, { source: "websocket", group: "resource", operation: "keepalive", resource: "node" });
  assert.equal(alive.content, "ping");
});
