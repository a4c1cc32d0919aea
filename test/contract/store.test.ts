import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Store } from "../../src/ports/store.ts";
import { desired, event, history, moment, pod, repeat, terminating } from "./store-samples.ts";
import { type Open, stores } from "./store-subjects.ts";

for (const [name, open] of stores) {
  describe(`a store ${name}`, () => {
    transactions(open);
    pods(open);
    records(open);
    outbox(open);
    npus(open);
    configMaps(open);
    credentials(open);
  });
}

function npus(open: Open): void {
  const a = { namespace: "websocket", name: "a", uid: "uid-a" };
  const b = { namespace: "websocket", name: "b", uid: "uid-b" };

  it("says who holds which NPU, by number, also after a restart", (t) => {
    const { store, reopen } = open(t);
    assert.deepEqual(store.npus.holders(), []);
    store.npus.put(a, "app", ["davinci10", "davinci2"]);
    store.npus.put(a, "side", ["davinci0"]);
    store.npus.put(b, "app", []);
    const expected = [
      { npu: "davinci0", pod: a, container: "side" },
      { npu: "davinci2", pod: a, container: "app" },
      { npu: "davinci10", pod: a, container: "app" },
    ];
    assert.deepEqual(store.npus.holders(), expected);
    assert.deepEqual(reopen().npus.holders(), expected);
  });

  it("gives a container what it is to hold, and takes back the rest", (t) => {
    const { store } = open(t);
    store.npus.put(a, "app", ["davinci0", "davinci1"]);
    store.npus.put(a, "app", ["davinci1", "davinci2"]);
    store.npus.put(b, "app", ["davinci0"]);
    assert.deepEqual(
      store.npus.holders().map(({ npu, pod }) => `${npu} ${pod.name}`),
      ["davinci0 b", "davinci1 a", "davinci2 a"],
    );
    store.npus.put(a, "app", []);
    assert.deepEqual(store.npus.holders(), [{ npu: "davinci0", pod: b, container: "app" }]);
  });

  it("never has one NPU held by two, and changes nothing when that is asked for", (t) => {
    const { store } = open(t);
    store.npus.put(a, "app", ["davinci0"]);
    store.npus.put(b, "app", ["davinci1"]);
    assert.throws(() => store.npus.put(b, "app", ["davinci2", "davinci0"]));
    assert.throws(() => store.npus.put(a, "side", ["davinci0"]));
    assert.deepEqual(
      store.npus.holders().map(({ npu, pod, container }) => `${npu} ${pod.name}/${container}`),
      ["davinci0 a/app", "davinci1 b/app"],
    );
  });
}

function transactions(open: Open): void {
  it("undoes a transaction whose work throws, and goes on", (t) => {
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

  it("refuses a transaction in a transaction, and the outer one goes on", (t) => {
    const { store } = open(t);
    store.transaction("full", () => {
      store.setMeta("a", "1");
      assert.throws(() => store.transaction("full", () => 0), /in another one/);
      store.setMeta("b", "2");
    });
    assert.equal(store.getMeta("a"), "1");
    assert.equal(store.getMeta("b"), "2");
  });

  it("refuses and undoes work that returns a promise", (t) => {
    const { store } = open(t);
    const wait = () =>
      store.transaction("full", async () => {
        store.setMeta("a", "1");
      });
    assert.throws(wait, TypeError);
    assert.equal(store.getMeta("a"), null);
  });

  it("has after a restart what it had before", (t) => {
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

  it("refuses calls once it is closed", (t) => {
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

function pods(open: Open): void {
  it("keeps one desired pod a namespace and name, in order", (t) => {
    const { store } = open(t);
    assert.equal(store.desiredPods.get("websocket", "a"), null);
    const second = { ...desired("a"), pod: { ...pod("a"), id: { ...pod("a").id, namespace: "other" } } };
    for (const one of [desired("b"), desired("a"), second]) store.desiredPods.put(one);
    assert.deepEqual(store.desiredPods.list(), [second, desired("a"), desired("b")]);
    store.desiredPods.put(desired("b", { generation: 4, messageId: "m9" }));
    assert.deepEqual(store.desiredPods.get("websocket", "b"), desired("b", { generation: 4, messageId: "m9" }));
    store.desiredPods.delete("websocket", "a");
    store.desiredPods.delete("websocket", "never");
    assert.deepEqual(
      store.desiredPods.list().map(({ pod: { id } }) => id.name),
      ["a", "b"],
    );
  });

  it("keeps the spec before the last change of a pod", (t) => {
    const { store } = open(t);
    const previous = () => store.desiredPods.previous("websocket", "a");
    store.desiredPods.put(desired("a"));
    assert.equal(previous(), null);
    store.desiredPods.put(desired("a", { pod: pod("a", "app:2.0") }));
    assert.deepEqual(previous(), pod("a"));
    store.desiredPods.put(desired("a", { pod: pod("a", "app:2.0"), generation: 1 }));
    assert.deepEqual(previous(), pod("a"), "a restart is no change of the spec");
    store.desiredPods.put(desired("a", { pod: pod("a", "app:3.0") }), "keepPrevious");
    assert.deepEqual(previous(), pod("a"), "an update that never began is passed over");
    store.desiredPods.put(desired("a", { pod: pod("a", "app:4.0") }));
    assert.deepEqual(previous(), pod("a", "app:3.0"));
    store.desiredPods.delete("websocket", "a");
    store.desiredPods.put(desired("a"));
    assert.equal(previous(), null);
  });

  it("numbers the pods that leave, never twice the same", (t) => {
    const { store, reopen } = open(t);
    const first = store.terminatingPods.put(terminating("a"));
    const second = store.terminatingPods.put(
      terminating("a", { pod: null, kind: "replaced", id: { ...pod("a").id, uid: "" } }),
    );
    assert.ok(first.seq > 0 && second.seq > first.seq);
    const gone = store.terminatingPods.put({ ...first, isTerminated: true });
    assert.deepEqual(gone, { ...first, isTerminated: true });
    assert.deepEqual(store.terminatingPods.list(), [gone, second]);
    store.terminatingPods.delete(second.seq);
    store.terminatingPods.delete(999);
    assert.deepEqual(store.terminatingPods.list(), [gone]);
    assert.ok(reopen().terminatingPods.put(terminating("c")).seq > second.seq);
  });

  it("remembers the last deleted uids", (t) => {
    const { store } = open(t, { deletedMaxRows: 3 });
    for (const uid of ["a", "b", "c"]) store.deletedPods.remember(uid, "1");
    store.deletedPods.remember("a", "2");
    store.deletedPods.remember("d", "1");
    assert.deepEqual(
      ["a", "b", "c", "d"].map((uid) => store.deletedPods.version(uid)),
      ["2", null, "1", "1"],
    );
  });
}

function records(open: Open): void {
  it("keeps the history of a pod", (t) => {
    const { store } = open(t);
    assert.deepEqual(store.histories.get("u"), {});
    store.histories.put("u", { app: history, POD: { ...history, failure: null } });
    assert.deepEqual(store.histories.get("u"), { app: history, POD: { ...history, failure: null } });
    store.histories.put("u", { app: { ...history, attempt: 4 } });
    assert.equal(store.histories.get("u")["app"]?.attempt, 4);
    store.histories.put("t", { app: history });
    assert.deepEqual(store.histories.uids(), ["t", "u"]);
    store.histories.delete("u");
    assert.deepEqual(store.histories.get("u"), {});
  });

  it("keeps one status a pod, in order", (t) => {
    const { store } = open(t);
    assert.equal(store.statuses.get("u"), null);
    const other = { namespace: "websocket", name: "a", uid: "uid-0" };
    store.statuses.put(pod("b").id, { phase: "Pending" });
    store.statuses.put(pod("a").id, { phase: "Pending" });
    store.statuses.put(other, { phase: "Failed" });
    store.statuses.put(pod("a").id, { phase: "Running", conditions: [] });
    assert.deepEqual(store.statuses.list(), [
      { id: other, status: { phase: "Failed" } },
      { id: pod("a").id, status: { phase: "Running", conditions: [] } },
      { id: pod("b").id, status: { phase: "Pending" } },
    ]);
    store.statuses.delete("uid-a");
    store.statuses.delete("never");
    assert.equal(store.statuses.get("uid-a"), null);
    assert.deepEqual(store.statuses.get("uid-b"), { id: pod("b").id, status: { phase: "Pending" } });
  });

  it("hands out copies", (t) => {
    const { store } = open(t);
    const status = { phase: "Running" };
    store.statuses.put(pod("a").id, status);
    status.phase = "Failed";
    assert.deepEqual(store.statuses.get("uid-a")?.status, { phase: "Running" });
  });

  it("gives the last replies again", (t) => {
    const { store } = open(t, { repliesMaxRows: 2 });
    for (const id of ["1", "2", "3"]) store.replies.remember(repeat(id), `OK ${id}`);
    assert.deepEqual(
      ["1", "2", "3"].map((id) => store.replies.repeated(repeat(id))),
      [null, "OK 2", "OK 3"],
    );
    for (const change of [{ operation: "delete" }, { resource: "other" }, { contentHash: "x" }]) {
      assert.equal(store.replies.repeated({ ...repeat("3"), ...change }), null);
    }
  });

  it("keeps 1,024 replies and 256 deleted uids unless told otherwise", (t) => {
    const { store } = open(t);
    store.transaction("normal", () => {
      for (let i = 0; i < 1_025; i += 1) store.replies.remember(repeat(String(i)), "OK");
      for (let i = 0; i < 257; i += 1) store.deletedPods.remember(String(i), "1");
    });
    assert.deepEqual([store.replies.repeated(repeat("0")), store.replies.repeated(repeat("1"))], [null, "OK"]);
    assert.deepEqual([store.deletedPods.version("0"), store.deletedPods.version("1")], [null, "1"]);
  });
}

function outbox(open: Open): void {
  const texts = (store: Store) => store.outbox.list(0, 100).map(({ text }) => text);

  it("gives out messages in order and lets go of what was delivered", (t) => {
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

  it("never gives the same id twice", (t) => {
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

  it("brings back what an undone transaction had dropped", (t) => {
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

function configMaps(open: Open): void {
  it("keeps config maps under their names", (t) => {
    const { store, reopen } = open(t);
    assert.equal(store.configMaps.get("a"), null);
    assert.equal(store.configMaps.put("b", { "b.conf": "ü" }, moment), true);
    assert.equal(store.configMaps.put("a", {}, moment), true);
    assert.equal(store.configMaps.put("b", { x: "2" }, moment), true);
    assert.deepEqual(store.configMaps.names(), ["a", "b"]);
    assert.deepEqual(store.configMaps.get("a"), {});
    assert.deepEqual(store.configMaps.get("b"), { x: "2" });
    store.configMaps.delete("a");
    store.configMaps.delete("never");
    const after = reopen();
    assert.deepEqual(after.configMaps.names(), ["b"]);
    assert.deepEqual(after.configMaps.get("b"), { x: "2" });
  });

  it("takes 256 config maps and no more, and changes of those it has", (t) => {
    const { store } = open(t);
    store.transaction("normal", () => {
      for (let i = 0; i < 256; i += 1) assert.equal(store.configMaps.put(`map-${i}`, { i: `${i}` }, moment), true);
    });
    assert.equal(store.configMaps.put("one-more", {}, moment), false);
    assert.equal(store.configMaps.get("one-more"), null);
    assert.equal(store.configMaps.put("map-7", { i: "changed" }, moment), true);
    store.configMaps.delete("map-0");
    assert.equal(store.configMaps.put("one-more", {}, moment), true);
  });

  it("undoes a config map with its transaction", (t) => {
    const { store } = open(t);
    store.configMaps.put("a", { x: "1" }, moment);
    const fail = () =>
      store.transaction("full", () => {
        store.configMaps.put("a", { x: "2" }, moment);
        store.credentials.put("registry", "{}", moment);
        assert.deepEqual(store.configMaps.get("a"), { x: "2" });
        throw new Error("power");
      });
    assert.throws(fail, /power/);
    assert.deepEqual(store.configMaps.get("a"), { x: "1" });
    assert.equal(store.credentials.get("registry"), null);
  });
}

function credentials(open: Open): void {
  it("keeps credentials under their names, up to 16", (t) => {
    const { store, reopen } = open(t);
    assert.equal(store.credentials.get("registry"), null);
    for (let i = 0; i < 16; i += 1) assert.equal(store.credentials.put(`r${i}`, `{"auths":{"${i}":{}}}`, moment), true);
    assert.equal(store.credentials.put("r16", "{}", moment), false);
    assert.equal(store.credentials.put("r3", "{}", moment), true);
    assert.equal(store.credentials.names().length, 16);
    store.credentials.delete("r0");
    const after = reopen();
    assert.equal(after.credentials.get("r0"), null);
    assert.equal(after.credentials.get("r1"), '{"auths":{"1":{}}}');
    assert.equal(after.credentials.get("r3"), "{}");
  });
}
