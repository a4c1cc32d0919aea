import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatDuration, formatTime, parseDuration, parseTime } from "../../../../src/core/pod/time.ts";

test("a time is read as JavaScript's own calendar reads it, and written back", () => {
  const wall = fc.integer({ min: -62_000_000_000_000, max: 250_000_000_000_000 });
  fc.assert(
    fc.property(wall, (ms) => {
      assert.equal(parseTime(new Date(ms).toISOString()), ms);
      assert.equal(formatTime(ms), new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(".000Z", "Z"));
    }),
    { numRuns: 5_000 },
  );
});

test("parseTime reads zones and nanoseconds", () => {
  assert.equal(parseTime("2023-05-06T16:15:19+08:00"), Date.parse("2023-05-06T08:15:19Z"));
  assert.equal(parseTime("2023-05-06T16:15:19.987654321Z"), Date.parse("2023-05-06T16:15:19.987Z"));
});

for (const bad of [
  "",
  "0001-01-01T00:00:00Z",
  "2023-02-29T00:00:00Z",
  "2023-13-01T00:00:00Z",
  "2023-04-31T00:00:00Z",
  "2023-01-01T24:00:00Z",
  "2023-01-01",
  "2023-01-01T00:00:00",
  "2023-01-01T00:00:00+24:00",
]) {
  test(`parseTime rejects ${bad || "an empty text"}`, () => assert.ok(Number.isNaN(parseTime(bad))));
}

test("a duration is written as the kubelet writes it", () => {
  assert.deepEqual([0, 10_000, 59_999, 60_000, 80_000, 300_000].map(formatDuration), [
    ...["0s", "10s", "59s"],
    ...["1m0s", "1m20s", "5m0s"],
  ]);
});

test("a duration is read as Go reads it", () => {
  const texts = ["30s", "5m", "1h30m", "250ms", "1m20s", "0", "999999h"];
  assert.deepEqual(texts.map(parseDuration), [
    ...[30_000, 300_000, 5_400_000, 250],
    ...[80_000, 0, 999_999 * 3_600_000],
  ]);
  for (const text of ["", "5", "s", "-5s", "1.5h", "5 s", "5d", "1h1m1s1ms1s", "1234567s"])
    assert.equal(parseDuration(text), null, text);
});
