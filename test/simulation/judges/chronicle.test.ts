import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PodEvent } from "../../../src/core/pod/event.ts";
import { memoryStore } from "../../fakes/store.ts";
import { type Chronicle, createChronicle } from "./chronicle.ts";

const event = (reason: string): PodEvent => ({ type: "Normal", pod: "p/a", container: "app", reason, message: reason });

function told(id: string, ...events: readonly (readonly [reason: string, count: number])[]): string {
  const route = { operation: "update", resource: "websocket/podhistory" };
  const content = {
    missing: { events: 0, messages: 0 },
    events: events.map(([reason, count]) => ({ ...event(reason), count })),
  };
  return JSON.stringify({ header: { msg_id: id }, route, content });
}

/** Three events have happened, the first of them twice. */
function chronicle(): Chronicle {
  const one = createChronicle();
  for (const reason of ["Started", "Exited", "Started", "Killing"]) one.happened(event(reason));
  return one;
}

describe("the check of the event history at the center", () => {
  test("accepts a complete history in order, also with repeats", () => {
    const one = chronicle();
    const [first, second] = [told("1", ["Exited", 1], ["Started", 2]), told("2", ["Killing", 1])];
    for (const text of [first, first, second, second, told("3")]) one.arrived(text);
    assert.deepEqual([one.faults(), one.untold()], [[], 0]);
  });

  test("counts missing events", () => {
    const one = chronicle();
    one.arrived(told("1", ["Started", 1], ["Exited", 1]));
    assert.deepEqual([one.faults(), one.untold()], [[], 2]);
  });

  test("finds duplicate events", () => {
    const one = chronicle();
    for (const id of ["1", "2"]) one.arrived(told(id, ["Exited", 1]));
    assert.deepEqual(one.faults(), ["2: Exited of p/a/app was told 1 times too often"]);
  });

  test("finds late events", () => {
    const one = chronicle();
    one.arrived(told("1", ["Killing", 1], ["Exited", 1]));
    assert.deepEqual(one.faults(), ["2: Exited of p/a/app was told after what came later"]);
  });

  test("requires only events that the store kept over a power cut", () => {
    const store = memoryStore();
    store.events.append(event("Killing"), { wall: 1, mono: 1, bootId: "b" });
    store.outbox.append("record", told("2", ["Exited", 1]));
    const one = chronicle();
    one.arrived(told("1", ["Started", 2]));
    one.beginAnew(store);
    assert.equal(one.untold(), 2);
    for (const text of [told("2", ["Exited", 1]), told("3", ["Killing", 1])]) one.arrived(text);
    assert.deepEqual([one.faults(), one.untold()], [[], 0]);
  });
});
