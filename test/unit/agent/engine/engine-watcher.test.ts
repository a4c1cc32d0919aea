import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createEngineWatcher } from "../../../../src/agent/engine/engine-watcher.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { fakeEngine } from "../../../fakes/engine.ts";

/** A watcher on virtual time, with the events that it records. */
async function watched(t: TestContext) {
  const clock = virtualClock();
  const { engine, host } = fakeEngine({ clock, random: { next: () => 0.5 } });
  const events: string[] = [];
  const watcher = createEngineWatcher({
    engine,
    clock,
    events: { recordDeviceEvent: ({ type, reason, message }) => void events.push(`${type} ${reason}: ${message}`) },
  });
  const stop = new AbortController();
  const nothing = (): void => {};
  const handlers = {
    onEngineReady: nothing,
    onEngineLost: nothing,
    onImagesChanged: nothing,
    onReconfigured: nothing,
    onPodEvent: nothing,
  };
  const run = watcher.run(handlers, stop.signal);
  t.after(async () => {
    stop.abort();
    await clock.pass(5_000);
    await run;
  });
  await clock.pass(5_000);
  assert.deepEqual(events, []);
  return { clock, host, events, watcher };
}

test("an outage of the engine is one event at its beginning and one at its end", async (t) => {
  const { clock, host, events } = await watched(t);
  host.down();
  await clock.pass(60_000);
  assert.deepEqual(events, ["Warning EngineUnavailable: The engine ended the stream of events"]);
  host.up();
  await clock.pass(5_000);
  assert.deepEqual(events.slice(1), ["Normal EngineReady: The engine answers again, version 20.10.24"]);
});

test("an engine that hangs counts as lost within 10 s, and as back when it answers", async (t) => {
  const { clock, host, events, watcher } = await watched(t);
  host.freeze();
  await clock.pass(10_000);
  assert.deepEqual(events, ["Warning EngineUnavailable: The engine did not answer in time"]);
  assert.deepEqual([watcher.info(), watcher.lostBecause()], [null, "The engine did not answer in time"]);
  await clock.pass(60_000);
  assert.equal(events.length, 1);
  host.thaw();
  await clock.pass(1_000);
  assert.deepEqual(events.slice(1), ["Normal EngineReady: The engine answers again, version 20.10.24"]);
});

test("an engine that hangs for less than 5 s does not count as lost", async (t) => {
  const { clock, host, events } = await watched(t);
  for (let times = 0; times < 10; times += 1) {
    host.freeze();
    await clock.pass(4_900);
    host.thaw();
    await clock.pass(100);
  }
  assert.deepEqual(events, []);
});
