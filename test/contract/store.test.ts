import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Store } from "../../src/ports/store.ts";
import { desired, event, history, moment, pod, repeat, terminating } from "./store-samples.ts";
import { type Open, stores } from "./store-subjects.ts";

for (const [name, open] of stores) {
  describe(`a store ${name}`, () => transactions(open));
}

function transactions(open: Open): void {
  it("rolls back a transaction that throws, and stays usable", (t) => {
    const { store } = open(t);
    store.setMeta("a", "1");
    store.outbox.append("reply", "kept");
    const fail = () =>
      store.transaction("full", () => {
        store.setMeta("a", "2");
        store.desiredPods.put(desired("a"));
        store.terminatingPods.put(terminating("b"));
        store.replies.remember(repeat("m"), "OK");
        store.outbox.append("reply", "lost");
        store.events.append(event, moment);
        assert.equal(store.getMeta("a"), "2", "reads see the writes of their transaction");
        assert.equal(store.outbox.counts().pending, 2);
        throw new Error("power");
      });
    assert.throws(fail, /power/);
    assert.equal(store.getMeta("a"), "1");
    assert.deepEqual(store.desiredPods.list(), []);
    assert.deepEqual(store.terminatingPods.list(), []);
    assert.equal(store.replies.repeated(repeat("m")), null);
    assert.deepEqual(store.outbox.counts(), { pending: 1, bytes: 4, dropped: 0 });
    assert.deepEqual(store.events.list({ limit: 9 }), []);
    assert.equal(
      store.transaction("normal", () => 7),
      7,
    );
  });

  it("rejects a transaction inside a transaction, and the outer one continues", (t) => {
    const { store } = open(t);
    store.transaction("full", () => {
      store.setMeta("a", "1");
      assert.throws(() => store.transaction("full", () => 0), /in another one/);
      store.setMeta("b", "2");
    });
    assert.equal(store.getMeta("a"), "1");
    assert.equal(store.getMeta("b"), "2");
  });

  it("rejects and rolls back a transaction that returns a promise", (t) => {
    const { store } = open(t);
    const wait = () =>
      store.transaction("full", async () => {
        store.setMeta("a", "1");
      });
    assert.throws(wait, TypeError);
    assert.equal(store.getMeta("a"), null);
  });

  it("keeps all data over a restart", (t) => {
    const { store, reopen } = open(t, { outboxMaxMessages: 2 });
    store.transaction("full", () => {
      store.setMeta("install", "1");
      store.desiredPods.put(desired("a"));
      store.terminatingPods.put(terminating("b"));
      store.replies.remember(repeat("m"), "OK");
    });
    store.deletedPods.remember("u", "5");
    store.configMaps.put("settings", { "a.conf": "1" }, moment);
    store.credentials.put("registry", "{}", moment);
    store.histories.put("uid-a", { app: history });
    store.statuses.put(pod("a").id, { phase: "Running" });
    for (const text of ["1", "2", "3"]) store.outbox.append("record", text);
    store.events.append(event, moment);
    const seen = everything(store);
    assert.deepEqual(everything(reopen()), seen);
    assert.deepEqual(seen.counts, { pending: 2, bytes: 2, dropped: 1 });
  });

  it("throws on calls after it was closed", (t) => {
    const { store, reopen } = open(t);
    store.close();
    assert.throws(() => store.getMeta("a"));
    assert.throws(() => store.setMeta("a", "1"));
    assert.throws(() => store.transaction("full", () => 0));
    reopen();
  });
}

function everything(store: Store) {
  return {
    fact: store.getMeta("install"),
    desired: store.desiredPods.list(),
    terminating: store.terminatingPods.list(),
    reply: store.replies.repeated(repeat("m")),
    deleted: store.deletedPods.version("u"),
    history: store.histories.get("uid-a"),
    statuses: store.statuses.list(),
    outbox: store.outbox.list(0, 10),
    counts: store.outbox.counts(),
    events: store.events.list({ limit: 10 }),
    configMap: store.configMaps.get("settings"),
    credentials: store.credentials.get("registry"),
  };
}
