import assert from "node:assert/strict";
import { test } from "node:test";
import { createLimiter } from "../../../../src/agent/loop/limiter.ts";
import { createPodWorkers } from "../../../../src/agent/pods/pod-workers.ts";
import { virtualClock } from "../../../fakes/clock.ts";

test("one worker a key: what comes meanwhile is one more look", async () => {
  const clock = virtualClock();
  const looks: string[] = [];
  let working = 0;
  const mailbox = createPodWorkers(clock, async (key) => {
    working += 1;
    assert.equal(working, 1);
    looks.push(`${key} at ${clock.mono()}`);
    await clock.sleep(100);
    working -= 1;
    return null;
  });
  const stop = new AbortController();
  const ended = mailbox.run(stop.signal);
  mailbox.wake("a");
  await clock.pass(10);
  for (let n = 0; n < 50; n += 1) mailbox.wake("a");
  await clock.pass(1_000);
  assert.equal(looks.length, 2);
  assert.equal(mailbox.size, 0, "nothing is kept of a key that has nothing to do");
  stop.abort();
  await ended;
});

test("a due time is absolute: other keys do not put it off", async () => {
  const clock = virtualClock();
  const at: number[] = [];
  const began = clock.mono();
  const mailbox = createPodWorkers(clock, async (key) => {
    if (key !== "a") return null;
    at.push(Math.round(clock.mono() - began));
    return 1_000;
  });
  const stop = new AbortController();
  const ended = mailbox.run(stop.signal);
  mailbox.wake("a");
  for (let n = 0; n < 30; n += 1) {
    mailbox.wake("b");
    await clock.pass(100);
  }
  assert.deepEqual(at.slice(0, 3), [0, 1_000, 2_000]);
  stop.abort();
  await ended;
});

test("a bug in a worker is not swallowed", async () => {
  const clock = virtualClock();
  const mailbox = createPodWorkers(clock, async () => {
    throw new Error("A bug");
  });
  const ended = mailbox.run(new AbortController().signal);
  mailbox.wake("a");
  const failed = assert.rejects(ended, /A bug/);
  await clock.pass(10);
  await failed;
});

test("a limiter runs as many as it may, the others in order", async () => {
  const clock = virtualClock();
  const limiter = createLimiter(2);
  const order: number[] = [];
  let most = 0;
  let at = 0;
  const tasks = [0, 1, 2, 3, 4].map((n) =>
    limiter(async () => {
      at += 1;
      most = Math.max(most, at);
      await clock.sleep(100);
      order.push(n);
      at -= 1;
      if (n === 1) throw new Error("A task that fails gives its place back");
    }),
  );
  const settled = Promise.allSettled(tasks);
  await clock.pass(1_000);
  await settled;
  assert.equal(most, 2);
  assert.deepEqual(order, [0, 1, 2, 3, 4]);
});
