import assert from "node:assert/strict";
import { test } from "node:test";
import { createEventRecorder } from "../../../../src/agent/event-recorder.ts";
import { forgetRefusal, recordRefusals } from "../../../../src/agent/messages/refusals.ts";
import { keptRefusals, refusedUpdatesKey } from "../../../../src/core/pod/refused-update.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { memoryStore } from "../../../fakes/store.ts";

function setUp() {
  const clock = virtualClock();
  const store = memoryStore();
  const events = createEventRecorder({ store, clock, log: { write: () => {} } });
  const refusedUpdates = () => keptRefusals(store.getMeta(refusedUpdatesKey));
  return { store, refusedUpdates, parts: { store, clock, events } };
}

const update = (pod: string | null, ...reasons: string[]) => ({ pod, isUpdate: true, subject: "", reasons });

test("a rejected update is an event of its pod, kept until a message for the pod is accepted", () => {
  const { store, refusedUpdates, parts } = setUp();
  recordRefusals(parts, [update("websocket/web", "not enough CPU"), update("websocket/web", "another reason")]);
  const [event, ...more] = store.events.list({ pod: "web", limit: 10 });
  assert.deepEqual([event?.reason, event?.pod], ["MessageRefused", "websocket/web"]);
  assert.equal(event?.message, "not enough CPU (and 1 more)");
  assert.deepEqual(more, []);
  assert.deepEqual(
    refusedUpdates().map(({ pod, message }) => [pod, message]),
    [["websocket/web", "not enough CPU"]],
  );
  forgetRefusal(parts, "websocket/other");
  assert.equal(refusedUpdates().length, 1);
  forgetRefusal(parts, "websocket/web");
  assert.deepEqual(refusedUpdates(), []);
});

test("a rejected delete is an event of its pod and no rejected update", () => {
  const { store, refusedUpdates, parts } = setUp();
  recordRefusals(parts, [{ pod: "websocket/web", isUpdate: false, subject: "delete: ", reasons: ["no"] }]);
  assert.equal(store.events.list({ pod: "websocket/web", limit: 10 }).length, 1);
  assert.deepEqual(refusedUpdates(), []);
});

test("of a rejected update the first two violations are kept whole, and how many more there are", () => {
  const { store, refusedUpdates, parts } = setUp();
  const privileged = "spec.containers[0].securityContext.privileged is true; expected false";
  const long = `spec.containers[0].image is "${"x".repeat(400)}"; expected a name of an image`;
  const kept = (...reasons: string[]): string => {
    recordRefusals(parts, [update("websocket/web", ...reasons)]);
    return refusedUpdates()[0]?.message ?? "";
  };
  assert.equal(kept(privileged, "no CPU"), `${privileged}; no CPU`);
  assert.equal(kept(privileged, "no CPU", "no memory", "no port"), `${privileged}; no CPU; and 2 more`);
  assert.equal(kept(privileged, long, "no port"), `${privileged}; and 2 more`, "not cut in the middle of one");
  const message = store.events.list({ pod: "web", limit: 10 }).at(-1)?.message;
  assert.equal(message, `${privileged}; ${long}; no port`, "the event has all of it");
});

test("a flood of rejected updates causes nine events, and eight rejections are kept", () => {
  const { store, refusedUpdates, parts } = setUp();
  const flood = Array.from({ length: 50 }, (_, index) => update(`websocket/p${index}`, "x".repeat(10_000)));
  recordRefusals(parts, [update(null, "A message could not be read"), ...flood]);
  assert.equal(store.events.list({ limit: 100 }).length, 9);
  assert.match(store.events.list({ pod: "", limit: 10 })[0]?.message ?? "", /could not be read \(and 42 more\)$/);
  const kept = refusedUpdates();
  assert.equal(kept.length, 8);
  assert.deepEqual([...new Set(kept.map(({ message }) => message.length))], [512], "512 characters with the mark");
});
