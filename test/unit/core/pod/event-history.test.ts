import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Moment } from "../../../../src/core/pod/container-history.ts";
import type { KeptEvent, PodEvent } from "../../../../src/core/pod/event.ts";
import {
  eventBytes,
  folds,
  keep,
  type Share,
  sameness,
  trim,
  unreported,
} from "../../../../src/core/pod/event-history.ts";

const at = (mono: number, bootId = "b", wall = 1_000_000 + mono): Moment => ({ mono, wall, bootId });
const event = (message: string, change: Partial<PodEvent> = {}): PodEvent => ({
  type: "Warning",
  pod: "websocket/a",
  container: "app",
  reason: "Exited",
  message,
  ...change,
});
const hour = 3_600_000;

test("events that differ only in container id or attempt are one event; codes, containers and pods make another", () => {
  const one = sameness(event("start app (0a1b2c3d4e5f), because it is made, attempt 3"));
  assert.equal(sameness(event("start app (ffffffffffff), because it is made, attempt 41")), one);
  for (const other of [
    event("start app (ffffffffffff), because it is not made, attempt 41"),
    event("start app (0a1b2c3d4e5f), because it is made, attempt 3", { pod: "websocket/b" }),
    event("start app (0a1b2c3d4e5f), because it is made, attempt 3", { container: "b" }),
    event("start app (0a1b2c3d4e5f), because it is made, attempt 3", { type: "Normal" }),
  ]) {
    assert.notEqual(sameness(other), one);
  }
  assert.notEqual(sameness(event("Exit code 1 (Error)")), sameness(event("Exit code 137 (Error)")));
});

test("an event is counted in one of the last hour, by the monotonic clock", () => {
  const cases: readonly (readonly [Moment, Moment, boolean])[] = [
    [at(0), at(hour), true],
    [at(0), at(hour + 1), false],
    // The wall clock has jumped, the boot is the same: it counts for nothing.
    [at(0), at(1_000, "b", 9e12), true],
    // Another boot: only the wall clock is left, and it may have gone back.
    [at(5_000, "b", 10 * hour), at(0, "c", 9.5 * hour), true],
    [at(5_000, "b", 10 * hour), at(0, "c", 0), false],
  ];
  for (const [before, now, expected] of cases) assert.equal(folds({ at: before }, now), expected);
});

test("a row counts repeats, and those not yet reported to the center", () => {
  const first = keep(null, event("Exit code 1"), at(0), { id: 1, reportedUpTo: 0 });
  assert.equal(unreported(first, 0), 1);
  const second = keep(first, event("Exit code 1"), at(1_000), { id: 2, reportedUpTo: 0 });
  assert.deepEqual(
    [second.count, second.reported, second.firstWall, second.unreportedWall],
    [2, 0, 1_000_000, 1_000_000],
  );
  const third = keep(second, event("Exit code 1"), at(2_000), { id: 3, reportedUpTo: 2 });
  assert.deepEqual([third.count, third.reported, third.unreportedWall], [3, 2, 1_002_000]);
  assert.equal(unreported(third, 2), 1);
  assert.equal(unreported(third, 3), 0);
  const fourth = keep(third, event("Exit code 1"), at(3_000), { id: 4, reportedUpTo: 2 });
  assert.deepEqual([fourth.count, fourth.reported, fourth.unreportedWall], [4, 2, 1_002_000]);
  const later = keep(fourth, event("Exit code 1"), at(2 * hour), { id: 5, reportedUpTo: 2 });
  assert.deepEqual([later.count, later.reported], [1, 0]);
});

const limits = { eventsMaxRows: 640, eventsMaxBytes: 64_000 };
const shares = (all: Readonly<Record<string, Share>>) => new Map(Object.entries(all));

test("the history drops nothing while all fits, then the oldest event of the pod with most", () => {
  assert.equal(trim(shares({ a: { rows: 640, bytes: 64_000 } }), limits), null);
  assert.deepEqual(trim(shares({ a: { rows: 600, bytes: 1 }, b: { rows: 41, bytes: 1 } }), limits), {
    pod: "a",
    rows: 9,
  });
  assert.deepEqual(trim(shares({ a: { rows: 600, bytes: 1 }, b: { rows: 2, bytes: 64_000 } }), limits), {
    pod: "b",
    rows: 1,
  });
});

test("the history drops the oldest events of all if no pod has more than its share", () => {
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`p${n}`, { rows: 10, bytes: 1 }]));
  assert.deepEqual(trim(shares(many), limits), { pod: null, rows: 10 });
  assert.equal(trim(shares({ a: { rows: 1, bytes: 99_999 } }), limits), null);
});

test("a pod with its share or less loses no event to other pods", () => {
  const step = fc.record({ pod: fc.constantFrom("a", "b", "c"), many: fc.integer({ min: 1, max: 200 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const now = new Map<string, Share>([["quiet", { rows: 10, bytes: 900 }]]);
      for (const { pod, many } of steps) {
        const before = now.get(pod) ?? { rows: 0, bytes: 0 };
        now.set(pod, { rows: before.rows + many, bytes: before.bytes + many * 90 });
        for (let next = trim(now, limits); next !== null; next = trim(now, limits)) {
          assert.ok(next.pod !== null && next.pod !== "quiet");
          const share = now.get(next.pod) ?? { rows: 0, bytes: 0 };
          assert.ok(next.rows >= 1 && next.rows < share.rows);
          now.set(next.pod, { rows: share.rows - next.rows, bytes: share.bytes - next.rows * 90 });
        }
      }
    }),
  );
});

test("the size of an event is its text in UTF-8 plus a fixed size per row", () => {
  const row = (message: string): KeptEvent => keep(null, event(message), at(0), { id: 1, reportedUpTo: 0 });
  assert.equal(eventBytes(row("ü")) - eventBytes(row("")), 2);
  assert.ok(eventBytes(row("")) > 0);
  assert.equal(row("x".repeat(9_999)).message.length, 4_096);
});
