import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPodsData, startPodsData } from "../../../../src/agent/messages/pods-data.ts";
import { terminating } from "../../../contract/store-samples.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { seededRandom } from "../../../fakes/random.ts";
import { memoryStore } from "../../../fakes/store.ts";

function set(outboxMaxMessages: number) {
  const clock = virtualClock();
  const store = memoryStore({ limits: { outboxMaxMessages } });
  const stop = new AbortController();
  const log = { write: () => {} };
  const clearing = createPodsData({ store, clock, random: seededRandom(1), log, onOutboxChanged: () => {} });
  const ended = clearing.run(stop.signal);
  const begin = () => startPodsData(store, "m1", { wall: clock.wall(), mono: clock.mono(), bootId: clock.bootId() });
  const said = () =>
    store.outbox.list(0, 100).flatMap(({ text }) => {
      if (text === "before") return [];
      const { percentage, result } = JSON.parse(JSON.parse(text).content);
      return [`${percentage} ${result}`];
    });
  const end = async () => {
    stop.abort();
    await ended;
  };
  return { clock, store, clearing, begin, said, end };
}

const allDone = ["25% processing", "50% processing", "75% processing", "100% success"];

describe("createClearing()", () => {
  it("sends all progress messages or none, and waits for room in the outbox", async () => {
    const { clock, store, clearing, begin, said, end } = set(5);
    const places = ["before", "before"].map((text) => store.outbox.append("reply", text) ?? 0);
    begin();
    clearing.poke();
    await clock.pass(60_000);
    assert.deepEqual(said(), []);
    store.outbox.release(places);
    await clock.pass(10_000);
    assert.deepEqual(said(), allDone);
    await end();
  });

  it("waits only for the pods that existed at its order", async () => {
    const { clock, store, clearing, begin, said, end } = set(100);
    const mine = store.terminatingPods.put(terminating("a"));
    begin();
    store.terminatingPods.put(terminating("b"));
    clearing.poke();
    await clock.pass(10_000);
    assert.deepEqual(said(), []);
    store.terminatingPods.put({ ...mine, isTerminated: true });
    clearing.poke();
    await clock.pass(10);
    assert.deepEqual(said(), allDone);
    await end();
  });

  it("waits again after a boot, and then fails once", async () => {
    const { clock, store, clearing, begin, said, end } = set(100);
    store.terminatingPods.put(terminating("a"));
    begin();
    clearing.poke();
    await clock.pass(140_000);
    clock.reboot();
    clearing.poke();
    await clock.pass(140_000);
    assert.deepEqual(said(), []);
    await clock.pass(20_000);
    assert.deepEqual(said(), ["100% failed"]);
    await clock.pass(600_000);
    assert.deepEqual(said(), ["100% failed"]);
    await end();
  });
});
