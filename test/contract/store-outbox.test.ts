import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Store } from "../../src/ports/store.ts";
import { type Open, stores } from "./store-subjects.ts";

for (const [name, open] of stores) {
  describe(`the outbox of a store ${name}`, () => outbox(open));
}

function outbox(open: Open): void {
  const texts = (store: Store) => store.outbox.list(0, 100).map(({ text }) => text);

  it("lists messages in order and deletes the delivered ones", (t) => {
    const { store } = open(t);
    const ids = ["a", "ü", "c"].map((text) => store.outbox.append(text === "ü" ? "record" : "reply", text) ?? 0);
    assert.deepEqual(store.outbox.counts(), { pending: 3, bytes: 4, dropped: 0 });
    assert.deepEqual(store.outbox.list(0, 2), [
      { id: ids[0], kind: "reply", text: "a" },
      { id: ids[1], kind: "record", text: "ü" },
    ]);
    assert.deepEqual(store.outbox.list(ids[1] ?? 0, 10), [{ id: ids[2], kind: "reply", text: "c" }]);
    assert.deepEqual(store.outbox.list(0, -1), []);
    store.outbox.release([]);
    store.outbox.release([ids[0] ?? 0, ids[2] ?? 0, 12_345]);
    assert.deepEqual(texts(store), ["ü"]);
    assert.deepEqual(store.outbox.counts(), { pending: 1, bytes: 2, dropped: 0 });
  });

  it("never reuses an id", (t) => {
    const { store, reopen } = open(t);
    const id = store.outbox.append("reply", "a") ?? 0;
    store.outbox.release([id]);
    assert.ok((reopen().outbox.append("reply", "b") ?? 0) > id);
  });

  it("drops the oldest records when there are too many messages, never a reply", (t) => {
    const { store } = open(t, { outboxMaxMessages: 3 });
    for (const text of ["r1", "r2"]) store.outbox.append("record", text);
    store.outbox.append("reply", "a1");
    store.outbox.append("record", "r3");
    assert.deepEqual(texts(store), ["r2", "a1", "r3"]);
    store.outbox.append("reply", "a2");
    store.outbox.append("reply", "a3");
    assert.deepEqual(texts(store), ["a1", "a2", "a3"]);
    assert.equal(store.outbox.append("record", "r4"), null);
    assert.equal(store.outbox.append("reply", "a4"), null);
    assert.deepEqual(texts(store), ["a1", "a2", "a3"]);
    assert.deepEqual(store.outbox.counts(), { pending: 3, bytes: 6, dropped: 4 });
  });

  it("drops the oldest records when there are too many bytes", (t) => {
    const { store } = open(t, { outboxMaxBytes: 10 });
    for (const text of ["aaaa", "bbbb"]) store.outbox.append("record", text);
    store.outbox.append("reply", "üü1");
    assert.deepEqual(texts(store), ["bbbb", "üü1"]);
    assert.equal(store.outbox.append("record", "c".repeat(6)), null, "dropping the other would not make room");
    assert.deepEqual(texts(store), ["bbbb", "üü1"]);
    assert.equal(store.outbox.append("reply", "d".repeat(11)), null);
    assert.deepEqual(store.outbox.counts(), { pending: 2, bytes: 9, dropped: 2 });
  });

  it("restores dropped records when the transaction is rolled back", (t) => {
    const { store } = open(t, { outboxMaxMessages: 1 });
    store.outbox.append("record", "a");
    const fail = () =>
      store.transaction("full", () => {
        store.outbox.append("record", "b");
        throw new Error("power");
      });
    assert.throws(fail);
    assert.deepEqual(texts(store), ["a"]);
    assert.deepEqual(store.outbox.counts(), { pending: 1, bytes: 1, dropped: 0 });
    store.outbox.append("reply", "c");
    assert.deepEqual(texts(store), ["c"]);
  });
}
