import assert from "node:assert/strict";
import { test } from "node:test";
import { createEngineWatcher } from "../../../../src/agent/engine/engine-watcher.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { fakeEngine } from "../../../fakes/engine.ts";

test("an outage of the engine is one event at its beginning and one at its end", async () => {
  const clock = virtualClock();
  const { engine, host } = fakeEngine({ clock, random: { next: () => 0.5 } });
  const events: string[] = [];
  const watcher = createEngineWatcher({
    engine,
    clock,
    events: { recordDeviceEvent: ({ type, reason }) => void events.push(`${type} ${reason}`) },
  });
  const stop = new AbortController();
  const handlers = { onEngineReady: () => {}, onEngineLost: () => {}, onPodEvent: () => {} };
  const run = watcher.run(handlers, stop.signal);
  await clock.pass(5_000);
  assert.deepEqual(events, []);
  host.down();
  await clock.pass(60_000);
  assert.deepEqual(events, ["Warning EngineUnavailable"]);
  host.up();
  await clock.pass(5_000);
  assert.deepEqual(events, ["Warning EngineUnavailable", "Normal EngineReady"]);
  stop.abort();
  await clock.pass(5_000);
  await run;
});
