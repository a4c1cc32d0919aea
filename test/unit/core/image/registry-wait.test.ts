import assert from "node:assert/strict";
import { test } from "node:test";
import { registryWaitMs } from "../../../../src/core/image/registry-wait.ts";

const plain = "toomanyrequests: You have reached your pull rate limit";

test("a registry that was asked too often is left alone for a minute, doubled up to half an hour", () => {
  const seconds = [1, 2, 3, 4, 5, 6, 7, 100].map((count) => registryWaitMs(plain, count) / 1000);
  assert.deepEqual(seconds, [60, 120, 240, 480, 960, 1800, 1800, 1800]);
});

for (const [words, seconds] of [
  ["toomanyrequests: retry-after: 985.86µs, allowed: 44000/minute", 60],
  ["toomanyrequests: retry-after: 400ms", 60],
  ["toomanyrequests: Retry-After: 300", 300],
  ["toomanyrequests: retry-after: 1m30.5s, allowed: 3/minute", 90],
  ["toomanyrequests: retry-after: 10m", 600],
  ["toomanyrequests: retry-after: 1h2m", 3600],
  ["toomanyrequests: retry-after: 9999h", 3600],
  ["toomanyrequests: retry-after: soon", 60],
  [`${"x".repeat(5000)} retry-after: 300`, 60],
] as const) {
  test(`"${words.slice(0, 70)}" is a wait of ${seconds} s`, () => {
    assert.equal(registryWaitMs(words, 1), seconds * 1000);
  });
}
