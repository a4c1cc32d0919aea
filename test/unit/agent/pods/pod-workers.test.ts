import assert from "node:assert/strict";
import { test } from "node:test";
import { createLimiter } from "../../../../src/agent/loop/limiter.ts";
import { createPodWorkers } from "../../../../src/agent/pods/pod-workers.ts";
import { storeError } from "../../../../src/core/base/store-failure.ts";
import { virtualClock } from "../../../fakes/clock.ts";

const neverFails = (): number => assert.fail("No worker throws here");

test("a key woken during its work runs once more", async () => {
  const clock = virtualClock();
  const looks: string[] = [];
  let working = 0;
  const podWorkers = createPodWorkers(clock);
  const work = {
    reconcile: async (key: string) => {
      working += 1;
      assert.equal(working, 1);
      looks.push(`${key} at ${clock.mono()}`);
      await clock.sleep(100);
      working -= 1;
      return null;
    },
    onFailed: neverFails,
  };
  const stop = new AbortController();
  const ended = podWorkers.run(work, stop.signal);
  podWorkers.wake("a");
  await clock.pass(10);
  for (let n = 0; n < 50; n += 1) podWorkers.wake("a");
  await clock.pass(1_000);
  assert.equal(looks.length, 2);
  assert.equal(podWorkers.size, 0, "nothing is kept of a key that has nothing to do");
  stop.abort();
  await ended;
});

test("a due time is absolute, and other keys do not delay it", async () => {
  const clock = virtualClock();
  const at: number[] = [];
  const began = clock.mono();
  const podWorkers = createPodWorkers(clock);
  const work = {
    reconcile: async (key: string) => {
      if (key !== "a") return null;
      at.push(Math.round(clock.mono() - began));
      return 1_000;
    },
    onFailed: neverFails,
  };
  const stop = new AbortController();
  const ended = podWorkers.run(work, stop.signal);
  podWorkers.wake("a");
  for (let n = 0; n < 30; n += 1) {
    podWorkers.wake("b");
    await clock.pass(100);
  }
  assert.deepEqual(at.slice(0, 3), [0, 1_000, 2_000]);
  stop.abort();
  await ended;
});

test("a worker that throws is parked, and the other keys go on", async () => {
  const clock = virtualClock();
  const looks: string[] = [];
  const failures: string[] = [];
  const began = clock.mono();
  let isBroken = true;
  const podWorkers = createPodWorkers(clock);
  const work = {
    reconcile: async (key: string) => {
      looks.push(`${key} ${Math.round(clock.mono() - began)}`);
      if (key === "a" && isBroken) throw new TypeError("A bug");
      return null;
    },
    onFailed: (key: string, error: unknown, count: number) => {
      failures.push(`${key} ${error} ${count}`);
      return count * 1_000;
    },
  };
  const stop = new AbortController();
  const ended = podWorkers.run(work, stop.signal);
  podWorkers.wake("a");
  await clock.pass(0);
  for (let n = 0; n < 9; n += 1) {
    // An event of a parked pod does not shorten its wait.
    podWorkers.wake("a");
    podWorkers.wake("b");
    await clock.pass(100);
  }
  assert.deepEqual(looks.slice(0, 3), ["a 0", "b 0", "b 100"]);
  assert.equal(looks.filter((one) => one.startsWith("a")).length, 1);
  await clock.pass(3_000);
  assert.deepEqual(
    looks.filter((one) => one.startsWith("a")),
    ["a 0", "a 1000", "a 3000"],
  );
  assert.deepEqual(failures.slice(0, 2), ["a TypeError: A bug 1", "a TypeError: A bug 2"]);

  isBroken = false;
  podWorkers.wakeAfresh("a");
  await clock.pass(0);
  assert.equal(looks.filter((one) => one.startsWith("a")).length, 4, "a message is carried out at once");
  await clock.pass(10_000);
  assert.equal(podWorkers.size, 0);
  stop.abort();
  await ended;
});

test("a failing disk ends all workers", async () => {
  const clock = virtualClock();
  const podWorkers = createPodWorkers(clock);
  const work = { reconcile: () => Promise.reject(storeError("broken", "disk I/O error")), onFailed: neverFails };
  const ended = podWorkers.run(work, new AbortController().signal);
  podWorkers.wake("a");
  const failed = assert.rejects(ended, /disk I\/O error/);
  await clock.pass(10);
  await failed;
});

test("a limiter runs its number of tasks at once, the others in order", async () => {
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

test("a limiter runs urgent tasks before all others that wait", async () => {
  const limiter = createLimiter(1);
  const order: string[] = [];
  const task = (name: string) => async () => void order.push(name);
  await Promise.all([
    limiter(task("running")),
    limiter(task("first")),
    limiter(task("second")),
    limiter(task("urgent"), "urgent"),
    limiter(task("urgent, later"), "urgent"),
  ]);
  assert.deepEqual(order, ["running", "urgent", "urgent, later", "first", "second"]);
});
