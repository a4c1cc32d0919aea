import assert from "node:assert/strict";
import { test } from "node:test";
import { runHeartbeat } from "../../../src/agent/heartbeat.ts";
import { createPodWorkers } from "../../../src/agent/pods/pod-workers.ts";
import { storeError } from "../../../src/core/base/store-failure.ts";
import { virtualClock } from "../../fakes/clock.ts";

function heart(aliveEveryMs: number | null) {
  const clock = virtualClock();
  const podWorkers = createPodWorkers(clock);
  const idle = { reconcile: async () => null, onFailed: () => 0 };
  const said: string[] = [];
  const supervisor = { aliveEveryMs, ready: () => said.push("ready"), alive: () => said.push("alive") };
  const stop = new AbortController();
  return {
    clock,
    podWorkers,
    runWorkers: () => podWorkers.run(idle, stop.signal),
    said,
    stop,
    beat: () => runHeartbeat({ clock, podWorkers, supervisor }, stop.signal),
  };
}

test("the heartbeat reports ready after the first turn of the loop, then alive every period", async () => {
  const { clock, runWorkers, said, stop, beat } = heart(10_000);
  const loops = [runWorkers(), beat()];
  await clock.pass(0);
  assert.deepEqual(said, ["ready"]);
  await clock.pass(30_000);
  assert.deepEqual(said, ["ready", "alive", "alive", "alive"]);
  stop.abort();
  await Promise.all(loops);
});

test("the heartbeat is silent while the loop makes no progress", async () => {
  const { clock, said, stop, beat } = heart(10_000);
  void beat();
  await clock.pass(60_000);
  assert.deepEqual(said, []);
  stop.abort();
});

test("the heartbeat reports only ready if no watchdog is set", async () => {
  const { clock, runWorkers, said, stop, beat } = heart(null);
  const loops = [runWorkers(), beat()];
  await clock.pass(60_000);
  assert.deepEqual(said, ["ready"]);
  stop.abort();
  await Promise.all(loops);
});

test("the heartbeat ends when a failing disk ends the loop", async () => {
  const clock = virtualClock();
  const podWorkers = createPodWorkers(clock);
  const broken = { reconcile: () => Promise.reject(storeError("broken", "disk I/O error")), onFailed: () => 0 };
  const stop = new AbortController();
  podWorkers.wake("a/b");
  const run = podWorkers.run(broken, stop.signal);
  await assert.rejects(run, /disk I\/O error/);
  await podWorkers.nextRound();
});
