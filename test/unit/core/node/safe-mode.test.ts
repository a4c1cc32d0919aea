import assert from "node:assert/strict";
import { test } from "node:test";
import { type SelfEnd, safeModeMs, safeModeOf } from "../../../../src/core/node/safe-mode.ts";

const now = { wall: 0, mono: 1_000_000, bootId: "boot-1" };
const end = (agoMs: number, changes: Partial<SelfEnd> = {}): SelfEnd => ({
  bootId: "boot-1",
  mono: now.mono - agoMs,
  busy: ["websocket/a"],
  why: `ended ${agoMs} ms ago`,
  ...changes,
});

test("three ends within ten minutes start safe mode for ten minutes after the last", () => {
  const mode = safeModeOf([end(500_000), end(10_000, { busy: ["websocket/b"] }), end(20_000)], now);
  assert.deepEqual(mode, {
    held: new Set(["websocket/a", "websocket/b"]),
    untilMono: now.mono - 10_000 + safeModeMs,
    why: "ended 10000 ms ago",
  });
});

test("two ends, ends of another boot and old ends start no safe mode", () => {
  assert.equal(safeModeOf([], now), null);
  assert.equal(safeModeOf([end(1), end(2)], now), null);
  assert.equal(safeModeOf([end(1), end(2), end(3, { bootId: "boot-0" })], now), null);
  assert.equal(safeModeOf([end(1), end(2), end(safeModeMs)], now), null);
  assert.equal(safeModeOf([end(1), end(2), end(-1)], now), null);
});

test("safe mode holds all pods if one end does not name the pods at work", () => {
  assert.equal(safeModeOf([end(1), end(2), end(3, { busy: null })], now)?.held, null);
  assert.equal(safeModeOf([end(1), end(2), end(3, { busy: [] })], now)?.held, null);
});
