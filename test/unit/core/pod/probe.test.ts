import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  afterResult,
  firstDue,
  isOnHold,
  isStillWorthTelling,
  isWorthTelling,
  nextDue,
  noResults,
  type ProbeState,
  verdictOf,
} from "../../../../src/core/pod/probe.ts";
import type { Probe } from "../../../../src/core/pod/spec.ts";

const probe: Probe = {
  exec: { command: ["/bin/check"] },
  initialDelaySeconds: 5,
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
};

/** One letter a result: g good, b bad. */
function states(results: string): readonly ProbeState[] {
  const all: ProbeState[] = [noResults];
  for (const [index, letter] of [...results].entries()) {
    const result = { good: letter === "g", message: `result ${index + 1}` };
    all.push(afterResult(all.at(-1) ?? noResults, probe, result));
  }
  return all;
}

const last = (results: string): ProbeState => states(results).at(-1) ?? noResults;

for (const [results, verdict] of [
  ["", null],
  ["b", null],
  ["bb", null],
  ["bbb", false],
  ["g", true],
  ["gbb", true],
  ["gbbb", false],
  ["gbbgbb", true],
  ["bbgbb", true],
  ["bbbg", true],
  ["bbbgbbb", false],
] as const) {
  test(`the results "${results}" amount to ${verdict}`, () => assert.equal(last(results).verdict, verdict));
}

test("a container is live until three probes in a row fail, and the verdict names the reason", () => {
  assert.deepEqual(verdictOf(noResults, noResults), { ready: null, live: true, why: "" });
  assert.deepEqual(verdictOf(last("gbb"), last("g")), { ready: true, live: true, why: "" });
  assert.deepEqual(verdictOf(last("gbbb"), last("bbb")), {
    ready: false,
    live: false,
    why: "liveness probe failed: result 4",
  });
});

test("a failed liveness probe stops further probes, a failed readiness probe does not", () => {
  assert.equal(isOnHold("liveness", last("bb")), false);
  assert.equal(isOnHold("liveness", last("bbb")), true);
  assert.equal(isOnHold("readiness", last("bbb")), false);
});

for (const [results, told] of [
  ["bbbbbb", [1, 3]],
  ["gbgbgbg", [2]],
  ["gbbbgbbb", [2, 4, 8]],
  ["ggg", []],
] as const) {
  test(`the results "${results}" lead to ${told.length} events`, () => {
    const all = states(results);
    const found = all.flatMap((after, index) => {
      const before = all[index - 1];
      return before !== undefined && isWorthTelling(before, after) ? [index] : [];
    });
    assert.deepEqual(found, told);
  });
}

test("a readiness probe that keeps failing is reported at each doubling and every half hour", () => {
  const told = (count: number, often: Partial<Probe>): readonly number[] => {
    const results = states("b".repeat(count));
    return results.flatMap((after, index) => {
      const before = results[index - 1];
      return before !== undefined && isStillWorthTelling(before, after, { ...probe, ...often }) ? [index] : [];
    });
  };
  assert.deepEqual(told(600, {}), [6, 12, 24, 48, 96, 180, 360, 540]);
  assert.deepEqual(told(7, { periodSeconds: 3600 }), [4, 5, 6, 7]);
  assert.deepEqual(told(2, {}), []);
});

test("the initial delay counts from the start of the container, not from the agent's", () => {
  assert.equal(firstDue(probe, 1_000, 1_000, null), 6_000);
  assert.equal(firstDue(probe, 1_000, 4_000, null), 6_000);
  assert.equal(firstDue(probe, 1_000, 20_000, null), 20_000);
});

test("first probes after a restart of the agent are spread over one period", () => {
  assert.equal(firstDue(probe, 1_000, 20_000, 0), 20_000);
  assert.equal(firstDue(probe, 1_000, 20_000, 0.5), 25_000);
  assert.equal(firstDue(probe, 19_000, 20_000, 0.1), 24_000);
});

test("due times of probes stay on their grid, however long a probe took", () => {
  assert.equal(nextDue(probe, 6_000, 6_000), 16_000);
  assert.equal(nextDue(probe, 6_000, 6_020), 16_000);
  assert.equal(nextDue(probe, 6_000, 15_999), 16_000);
  assert.equal(nextDue(probe, 6_000, 16_000), 26_000);
  assert.equal(nextDue(probe, 6_000, 48_000), 56_000);
  // setTimeout may be early by a fraction of a millisecond.
  assert.equal(nextDue(probe, 6_000, 5_999.5), 16_000);
});

test("the next due time of a probe is in the future, within one period and on the grid", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3600 }), fc.nat(1e9), fc.nat(1e9), (periodSeconds, due, late) => {
      const next = nextDue({ ...probe, periodSeconds }, due, due + late);
      assert.ok(next > due + late && next <= due + late + periodSeconds * 1000);
      assert.equal((next - due) % (periodSeconds * 1000), 0);
    }),
  );
});
