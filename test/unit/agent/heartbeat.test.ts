import assert from "node:assert/strict";
import { test } from "node:test";
import { runHeartbeat } from "../../../src/agent/heartbeat.ts";
import { createMailbox } from "../../../src/agent/pods/pod-workers.ts";
import { storeError } from "../../../src/core/base/store-failure.ts";
import { virtualClock } from "../../fakes/clock.ts";

function heart(aliveEveryMs: number | null) {
  const clock = virtualClock();
  const mailbox = createMailbox(
    clock,
    async () => null,
    () => 0,
  );
  const said: string[] = [];
  const supervisor = { aliveEveryMs, ready: () => said.push("ready"), alive: () => said.push("alive") };
  const stop = new AbortController();
  return { clock, mailbox, said, stop, beat: () => runHeartbeat({ clock, mailbox, supervisor }, stop.signal) };
}

test("ready once the loop turns, then alive at every period", async () => {
  const { clock, mailbox, said, stop, beat } = heart(10_000);
  const loops = [mailbox.run(stop.signal), beat()];
  await clock.pass(0);
  assert.deepEqual(said, ["ready"]);
  await clock.pass(30_000);
  assert.deepEqual(said, ["ready", "alive", "alive", "alive"]);
  stop.abort();
  await Promise.all(loops);
});

test("silent while the loop does not turn, however often its time comes", async () => {
  const { clock, said, stop, beat } = heart(10_000);
  void beat();
  await clock.pass(60_000);
  assert.deepEqual(said, []);
  stop.abort();
});

test("ready alone where no watchdog is set", async () => {
  const { clock, mailbox, said, stop, beat } = heart(null);
  const loops = [mailbox.run(stop.signal), beat()];
  await clock.pass(60_000);
  assert.deepEqual(said, ["ready"]);
  stop.abort();
  await Promise.all(loops);
});

test("a loop that ends because the disk fails keeps nobody waiting", async () => {
  const clock = virtualClock();
  const mailbox = createMailbox(
    clock,
    () => Promise.reject(storeError("broken", "disk I/O error")),
    () => 0,
  );
  const stop = new AbortController();
  mailbox.wake("a/b");
  const run = mailbox.run(stop.signal);
  await assert.rejects(run, /disk I\/O error/);
  await mailbox.turn();
});
