import assert from "node:assert/strict";
import { test } from "node:test";
import { maxMessageBytes, maxNesting } from "../../../../src/core/protocol/limits.ts";
import { decodeMessage, encodeMessage } from "../../../../src/core/protocol/message.ts";

const id = "85c67925-5768-4edd-b40e-32cf106e07e8";
const header = { msg_id: id, parent_msg_id: "", timestamp: 1652168697, resourceversion: "", sync: true };
const route = { source: "controller", group: "resource", operation: "update", resource: "websocket/pod/a" };
const text = (fields: object = {}) => JSON.stringify({ header, route, content: {}, ...fields });

/** The code a text is refused with, or "ok". */
function codeOf(message: string): string {
  const decoded = decodeMessage(message);
  return decoded.ok ? "ok" : decoded.code;
}

function contentOf(content: unknown): unknown {
  const decoded = decodeMessage(text({ content }));
  return decoded.ok ? decoded.message.content : decoded.reason;
}

test("a message is read with its known keys", () => {
  const internal = { id: "", parentId: "x", isSync: true, version: "", nodeId: "", peerInfo: {} };
  const decoded = decodeMessage(text({ header: { ...header, ...internal }, router: { source: "x" } }));
  assert.deepEqual(decoded, { ok: true, message: { header, route, content: {} } });
});

test("keys of the envelope are matched case-insensitively, and two spellings of one are rejected", () => {
  const decoded = decodeMessage(
    JSON.stringify({
      Header: { MSG_ID: id, Sync: true },
      ROUTE: { ...route, source: undefined, Source: "controller" },
    }),
  );
  assert.ok(decoded.ok);
  assert.equal(decoded.message.route.source, "controller");
  assert.equal(decoded.message.header.sync, true);
  for (const fields of [{ Content: 1 }, { header: { ...header, SYNC: true } }, { route: { ...route, Group: "x" } }]) {
    const refused = decodeMessage(text(fields));
    assert.ok(!refused.ok);
    assert.equal(refused.code, "badShape");
    assert.equal(refused.messageId, id);
    assert.match(refused.reason, /are the same field/);
  }
});

test("a missing header field is empty", () => {
  const decoded = decodeMessage(JSON.stringify({ header: { msg_id: id }, route }));
  assert.deepEqual(decoded.ok && decoded.message, {
    header: { msg_id: id, parent_msg_id: "", timestamp: 0, sync: false, resourceversion: "" },
    route,
    content: null,
  });
  // Nothing validates the timestamp.
  assert.equal(codeOf(text({ header: { ...header, timestamp: "yesterday" } })), "ok");
});

test("a message without a usable msg_id cannot be answered", () => {
  for (const wrong of [
    {},
    null,
    [],
    5,
    { msg_id: 5 },
    { msg_id: "" },
    { msg_id: id.toUpperCase() },
    { msg_id: `${id}\n` },
  ]) {
    const decoded = decodeMessage(text({ header: wrong }));
    assert.deepEqual(!decoded.ok && [decoded.code, decoded.messageId, decoded.route], ["noMessageId", null, null]);
  }
});

test("a message that is no JSON object is rejected", () => {
  for (const wrong of ["", "{", "[]", "null", "5", '"x"', "\u0000"]) assert.equal(codeOf(wrong), "notJson");
});

test("a message of a wrong shape with a usable msg_id can be answered", () => {
  for (const wrong of [{ parent_msg_id: 5 }, { sync: "true" }, { resourceversion: 7 }]) {
    const decoded = decodeMessage(text({ header: { ...header, ...wrong } }));
    assert.deepEqual(!decoded.ok && [decoded.code, decoded.messageId, decoded.route], ["badShape", id, route]);
  }
  for (const wrong of [null, [], {}, { ...route, resource: 5 }]) {
    const decoded = decodeMessage(text({ route: wrong }));
    assert.deepEqual(!decoded.ok && [decoded.code, decoded.messageId, decoded.route], ["badShape", id, null]);
  }
});

test("a content that is a string of JSON is unquoted once", () => {
  assert.deepEqual(contentOf('{"a":1}'), { a: 1 });
  assert.equal(contentOf('"{}"'), "{}");
  assert.equal(contentOf("OK"), "OK");
  assert.equal(contentOf(""), "");
  assert.equal(contentOf(null), null);
});

test("a message is at most 1 MiB, counted in bytes", () => {
  const padded = (length: number, character: string) => {
    const empty = text({ content: "" });
    return text({ content: character.repeat((length - empty.length) / new TextEncoder().encode(character).length) });
  };
  assert.equal(codeOf(padded(maxMessageBytes, "x")), "ok");
  assert.equal(codeOf(padded(maxMessageBytes + 1, "x")), "tooLarge");
  assert.equal(codeOf(text({ content: "é".repeat(maxMessageBytes / 2) })), "tooLarge");
  assert.equal(codeOf(text({ content: "é".repeat(maxMessageBytes / 2 - 200) })), "ok");
});

test("a message nests at most 64 levels, inside a string of JSON as well", () => {
  const nested = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown;
  assert.equal(codeOf(text({ content: nested(maxNesting - 1) })), "ok");
  assert.equal(codeOf(text({ content: nested(maxNesting) })), "notJson");
  assert.equal(codeOf(text({ content: JSON.stringify(nested(maxNesting)) })), "ok");
  assert.equal(codeOf(text({ content: JSON.stringify(nested(maxNesting + 1)) })), "badShape");
  assert.equal(codeOf("[".repeat(maxMessageBytes)), "notJson");
  // Brackets in strings nest nothing, whatever is escaped around them.
  assert.equal(codeOf(text({ content: { a: `\\"${"[".repeat(200)}\\` } })), "ok");
  // A string that never ends holds all that follows.
  const reasonOf = (sent: string): string => JSON.stringify(decodeMessage(sent));
  assert.match(reasonOf(`["a\\"${"[".repeat(200)}`), /The message is not JSON/);
  assert.match(reasonOf(`["a\\\\"${"[".repeat(200)}`), /nests deeper than 64 levels/);
});

test("a message of the agent has every key of the envelope, the internal ones empty", () => {
  const ids = { msgId: id, timestamp: 1706282575923 };
  const sent = JSON.parse(encodeMessage({ route, content: ["x"] }, ids)) as object;
  assert.deepEqual(sent, {
    header: {
      id: "",
      msg_id: id,
      parentId: "",
      parent_msg_id: "",
      isSync: false,
      sync: false,
      timestamp: 1706282575923,
      version: "",
      resourceversion: "",
      nodeId: "",
      peerInfo: {},
    },
    router: { source: "", destination: "", option: "", resource: "" },
    route,
    content: ["x"],
  });
  const answer = { header: { parent_msg_id: "p", sync: true, resourceversion: "1" }, route, content: undefined };
  const decoded = decodeMessage(encodeMessage(answer, ids));
  assert.deepEqual(decoded.ok && decoded.message, {
    header: { msg_id: id, parent_msg_id: "p", timestamp: ids.timestamp, sync: true, resourceversion: "1" },
    route,
    content: null,
  });
});
