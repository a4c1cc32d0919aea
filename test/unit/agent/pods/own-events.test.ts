import assert from "node:assert/strict";
import { test } from "node:test";
import { createOwnEvents } from "../../../../src/agent/pods/own-events.ts";

function heard() {
  const woken: string[] = [];
  const own = createOwnEvents((key) => void woken.push(key));
  return { own, woken };
}

const event = (action: string, containerId = "x") => ({ action, containerId });

test("an event of a pod for which nothing is done wakes the pod", () => {
  const { own, woken } = heard();
  own.hear("a", event("die"));
  assert.deepEqual(woken, ["a"]);
});

test("the event of a call of ours wakes nobody, whether it comes before the answer or after it", () => {
  const { own, woken } = heard();
  own.begin("a");
  own.hear("a", event("create"));
  own.end("a", [event("create")]);
  own.begin("a");
  own.end("a", [event("start")]);
  own.hear("a", event("start"));
  assert.deepEqual(woken, []);
});

test("an event of ours counts once: the same again is somebody else's", () => {
  const { own, woken } = heard();
  own.begin("a");
  own.end("a", [event("start")]);
  own.hear("a", event("start"));
  own.hear("a", event("start"));
  assert.deepEqual(woken, ["a"]);
});

test("what else happens while something is done wakes the pod once that is over", () => {
  const { own, woken } = heard();
  own.begin("a");
  own.hear("a", event("die", "y"));
  own.hear("b", event("die"));
  assert.deepEqual(woken, ["b"]);
  own.end("a", [event("start")]);
  assert.deepEqual(woken, ["b", "a"]);
});

test("an event that a call brings is somebody else's once a new pass has begun", () => {
  const { own, woken } = heard();
  own.begin("a");
  own.end("a", [event("start")]);
  own.forget("a");
  own.hear("a", event("start"));
  assert.deepEqual(woken, ["a"]);
});

test("events without end while something is done wake the pod", () => {
  const { own, woken } = heard();
  own.begin("a");
  for (let n = 0; n < 1_000; n += 1) own.hear("a", event("kill"));
  assert.ok(woken.length > 0);
});
