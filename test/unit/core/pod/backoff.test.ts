import assert from "node:assert/strict";
import { test } from "node:test";
import { deathMoment, levelAfterRun, remainingMs, restartDelayMs } from "../../../../src/core/pod/backoff.ts";

const now = { wall: 1_700_000_000_000, mono: 5_000_000, bootId: "boot-2" };

test("the first restart is immediate, then 10 s, doubled, at most 300 s", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 7, 1_000].map(restartDelayMs),
    [0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000],
  );
});

test("the back-off is reset by a run of more than ten minutes, not by one of ten minutes", () => {
  assert.equal(levelAfterRun(5, 600_000), 5);
  assert.equal(levelAfterRun(5, 600_001), 0);
});

test("the rest of a wait follows the monotonic clock, whatever the wall clock does", () => {
  const since = { ...now, mono: now.mono - 4_000 };
  assert.equal(remainingMs(10_000, since, now), 6_000);
  assert.equal(remainingMs(10_000, since, { ...now, wall: 0 }), 6_000);
  assert.equal(remainingMs(10_000, { ...since, mono: now.mono - 10_000 }, now), 0);
  assert.equal(
    remainingMs(10_000, { ...since, mono: now.mono + 99_000 }, now),
    10_000,
    "never more than the wait itself",
  );
  assert.equal(remainingMs(10_000, { ...since, bootId: "boot-1" }, now), 0, "a boot has passed");
});

test("an end that is noticed later is dated by the wall clock, within the possible time", () => {
  const seen = { ...now, mono: now.mono - 60_000 };
  assert.equal(deathMoment(now.wall - 7_000, seen, 3, now).mono, now.mono - 7_000);
  assert.equal(
    deathMoment(now.wall - 86_400_000, seen, 3, now).mono,
    now.mono - 60_000,
    "not before it was seen running",
  );
  assert.equal(deathMoment(now.wall + 86_400_000, seen, 3, now).mono, now.mono, "not in the future");
  assert.equal(deathMoment(now.wall - 86_400_000, null, 3, now).mono, now.mono - 40_000, "clamped to the wait");
  assert.equal(deathMoment(Number.NaN, null, 3, now).mono, now.mono);
});
