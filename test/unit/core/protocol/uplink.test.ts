import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { writeDeadlineMs } from "../../../../src/core/protocol/liveness.ts";
import {
  dialDeadlineMs,
  dueAt,
  firstState,
  lastingMs,
  type StepContext,
  step,
} from "../../../../src/core/protocol/uplink.ts";
import type { UplinkEvent, UplinkState } from "../../../../src/core/protocol/uplink-state.ts";

const keepaliveMs = 15_000;
const pongDeadlineMs = 2 * keepaliveMs + 1_000;
const now = 100_000;
const at: StepContext = { now, random: 0.5, keepaliveMs };
const later = (ms: number): StepContext => ({ ...at, now: now + ms });

const course = { failures: 2, lastError: null, files: "a", dialled: "a", answers: true };
const standing = { ...course, since: now - 1_000, heardAt: now - 1_000, pausedAt: null, leftAt: now - 1_000 };
const flow = { left: 10, read: 10, renewAt: 0 };
const still = { buffered: 0, left: 10, read: 10 };

/** One of each kind, none of them due. */
const states = {
  waiting: { ...course, kind: "waiting", until: now + 500 },
  dialing: { ...course, kind: "dialing", until: now + 500 },
  open: { ...standing, ...flow, kind: "open" },
  renewing: { ...standing, ...flow, kind: "renewing", until: now + 500, files: "b", trying: "b" },
  closing: { ...course, kind: "closing", until: now + 500, stopping: false },
  stopping: { ...course, kind: "closing", until: now + 500, stopping: true },
  stopped: { kind: "stopped" },
} as const satisfies Record<string, UplinkState>;

const events = {
  tick: { kind: "tick", traffic: still },
  opened: { kind: "opened" },
  failed: { kind: "failed", error: { code: "unreachable", message: "No route" } },
  message: { kind: "message" },
  pong: { kind: "pong" },
  paused: { kind: "paused" },
  resumed: { kind: "resumed" },
  closed: { kind: "closed", code: 1006, reason: "" },
  sameFiles: { kind: "files", version: "a", problem: null },
  newFiles: { kind: "files", version: "c", problem: null },
  brokenFiles: { kind: "files", version: "c", problem: "No PEM" },
  stop: { kind: "stop" },
} as const satisfies Record<string, UplinkEvent>;

/** Which state follows, and what is ordered: every state, every event. */
const table: Record<keyof typeof states, Record<keyof typeof events, string>> = {
  waiting: {
    tick: "waiting",
    opened: "waiting: discard",
    failed: "waiting",
    message: "waiting",
    pong: "waiting",
    paused: "waiting",
    resumed: "waiting",
    closed: "waiting",
    sameFiles: "waiting",
    newFiles: "dialing: dial",
    brokenFiles: "waiting",
    stop: "stopped",
  },
  dialing: {
    tick: "dialing",
    opened: "open: adopt",
    failed: "waiting",
    message: "dialing",
    pong: "dialing",
    paused: "dialing",
    resumed: "dialing",
    closed: "dialing",
    sameFiles: "dialing",
    newFiles: "dialing",
    brokenFiles: "dialing",
    stop: "stopped: giveUpDial",
  },
  open: {
    tick: "open",
    opened: "open: discard",
    failed: "open",
    message: "open",
    pong: "open",
    paused: "open",
    resumed: "open",
    closed: "waiting",
    sameFiles: "open",
    newFiles: "renewing: dial",
    brokenFiles: "open",
    stop: "closing: close",
  },
  renewing: {
    tick: "renewing",
    opened: "open: retire adopt",
    failed: "open",
    message: "renewing",
    pong: "renewing",
    paused: "renewing",
    resumed: "renewing",
    closed: "dialing",
    sameFiles: "renewing",
    newFiles: "renewing",
    brokenFiles: "renewing",
    stop: "closing: giveUpDial close",
  },
  closing: {
    tick: "closing",
    opened: "closing: discard",
    failed: "closing",
    message: "closing",
    pong: "closing",
    paused: "closing",
    resumed: "closing",
    closed: "waiting",
    sameFiles: "closing",
    newFiles: "closing",
    brokenFiles: "closing",
    stop: "closing",
  },
  stopping: {
    tick: "closing",
    opened: "closing: discard",
    failed: "closing",
    message: "closing",
    pong: "closing",
    paused: "closing",
    resumed: "closing",
    closed: "stopped",
    sameFiles: "closing",
    newFiles: "closing",
    brokenFiles: "closing",
    stop: "closing",
  },
  stopped: {
    tick: "stopped",
    opened: "stopped: discard",
    failed: "stopped",
    message: "stopped",
    pong: "stopped",
    paused: "stopped",
    resumed: "stopped",
    closed: "stopped",
    sameFiles: "stopped",
    newFiles: "stopped",
    brokenFiles: "stopped",
    stop: "stopped",
  },
};

/** What follows once the deadline of a state has passed. */
const overdue: Record<keyof typeof states, string> = {
  waiting: "dialing: dial",
  dialing: "waiting: giveUpDial",
  open: "closing: close",
  renewing: "open: giveUpDial",
  closing: "waiting: retire",
  stopping: "stopped: retire",
  stopped: "stopped",
};

function told(state: UplinkState, event: UplinkEvent, context = at): string {
  const { state: next, orders } = step(state, event, context);
  return orders.length === 0 ? next.kind : `${next.kind}: ${orders.map((one) => one.do).join(" ")}`;
}

describe("step()", () => {
  for (const [name, state] of Object.entries(states)) {
    it(`answers every event while ${name}`, () => {
      const rows = Object.entries(events).map(([event, value]) => [event, told(state, value)]);
      assert.deepEqual(Object.fromEntries(rows), table[name as keyof typeof states]);
    });

    it(`ends ${name} exactly at its deadline`, () => {
      const due = dueAt(state, keepaliveMs);
      if (name === "stopped") return assert.equal(due, Number.POSITIVE_INFINITY);
      assert.equal(told(state, events.tick, { ...at, now: due - 1 }), table[name as keyof typeof states].tick);
      assert.equal(told(state, events.tick, { ...at, now: due }), overdue[name as keyof typeof states]);
    });
  }
});

/** Plays events one after the other and gives the last state. */
function play(state: UplinkState, ...moves: readonly (readonly [UplinkEvent, StepContext])[]): UplinkState {
  let last = state;
  for (const [event, context] of moves) last = step(last, event, context).state;
  return last;
}

test("the first dial is due at once, and has a deadline", () => {
  const first = firstState(now, { answers: false });
  assert.equal(dueAt(first, keepaliveMs), now);
  const { state } = step(first, events.tick, at);
  assert.equal(dueAt(state, keepaliveMs), now + dialDeadlineMs);
});

test("the deadline of the pong counts from the last sign of life, and only for a peer that answers pings", () => {
  const fresh = play(states.dialing, [events.opened, at]);
  assert.equal(dueAt(fresh, keepaliveMs), now + pongDeadlineMs);
  for (const sign of [events.message, events.pong]) {
    assert.equal(dueAt(play(fresh, [sign, later(9_000)]), keepaliveMs), now + 9_000 + pongDeadlineMs);
  }
  const reads: UplinkEvent = { kind: "tick", traffic: { ...still, read: 11 } };
  assert.equal(dueAt(play(fresh, [reads, later(9_000)]), keepaliveMs), now + 9_000 + pongDeadlineMs, "half a message");
  const mute = play({ ...states.dialing, answers: false }, [events.opened, at]);
  assert.equal(dueAt(mute, keepaliveMs), now + writeDeadlineMs);
  assert.equal(dueAt(play(mute, [events.pong, later(5)]), keepaliveMs), now + 5 + pongDeadlineMs);
});

test("the deadline of the pong is paused while reading is paused", () => {
  const paused = play(states.dialing, [events.opened, at], [events.paused, later(10_000)]);
  assert.equal(told(paused, events.tick, later(100_000)), "open");
  const resumed = play(paused, [events.paused, later(20_000)], [events.resumed, later(70_000)]);
  assert.equal(dueAt(resumed, keepaliveMs), now + 60_000 + pongDeadlineMs, "the 60 s of the pause come on top");
});

test("a peer that reads nothing is disconnected after the write deadline, a slow one is not", () => {
  const open = play(states.dialing, [events.opened, at]);
  const stuck = (left: number): UplinkEvent => ({ kind: "tick", traffic: { buffered: 1_000, left, read: 0 } });
  let state = open;
  for (let ms = 5_000; ms < writeDeadlineMs; ms += 5_000) state = play(state, [stuck(0), later(ms)]);
  assert.equal(state.kind, "open", "its pong stands behind what waits, so that deadline does not count");
  assert.equal(told(state, stuck(1), later(writeDeadlineMs)), "open");
  assert.equal(told(state, stuck(0), later(writeDeadlineMs)), "closing: close");
});

test("a lost good connection is dialled again within a second, and a short one counts as a failure", () => {
  const waitOf = (stoodMs: number): number => {
    const open = play({ ...states.dialing, failures: 5 }, [events.opened, at]);
    return dueAt(play(open, [events.closed, { ...later(stoodMs), random: 0.999 }]), keepaliveMs) - now - stoodMs;
  };
  assert.equal(waitOf(lastingMs), 999);
  assert.ok(waitOf(lastingMs - 1) > 30_000);
});

test("close codes and HTTP answers set the delay of the next dial", () => {
  const waitAfter = (event: UplinkEvent, random: number): number => {
    const state =
      event.kind === "closed" ? { ...states.open, since: now - lastingMs } : { ...states.dialing, failures: 0 };
    return dueAt(step(state, event, { ...at, random }).state, keepaliveMs) - now;
  };
  const closed = (code: number): UplinkEvent => ({ kind: "closed", code, reason: "" });
  const failed = (error: object): UplinkEvent => ({
    kind: "failed",
    error: { code: "refused", message: "", ...error },
  });
  const rows: readonly (readonly [UplinkEvent, least: number, most: number])[] = [
    [closed(1000), 0, 1_000],
    [closed(1001), 0, 1_000],
    [closed(1006), 0, 1_000],
    [closed(1009), 0, 1_000],
    [closed(1011), 0, 1_000],
    [closed(1008), 30_000, 60_000],
    [closed(1012), 5_000, 30_000],
    [closed(1013), 0, 60_000],
    [closed(4000), 30_000, 60_000],
    [closed(4999), 30_000, 60_000],
    [closed(3000), 0, 1_000],
    [failed({ status: 503 }), 0, 1_000],
    [failed({ status: 503, retryAfterSeconds: 20 }), 20_000, 30_000],
    [failed({ status: 429 }), 0, 60_000],
    [failed({ status: 429, retryAfterSeconds: 4_000 }), 3_600_000, 3_660_000],
    [failed({ code: "credentials", status: 401 }), 30_000, 60_000],
    [failed({ code: "tls" }), 30_000, 60_000],
    [failed({ code: "unreachable" }), 0, 1_000],
    [failed({ code: "timeout" }), 0, 1_000],
    [failed({ code: "protocol" }), 0, 1_000],
  ];
  for (const [event, least, most] of rows) {
    assert.equal(waitAfter(event, 0), least, JSON.stringify(event));
    assert.ok(Math.abs(waitAfter(event, 0.999_999) - most) <= 1, JSON.stringify(event));
  }
});

test("changed files close the old connection after the new one opened, and a broken file changes nothing", () => {
  const renewing = step(states.open, events.newFiles, at);
  assert.deepEqual(renewing.orders, [{ do: "dial" }]);
  const renewed = play(renewing.state, [events.opened, later(50)]);
  assert.deepEqual([renewed.kind, "dialled" in renewed && renewed.dialled], ["open", "c"]);

  const broken = play(states.open, [events.brokenFiles, at]);
  assert.match(lastError(broken), /stays as it is: No PEM/);
  assert.equal(told(broken, events.tick, later(20_000)), "open", "what is known to be broken is not dialled with");
  assert.equal(told(broken, { kind: "files", version: "d", problem: null }, at), "renewing: dial");
  const takenBack = play(broken, [events.sameFiles, at]);
  assert.equal(lastError(takenBack), "");

  const refused = play(renewing.state, [events.failed, later(50)]);
  assert.match(lastError(refused), /stays as it is: No route/);
  assert.equal(
    told(play(refused, [events.pong, later(60_000)]), events.tick, later(60_050)),
    "renewing: dial",
    "again",
  );
  const lost = play(renewing.state, [events.closed, later(50)]);
  assert.equal(play(lost, [events.opened, later(60)]).kind, "open", "the dial under way goes on");
});

test("a repaired file ends the wait", () => {
  const denied = play(states.dialing, [{ kind: "failed", error: { code: "tls", message: "expired" } }, at]);
  assert.ok(dueAt(denied, keepaliveMs) >= now + 30_000);
  assert.equal(told(denied, events.brokenFiles, later(10)), "waiting");
  assert.equal(told(denied, events.newFiles, later(10)), "dialing: dial");
});

function lastError(state: UplinkState): string {
  return "lastError" in state ? (state.lastError ?? "") : "";
}
