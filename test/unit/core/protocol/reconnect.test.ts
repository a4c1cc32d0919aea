import assert from "node:assert/strict";
import { test } from "node:test";
import { reconnectDelayMs } from "../../../../src/core/protocol/reconnect.ts";
import { versionOrder } from "../../../../src/core/protocol/version-order.ts";

test("the first dial comes within a second, later ones spread over a delay that doubles to a minute", () => {
  const latest = [1, 2, 3, 4, 5, 6, 7, 8, 1_000].map((failures) => reconnectDelayMs("soon", failures, 0.999999));
  assert.deepEqual(
    latest.map((ms) => Math.ceil(ms / 1000)),
    [1, 2, 4, 8, 16, 32, 60, 60, 60],
  );
  for (const failures of [1, 5, 50])
    assert.equal(reconnectDelayMs("soon", failures, 0), 0, "full jitter: nobody waits for a step");
});

test("Retry-After delays the dial with half of it as jitter, at most an hour", () => {
  assert.equal(reconnectDelayMs("soon", 1, 0.5, 120), 150_000);
  assert.equal(reconnectDelayMs("soon", 1, 0, 1_000_000), 3_600_000);
});

test("resourceVersions compare as numbers of any length", () => {
  assert.equal(versionOrder("9", "10"), "older");
  assert.equal(versionOrder("10", "010"), "equal");
  assert.equal(versionOrder("90071992547409930", "90071992547409929"), "newer");
  for (const none of [undefined, "", "abc", "1.0"]) assert.equal(versionOrder(none, "1"), null);
});
