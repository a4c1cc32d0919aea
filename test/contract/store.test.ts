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
    assert.deepEqual(store.npuHolders(), []);
    store.putNpus(a, "app", ["davinci10", "davinci2"]);
    store.putNpus(a, "side", ["davinci0"]);
    store.putNpus(b, "app", []);
    const expected = [
      { npu: "davinci0", pod: a, container: "side" },
      { npu: "davinci2", pod: a, container: "app" },
      { npu: "davinci10", pod: a, container: "app" },
    ];
    assert.deepEqual(store.npuHolders(), expected);
    assert.deepEqual(reopen().npuHolders(), expected);
  });

  it("gives a container what it is to hold, and takes back the rest", (t) => {
    const { store } = open(t);
    store.putNpus(a, "app", ["davinci0", "davinci1"]);
    store.putNpus(a, "app", ["davinci1", "davinci2"]);
    store.putNpus(b, "app", ["davinci0"]);
    assert.deepEqual(
      store.npuHolders().map(({ npu, pod }) => `${npu} ${pod.name}`),
      ["davinci0 b", "davinci1 a", "davinci2 a"],
    );
    store.putNpus(a, "app", []);
    assert.deepEqual(store.npuHolders(), [{ npu: "davinci0", pod: b, container: "app" }]);
  });

  it("never has one NPU held by two, and changes nothing when that is asked for", (t) => {
    const { store } = open(t);
    store.putNpus(a, "app", ["davinci0"]);
    store.putNpus(b, "app", ["davinci1"]);
    assert.throws(() => store.putNpus(b, "app", ["davinci2", "davinci0"]));
    assert.throws(() => store.putNpus(a, "side", ["davinci0"]));
    assert.deepEqual(
      store.npuHolders().map(({ npu, pod, container }) => `${npu} ${pod.name}/${container}`),
      ["davinci0 a/app", "davinci1 b/app"],
    );
  });
}

function transactions(open: Open): void {
  it("undoes a transaction whose work throws, and goes on", (t) => {
    const { store } = open(t);
    store.setMeta("a", "1");
    store.appendOutbox("reply", "kept");
    const fail = () =>
      store.transaction("full", () => {
        store.setMeta("a", "2");
        store.putDesiredPod(desired("a"));
        store.putTerminatingPod(terminating("b"));
        store.rememberReply(repeat("m"), "OK");
        store.appendOutbox("reply", "lost");
        store.appendEvent(event, moment);
        assert.equal(store.getMeta("a"), "2", "reads see the writes of their transaction");
        assert.equal(store.outboxCounts().pending, 2);
        throw new Error("power");
      });
    assert.throws(fail, /power/);
    assert.equal(store.getMeta("a"), "1");
    assert.deepEqual(store.desiredPods(), []);
    assert.deepEqual(store.terminatingPods(), []);
    assert.equal(store.repeatedReply(repeat("m")), null);
    assert.deepEqual(store.outboxCounts(), { pending: 1, bytes: 4, dropped: 0 });
    assert.deepEqual(store.events({ limit: 9 }), []);
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
      store.putDesiredPod(desired("a"));
      store.putTerminatingPod(terminating("b"));
      store.rememberReply(repeat("m"), "OK");
    });
    store.rememberDeleted("u", "5");
    store.putConfigMap("settings", { "a.conf": "1" }, moment);
    store.putCredentials("registry", "{}", moment);
    store.putHistory("uid-a", { app: history });
    store.putStatus(pod("a").id, { phase: "Running" });
    for (const text of ["1", "2", "3"]) store.appendOutbox("record", text);
    store.appendEvent(event, moment);
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
    desired: store.desiredPods(),
    terminating: store.terminatingPods(),
    reply: store.repeatedReply(repeat("m")),
    deleted: store.deletedVersion("u"),
    history: store.history("uid-a"),
    statuses: store.statuses(),
    outbox: store.outbox(0, 10),
    counts: store.outboxCounts(),
    events: store.events({ limit: 10 }),
    configMap: store.configMap("settings"),
    credentials: store.credentials("registry"),
  };
}

function pods(open: Open): void {
  it("keeps one desired pod a namespace and name, in order", (t) => {
    const { store } = open(t);
    assert.equal(store.desiredPod("websocket", "a"), null);
    const second = { ...desired("a"), pod: { ...pod("a"), id: { ...pod("a").id, namespace: "other" } } };
    for (const one of [desired("b"), desired("a"), second]) store.putDesiredPod(one);
    assert.deepEqual(store.desiredPods(), [second, desired("a"), desired("b")]);
    store.putDesiredPod(desired("b", { generation: 4, messageId: "m9" }));
    assert.deepEqual(store.desiredPod("websocket", "b"), desired("b", { generation: 4, messageId: "m9" }));
    store.deleteDesiredPod("websocket", "a");
    store.deleteDesiredPod("websocket", "never");
    assert.deepEqual(
      store.desiredPods().map(({ pod: { id } }) => id.name),
      ["a", "b"],
    );
  });

  it("keeps the spec before the last change of a pod", (t) => {
    const { store } = open(t);
    const previous = () => store.previousPod("websocket", "a");
    store.putDesiredPod(desired("a"));
    assert.equal(previous(), null);
    store.putDesiredPod(desired("a", { pod: pod("a", "app:2.0") }));
    assert.deepEqual(previous(), pod("a"));
    store.putDesiredPod(desired("a", { pod: pod("a", "app:2.0"), generation: 1 }));
    assert.deepEqual(previous(), pod("a"), "a restart is no change of the spec");
    store.putDesiredPod(desired("a", { pod: pod("a", "app:3.0") }), "keepPrevious");
    assert.deepEqual(previous(), pod("a"), "an update that never began is passed over");
    store.putDesiredPod(desired("a", { pod: pod("a", "app:4.0") }));
    assert.deepEqual(previous(), pod("a", "app:3.0"));
    store.deleteDesiredPod("websocket", "a");
    store.putDesiredPod(desired("a"));
    assert.equal(previous(), null);
  });

  it("numbers the pods that leave, never twice the same", (t) => {
    const { store, reopen } = open(t);
    const first = store.putTerminatingPod(terminating("a"));
    const second = store.putTerminatingPod(
      terminating("a", { pod: null, kind: "replaced", id: { ...pod("a").id, uid: "" } }),
    );
    assert.ok(first.seq > 0 && second.seq > first.seq);
    const gone = store.putTerminatingPod({ ...first, isTerminated: true });
    assert.deepEqual(gone, { ...first, isTerminated: true });
    assert.deepEqual(store.terminatingPods(), [gone, second]);
    store.deleteTerminatingPod(second.seq);
    store.deleteTerminatingPod(999);
    assert.deepEqual(store.terminatingPods(), [gone]);
    assert.ok(reopen().putTerminatingPod(terminating("c")).seq > second.seq);
  });

  it("remembers the last deleted uids", (t) => {
    const { store } = open(t, { deletedMaxRows: 3 });
    for (const uid of ["a", "b", "c"]) store.rememberDeleted(uid, "1");
    store.rememberDeleted("a", "2");
    store.rememberDeleted("d", "1");
    assert.deepEqual(
      ["a", "b", "c", "d"].map((uid) => store.deletedVersion(uid)),
      ["2", null, "1", "1"],
    );
  });
}

function records(open: Open): void {
  it("keeps the history of a pod", (t) => {
    const { store } = open(t);
    assert.deepEqual(store.history("u"), {});
    store.putHistory("u", { app: history, POD: { ...history, failure: null } });
    assert.deepEqual(store.history("u"), { app: history, POD: { ...history, failure: null } });
    store.putHistory("u", { app: { ...history, attempt: 4 } });
    assert.equal(store.history("u")["app"]?.attempt, 4);
    store.putHistory("t", { app: history });
    assert.deepEqual(store.historyUids(), ["t", "u"]);
    store.deleteHistory("u");
    assert.deepEqual(store.history("u"), {});
  });

  it("keeps one status a pod, in order", (t) => {
    const { store } = open(t);
    assert.equal(store.status("u"), null);
    const other = { namespace: "websocket", name: "a", uid: "uid-0" };
    store.putStatus(pod("b").id, { phase: "Pending" });
    store.putStatus(pod("a").id, { phase: "Pending" });
    store.putStatus(other, { phase: "Failed" });
    store.putStatus(pod("a").id, { phase: "Running", conditions: [] });
    assert.deepEqual(store.statuses(), [
      { id: other, status: { phase: "Failed" } },
      { id: pod("a").id, status: { phase: "Running", conditions: [] } },
      { id: pod("b").id, status: { phase: "Pending" } },
    ]);
    store.deleteStatus("uid-a");
    store.deleteStatus("never");
    assert.equal(store.status("uid-a"), null);
    assert.deepEqual(store.status("uid-b"), { id: pod("b").id, status: { phase: "Pending" } });
  });

  it("hands out copies", (t) => {
    const { store } = open(t);
    const status = { phase: "Running" };
    store.putStatus(pod("a").id, status);
    status.phase = "Failed";
    assert.deepEqual(store.status("uid-a")?.status, { phase: "Running" });
  });

  it("gives the last replies again", (t) => {
    const { store } = open(t, { repliesMaxRows: 2 });
    for (const id of ["1", "2", "3"]) store.rememberReply(repeat(id), `OK ${id}`);
    assert.deepEqual(
      ["1", "2", "3"].map((id) => store.repeatedReply(repeat(id))),
      [null, "OK 2", "OK 3"],
    );
    for (const change of [{ operation: "delete" }, { resource: "other" }, { contentHash: "x" }]) {
      assert.equal(store.repeatedReply({ ...repeat("3"), ...change }), null);
    }
  });

  it("keeps 1,024 replies and 256 deleted uids unless told otherwise", (t) => {
    const { store } = open(t);
    store.transaction("normal", () => {
      for (let i = 0; i < 1_025; i += 1) store.rememberReply(repeat(String(i)), "OK");
      for (let i = 0; i < 257; i += 1) store.rememberDeleted(String(i), "1");
    });
    assert.deepEqual([store.repeatedReply(repeat("0")), store.repeatedReply(repeat("1"))], [null, "OK"]);
    assert.deepEqual([store.deletedVersion("0"), store.deletedVersion("1")], [null, "1"]);
  });
}

function outbox(open: Open): void {
  const texts = (store: Store) => store.outbox(0, 100).map(({ text }) => text);

  it("gives out messages in order and lets go of what was delivered", (t) => {
    const { store } = open(t);
    const ids = ["a", "ü", "c"].map((text) => store.appendOutbox(text === "ü" ? "record" : "reply", text) ?? 0);
    assert.deepEqual(store.outboxCounts(), { pending: 3, bytes: 4, dropped: 0 });
    assert.deepEqual(store.outbox(0, 2), [
      { id: ids[0], kind: "reply", text: "a" },
      { id: ids[1], kind: "record", text: "ü" },
    ]);
    assert.deepEqual(store.outbox(ids[1] ?? 0, 10), [{ id: ids[2], kind: "reply", text: "c" }]);
    assert.deepEqual(store.outbox(0, -1), []);
    store.releaseOutbox([]);
    store.releaseOutbox([ids[0] ?? 0, ids[2] ?? 0, 12_345]);
    assert.deepEqual(texts(store), ["ü"]);
    assert.deepEqual(store.outboxCounts(), { pending: 1, bytes: 2, dropped: 0 });
  });

  it("never gives the same id twice", (t) => {
    const { store, reopen } = open(t);
    const id = store.appendOutbox("reply", "a") ?? 0;
    store.releaseOutbox([id]);
    assert.ok((reopen().appendOutbox("reply", "b") ?? 0) > id);
  });

  it("drops the oldest records when there are too many messages, never a reply", (t) => {
    const { store } = open(t, { outboxMaxMessages: 3 });
    for (const text of ["r1", "r2"]) store.appendOutbox("record", text);
    store.appendOutbox("reply", "a1");
    store.appendOutbox("record", "r3");
    assert.deepEqual(texts(store), ["r2", "a1", "r3"]);
    store.appendOutbox("reply", "a2");
    store.appendOutbox("reply", "a3");
    assert.deepEqual(texts(store), ["a1", "a2", "a3"]);
    assert.equal(store.appendOutbox("record", "r4"), null);
    assert.equal(store.appendOutbox("reply", "a4"), null);
    assert.deepEqual(texts(store), ["a1", "a2", "a3"]);
    assert.deepEqual(store.outboxCounts(), { pending: 3, bytes: 6, dropped: 4 });
  });

  it("drops the oldest records when there are too many bytes", (t) => {
    const { store } = open(t, { outboxMaxBytes: 10 });
    for (const text of ["aaaa", "bbbb"]) store.appendOutbox("record", text);
    store.appendOutbox("reply", "üü1");
    assert.deepEqual(texts(store), ["bbbb", "üü1"]);
    assert.equal(store.appendOutbox("record", "c".repeat(6)), null, "dropping the other would not make room");
    assert.deepEqual(texts(store), ["bbbb", "üü1"]);
    assert.equal(store.appendOutbox("reply", "d".repeat(11)), null);
    assert.deepEqual(store.outboxCounts(), { pending: 2, bytes: 9, dropped: 2 });
  });

  it("brings back what an undone transaction had dropped", (t) => {
    const { store } = open(t, { outboxMaxMessages: 1 });
    store.appendOutbox("record", "a");
    const fail = () =>
      store.transaction("full", () => {
        store.appendOutbox("record", "b");
        throw new Error("power");
      });
    assert.throws(fail);
    assert.deepEqual(texts(store), ["a"]);
    assert.deepEqual(store.outboxCounts(), { pending: 1, bytes: 1, dropped: 0 });
    store.appendOutbox("reply", "c");
    assert.deepEqual(texts(store), ["c"]);
  });
}

function configMaps(open: Open): void {
  it("keeps config maps under their names", (t) => {
    const { store, reopen } = open(t);
    assert.equal(store.configMap("a"), null);
    assert.equal(store.putConfigMap("b", { "b.conf": "ü" }, moment), true);
    assert.equal(store.putConfigMap("a", {}, moment), true);
    assert.equal(store.putConfigMap("b", { x: "2" }, moment), true);
    assert.deepEqual(store.configMapNames(), ["a", "b"]);
    assert.deepEqual(store.configMap("a"), {});
    assert.deepEqual(store.configMap("b"), { x: "2" });
    store.deleteConfigMap("a");
    store.deleteConfigMap("never");
    const after = reopen();
    assert.deepEqual(after.configMapNames(), ["b"]);
    assert.deepEqual(after.configMap("b"), { x: "2" });
  });

  it("takes 256 config maps and no more, and changes of those it has", (t) => {
    const { store } = open(t);
    store.transaction("normal", () => {
      for (let i = 0; i < 256; i += 1) assert.equal(store.putConfigMap(`map-${i}`, { i: `${i}` }, moment), true);
    });
    assert.equal(store.putConfigMap("one-more", {}, moment), false);
    assert.equal(store.configMap("one-more"), null);
    assert.equal(store.putConfigMap("map-7", { i: "changed" }, moment), true);
    store.deleteConfigMap("map-0");
    assert.equal(store.putConfigMap("one-more", {}, moment), true);
  });

  it("undoes a config map with its transaction", (t) => {
    const { store } = open(t);
    store.putConfigMap("a", { x: "1" }, moment);
    const fail = () =>
      store.transaction("full", () => {
        store.putConfigMap("a", { x: "2" }, moment);
        store.putCredentials("registry", "{}", moment);
        assert.deepEqual(store.configMap("a"), { x: "2" });
        throw new Error("power");
      });
    assert.throws(fail, /power/);
    assert.deepEqual(store.configMap("a"), { x: "1" });
    assert.equal(store.credentials("registry"), null);
  });
}

function credentials(open: Open): void {
  it("keeps credentials under their names, up to 16", (t) => {
    const { store, reopen } = open(t);
    assert.equal(store.credentials("registry"), null);
    for (let i = 0; i < 16; i += 1) assert.equal(store.putCredentials(`r${i}`, `{"auths":{"${i}":{}}}`, moment), true);
    assert.equal(store.putCredentials("r16", "{}", moment), false);
    assert.equal(store.putCredentials("r3", "{}", moment), true);
    assert.equal(store.credentialNames().length, 16);
    store.deleteCredentials("r0");
    const after = reopen();
    assert.equal(after.credentials("r0"), null);
    assert.equal(after.credentials("r1"), '{"auths":{"1":{}}}');
    assert.equal(after.credentials("r3"), "{}");
  });
}
