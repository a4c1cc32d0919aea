import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Moment } from "../../src/core/pod/container-history.ts";
import { maxEventCharacters } from "../../src/core/pod/event-history.ts";
import type { Store } from "../../src/ports/store.ts";
import { event, moment } from "./store-samples.ts";
import { type Open, stores } from "./store-subjects.ts";

for (const [name, open] of stores) {
  describe(`the events of a store ${name}`, () => {
    reading(open);
    folding(open);
    limiting(open);
    telling(open);
  });
}

const messages = (store: Store, query: Parameters<Store["events"]["list"]>[0] = { limit: 10_000 }) =>
  store.events.list(query).map(({ message }) => message);
const after = (seconds: number): Moment => ({
  ...moment,
  wall: moment.wall + seconds * 1_000,
  mono: moment.mono + seconds * 1_000,
});

function reading(open: Open): void {
  it("are listed by pod and after an id, newest last", (t) => {
    const { store } = open(t);
    const places = ["websocket/a", "other/a", "websocket/b", ""];
    for (const [i, place] of places.entries())
      store.events.append({ ...event, pod: place, message: String(i) }, moment);
    assert.deepEqual(messages(store, { limit: 10 }), ["0", "1", "2", "3"]);
    assert.deepEqual(messages(store, { limit: 2 }), ["2", "3"]);
    assert.deepEqual(messages(store, { limit: 0 }), []);
    assert.deepEqual(messages(store, { pod: "a", limit: 10 }), ["0", "1"]);
    assert.deepEqual(messages(store, { pod: "other/a", limit: 10 }), ["1"]);
    const all = store.events.list({ limit: 10 });
    assert.deepEqual(messages(store, { after: all[0]?.id ?? 0, limit: 2 }), ["1", "2"]);
    assert.deepEqual(messages(store, { after: all[0]?.id ?? 0, pod: "b", limit: 2 }), ["2"]);
    const counted = { count: 1, firstWall: moment.wall, reported: 0, unreportedWall: moment.wall };
    assert.deepEqual(all[0], { ...event, message: "0", id: all[0]?.id, at: moment, ...counted });
  });

  it("keep the beginning of a long message", (t) => {
    const { store } = open(t);
    store.events.append({ ...event, message: "x".repeat(maxEventCharacters + 1) }, moment);
    assert.equal(messages(store)[0]?.length, maxEventCharacters);
  });
}

function folding(open: Open): void {
  it("are counted if they repeat, also after a restart, and move to the end", (t) => {
    const { store, reopen } = open(t);
    const crash = (attempt: number) => ({ ...event, message: `start app (0123456789ab), attempt ${attempt}` });
    for (let n = 0; n < 5; n += 1) {
      store.events.append(crash(n), after(n));
      store.events.append({ ...event, pod: "websocket/b", message: "Exit code 1" }, after(n));
    }
    const again = reopen();
    again.events.append(crash(5), after(5));
    const [other, row] = again.events.list({ limit: 10 });
    assert.deepEqual([other?.count, other?.pod], [5, "websocket/b"]);
    assert.deepEqual([row?.count, row?.message], [6, "start app (0123456789ab), attempt 5"]);
    assert.deepEqual([row?.firstWall, row?.at], [moment.wall, after(5)]);
    again.events.append(crash(6), after(5 + 3_601));
    assert.deepEqual(
      again.events.list({ pod: "a", limit: 10 }).map(({ count }) => count),
      [6, 1],
      "an hour later it is another incident",
    );
    const { rows, bytes } = again.events.counts();
    assert.equal(rows, 3);
    assert.ok(bytes > 3 * 96 && bytes < 1_000);
  });

  it("are unchanged after a rolled back transaction", (t) => {
    const { store } = open(t);
    store.events.append(event, moment);
    const before = store.events.list({ limit: 10 });
    const fail = () =>
      store.transaction("normal", () => {
        store.events.append(event, after(1));
        store.events.append({ ...event, message: "other" }, after(1));
        store.events.markReported(2);
        throw new Error("power");
      });
    assert.throws(fail, /power/);
    assert.deepEqual(store.events.list({ limit: 10 }), before);
    store.events.append(event, after(2));
    const [row] = store.events.list({ limit: 10 });
    assert.deepEqual([row?.count, row?.reported, row?.id], [2, 0, 2]);
  });
}

function limiting(open: Open): void {
  it("are dropped oldest first, steps before warnings, if there are too many", (t) => {
    const { store } = open(t, { eventsMaxRows: 3 });
    store.events.append({ ...event, type: "Warning", message: "failure" }, moment);
    for (const text of ["1", "2", "3", "4"]) store.events.append({ ...event, message: text }, moment);
    assert.deepEqual(messages(store), ["failure", "3", "4"]);
    assert.deepEqual(store.events.counts().dropped, 2);
  });

  it("are dropped if they have too many bytes, and the last one always stays", (t) => {
    const { store, reopen } = open(t, { eventsMaxBytes: 700 });
    for (const text of ["a", "b", "c"]) store.events.append({ ...event, message: text.repeat(100) }, moment);
    assert.ok(store.events.counts().bytes <= 700);
    assert.deepEqual(
      messages(store).map((text) => text[0]),
      ["a", "b", "c"],
    );
    store.events.append({ ...event, message: "d".repeat(300) }, moment);
    assert.deepEqual(
      messages(store).map((text) => text[0]),
      ["c", "d"],
    );
    const again = reopen();
    again.events.append({ ...event, message: "e".repeat(1_000) }, moment);
    assert.deepEqual(
      messages(again).map((text) => text[0]),
      ["e"],
    );
    assert.deepEqual([again.events.counts().rows, again.events.counts().dropped], [1, 4]);
  });

  it("of a quiet pod are kept although another pod has many different events", (t) => {
    const { store } = open(t, { eventsMaxRows: 128 });
    for (let n = 0; n < 3; n += 1) store.events.append({ ...event, pod: "websocket/quiet", message: `${n}` }, moment);
    for (let n = 0; n < 1_000; n += 1) store.events.append({ ...event, message: `output ${n}` }, after(n));
    assert.deepEqual(messages(store, { pod: "quiet", limit: 10 }), ["0", "1", "2"]);
    assert.equal(store.events.counts().rows <= 128, true);
    assert.equal(messages(store).at(-1), "output 999");
    assert.equal(store.events.counts().dropped + store.events.counts().rows, 1_003);
  });
}

function telling(open: Open): void {
  it("are reported once, and later occurrences as repeats", (t) => {
    const { store, reopen } = open(t);
    for (const text of ["a", "b", "c"]) store.events.append({ ...event, message: text }, moment);
    const untold = (from: Store) =>
      from.events.unreported(10).map((row) => `${row.message} ${row.count - row.reported}`);
    assert.deepEqual(untold(store), ["a 1", "b 1", "c 1"]);
    assert.deepEqual(store.events.unreported(1).length, 1);
    store.events.markReported(store.events.unreported(2)[1]?.id ?? 0);
    assert.deepEqual(untold(store), ["c 1"]);
    store.events.append({ ...event, message: "a" }, after(1));
    store.events.append({ ...event, message: "c" }, after(1));
    const again = reopen();
    assert.deepEqual(untold(again), ["a 1", "c 2"]);
    again.events.markReported(1);
    assert.deepEqual(untold(again), ["a 1", "c 2"], "it does not go back");
    again.events.markReported(again.events.unreported(10).at(-1)?.id ?? 0);
    assert.deepEqual(untold(again), []);
  });

  it("count as dropped only if they were not reported", (t) => {
    const { store } = open(t, { eventsMaxRows: 2 });
    for (const text of ["a", "a", "b"]) store.events.append({ ...event, message: text }, moment);
    store.events.markReported(store.events.unreported(1)[0]?.id ?? 0);
    store.events.append({ ...event, message: "c" }, moment);
    assert.deepEqual(messages(store), ["b", "c"]);
    assert.equal(store.events.counts().dropped, 0);
    store.events.append({ ...event, message: "b" }, moment);
    store.events.append({ ...event, message: "d" }, moment);
    assert.deepEqual(messages(store), ["b", "d"]);
    assert.equal(store.events.counts().dropped, 1);
  });
}
