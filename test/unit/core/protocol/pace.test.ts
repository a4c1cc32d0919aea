import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { firstPace, type Pace, paced } from "../../../../src/core/protocol/pace.ts";

const used = (pace: Pace, tookMs: number): Pace => paced(pace, { tookMs, underWayBytes: pace.windowBytes });

test("the window grows up to 1 MiB on a line without queueing, whatever its latency", () => {
  let pace = firstPace;
  for (let n = 0; n < 20; n += 1) pace = used(pace, 650);
  assert.deepEqual(pace, { windowBytes: 1_048_576, leastMs: 650 });
});

test("the window shrinks down to 4 KiB on a queueing line, and stays between a quarter and half a second", () => {
  const pace = { windowBytes: 65_536, leastMs: 100 };
  const cases: readonly (readonly [number, number])[] = [
    [100, 131_072],
    [349, 131_072],
    [350, 65_536],
    [600, 65_536],
    [601, 32_768],
    [60_000, 32_768],
  ];
  for (const [tookMs, windowBytes] of cases) assert.equal(used(pace, tookMs).windowBytes, windowBytes, `${tookMs} ms`);
  let slow: Pace = pace;
  for (let n = 0; n < 20; n += 1) slow = used(slow, 10_000);
  assert.equal(slow.windowBytes, 4_096);
});

test("the window is not changed by a single reply on an idle line", () => {
  const after = paced(firstPace, { tookMs: 20, underWayBytes: 300 });
  assert.deepEqual(after, { windowBytes: firstPace.windowBytes, leastMs: 20 });
});

test("the unconfirmed bytes settle below one second of a line of any speed", () => {
  const lines = fc.record({ bytesPerMs: fc.integer({ min: 8, max: 10_000 }), way: fc.integer({ min: 1, max: 1_000 }) });
  fc.assert(
    fc.property(lines, ({ bytesPerMs, way }) => {
      let pace = paced(firstPace, { tookMs: way, underWayBytes: 1 });
      for (let n = 0; n < 30; n += 1) {
        const wait = pace.windowBytes / bytesPerMs;
        assert.ok(wait <= 1_024, `${wait} ms of ${bytesPerMs} bytes a millisecond`);
        pace = used(pace, way + wait);
      }
    }),
  );
});
