import assert from "node:assert/strict";
import { test } from "node:test";
import { momentOf } from "../../../../src/agent/loop/moment.ts";
import { replayNext } from "../../../../src/agent/uplink/history-replay.ts";
import type { StoreLimits } from "../../../../src/sqlite/limits.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { seededRandom } from "../../../fakes/random.ts";
import { type MemoryStore, memoryStore } from "../../../fakes/store.ts";

interface Report {
  readonly missing: { readonly events: number; readonly messages: number };
  readonly events: readonly { readonly message: string; readonly count: number; readonly at: string }[];
}

function setUp(limits: Partial<StoreLimits> = {}) {
  const clock = virtualClock();
  const store = memoryStore({ limits });
  const parts = { store, clock, random: seededRandom(1) };
  const happen = (message: string, pod = "websocket/a") =>
    store.events.append({ type: "Normal", pod, container: "app", reason: "Started", message }, momentOf(clock));
  return { parts, store, clock, happen };
}

function reports(store: MemoryStore): readonly Report[] {
  return store.outbox.list(0, 1_000).map(({ text }) => (JSON.parse(text) as { content: Report }).content);
}

const told = (store: MemoryStore) => reports(store).flatMap(({ events }) => events.map(({ message }) => message));

test("the history sends every event once, in order, in messages of at most 64", () => {
  const { parts, store, happen } = setUp();
  for (let n = 0; n < 150; n += 1) happen(`${n}`);
  const more = [1, 2, 3, 4].map(() => replayNext(parts, 1_000_000));
  assert.deepEqual(more, [true, true, false, false]);
  assert.deepEqual(
    reports(store).map(({ events }) => events.length),
    [64, 64, 22],
  );
  assert.deepEqual(
    told(store),
    Array.from({ length: 150 }, (_, n) => `${n}`),
  );
});

test("the history sends as many bytes as the line takes, and at least one event", () => {
  const { parts, store, happen } = setUp();
  for (let n = 0; n < 4; n += 1) happen(`${n}`.repeat(1_000));
  assert.equal(replayNext(parts, 2_500), true);
  assert.equal(replayNext(parts, 10), true);
  assert.equal(replayNext(parts, 10), false);
  assert.deepEqual(
    reports(store).map(({ events }) => events.length),
    [2, 1, 1],
  );
  for (let n = 0; n < 100; n += 1) happen(`${n}:${"x".repeat(4_000)}`);
  replayNext(parts, Number.POSITIVE_INFINITY);
  assert.ok((store.outbox.list(0, 10).at(-1)?.text.length ?? 0) < 80_000);
});

test("a repeated event is sent as the number of new occurrences", async () => {
  const { parts, store, clock, happen } = setUp();
  happen("crash");
  happen("crash");
  replayNext(parts, 10_000);
  await clock.pass(60_000);
  happen("crash");
  replayNext(parts, 10_000);
  const [first, second] = reports(store).flatMap(({ events }) => events);
  assert.deepEqual([first?.count, second?.count], [2, 1]);
  assert.ok((second?.at ?? "") > (first?.at ?? "z"));
});

test("dropped events are reported as missing, once", () => {
  const { parts, store, happen } = setUp({ eventsMaxRows: 2, outboxMaxMessages: 2 });
  for (const text of ["a", "b", "c", "d"]) happen(text);
  replayNext(parts, 10_000);
  assert.deepEqual(reports(store).at(-1)?.missing, { events: 2, messages: 0 });
  // Replies take the room of that record, which is then missing itself.
  const replies = ["r1", "r2"].map((text) => store.outbox.append("reply", text) ?? 0);
  assert.equal(store.outbox.counts().dropped, 1);
  happen("e");
  assert.equal(replayNext(parts, 10_000), false, "there is no room to tell it");
  assert.deepEqual(
    store.outbox.list(0, 9).map(({ text }) => text),
    ["r1", "r2"],
  );
  store.outbox.release(replies);
  replayNext(parts, 10_000);
  assert.deepEqual(
    reports(store)[0]?.events.map(({ message }) => message),
    ["e"],
  );
  assert.deepEqual(reports(store)[0]?.missing.events, 0);
  assert.ok((reports(store)[0]?.missing.messages ?? 0) >= 1);
  store.outbox.release(store.outbox.list(0, 9).map(({ id }) => id));
  assert.equal(replayNext(parts, 10_000), false);
  assert.equal(store.outbox.counts().pending, 0);
});

test("a crash at any store call neither repeats nor loses an event", () => {
  for (let crash = 1; crash < 60; crash += 1) {
    const { parts, store, happen } = setUp();
    for (let n = 0; n < 100; n += 1) happen(`${n}`);
    let calls = 0;
    const mortal = store.reopen({
      beforeCall: () => {
        calls += 1;
        if (calls === crash) throw new Error("power");
      },
    });
    try {
      while (replayNext({ ...parts, store: mortal }, 10_000));
    } catch {
      // The process is dead.
    }
    const again = mortal.reopen({ beforeCall: () => {} });
    while (replayNext({ ...parts, store: again }, 10_000));
    assert.deepEqual(
      told(again),
      Array.from({ length: 100 }, (_, n) => `${n}`),
    );
  }
});
