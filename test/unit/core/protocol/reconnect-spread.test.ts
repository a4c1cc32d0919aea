import assert from "node:assert/strict";
import { test } from "node:test";
import { dueAt, firstState, step } from "../../../../src/core/protocol/uplink.ts";
import type { UplinkState } from "../../../../src/core/protocol/uplink-state.ts";
import { seededRandom } from "../../../fakes/random.ts";

const agents = 1_000;
const keepaliveMs = 15_000;
const minute = 60_000;

interface Fleet {
  readonly seed: number;
  /** What a dial meets while the center is away: refused at once, nothing until the deadline, or a busy front. */
  readonly away: "refused" | "silent" | "busy";
  readonly awayMs: number;
}

/** A thousand agents whose center goes at 0 and is back after `awayMs`: when each stands again. */
function arrivals({ seed, away, awayMs }: Fleet): readonly number[] {
  const random = seededRandom(seed);
  const at = (now: number) => ({ now, random: random.next(), keepaliveMs });
  return Array.from({ length: agents }, () => {
    let state: UplinkState = { ...firstState(-600_000, { answers: true }) };
    state = step(state, { kind: "tick", traffic: { buffered: 0, left: 0, read: 0 } }, at(-600_000)).state;
    state = step(state, { kind: "opened" }, at(-600_000)).state;
    state = step(state, { kind: "closed", code: 1006, reason: "" }, at(0)).state;
    for (;;) {
      const now = dueAt(state, keepaliveMs);
      state = step(state, { kind: "tick", traffic: { buffered: 0, left: 0, read: 0 } }, at(now)).state;
      if (state.kind !== "dialing") continue;
      if (now >= awayMs) return now;
      if (away === "silent") continue;
      const busy = { code: "refused", message: "The center answered 503", status: 503, retryAfterSeconds: 30 } as const;
      const error = away === "busy" ? busy : ({ code: "unreachable", message: "ECONNREFUSED" } as const);
      state = step(state, { kind: "failed", error }, at(now)).state;
    }
  });
}

for (const away of ["refused", "silent", "busy"] as const) {
  for (const seed of [1, 2, 3]) {
    test(`${agents} agents come back spread out after five minutes of a ${away} center, seed ${seed}`, (t) => {
      const awayMs = 5 * minute;
      const times = arrivals({ seed, away, awayMs }).map((one) => one - awayMs);
      const steps = Array.from({ length: 60 }, (_, s) => times.filter((one) => Math.floor(one / 1_000) === s).length);
      const mean = steps.reduce((sum, one) => sum + one, 0) / steps.length;
      const most = Math.max(...steps);
      t.diagnostic(
        `${steps.slice(0, 10).join(" ")}; mean ${mean.toFixed(1)}, most ${most}; last ${Math.max(...times)} ms`,
      );
      assert.ok(most <= 3 * mean, `${most} in one second, ${mean} on the mean: ${steps.join(" ")}`);
      assert.ok(Math.max(...times) <= 90_000, "all are back");
    });
  }
}
