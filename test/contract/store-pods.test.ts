import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { desired, history, pod, repeat, terminating } from "./store-samples.ts";
import { type Open, stores } from "./store-subjects.ts";

for (const [name, open] of stores) {
  describe(`a store ${name}`, () => {
    pods(open);
    records(open);
    npus(open);
  });
}

function pods(open: Open): void {
  it("keeps one desired pod per namespace and name, sorted", (t) => {
    const { store } = open(t);
    assert.equal(store.desiredPods.get("websocket", "a"), null);
    const second = { ...desired("a"), pod: { ...pod("a"), id: { ...pod("a").id, namespace: "other" } } };
    for (const one of [desired("b"), desired("a"), second]) store.desiredPods.put(one);
    assert.deepEqual(store.desiredPods.list(), [second, desired("a"), desired("b")]);
    store.desiredPods.put(desired("b", { generation: 4, request: "message m9" }));
    assert.deepEqual(store.desiredPods.get("websocket", "b"), desired("b", { generation: 4, request: "message m9" }));
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

  it("numbers terminating pods and never reuses a number", (t) => {
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

  it("keeps one status per pod, sorted", (t) => {
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

  it("returns copies", (t) => {
    const { store } = open(t);
    const status = { phase: "Running" };
    store.statuses.put(pod("a").id, status);
    status.phase = "Failed";
    assert.deepEqual(store.statuses.get("uid-a")?.status, { phase: "Running" });
  });

  it("returns the last replies for repeated messages", (t) => {
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

  it("keeps 1,024 replies and 256 deleted uids by default", (t) => {
    const { store } = open(t);
    store.transaction("normal", () => {
      for (let i = 0; i < 1_025; i += 1) store.replies.remember(repeat(String(i)), "OK");
      for (let i = 0; i < 257; i += 1) store.deletedPods.remember(String(i), "1");
    });
    assert.deepEqual([store.replies.repeated(repeat("0")), store.replies.repeated(repeat("1"))], [null, "OK"]);
    assert.deepEqual([store.deletedPods.version("0"), store.deletedPods.version("1")], [null, "1"]);
  });
}

function npus(open: Open): void {
  const a = { namespace: "websocket", name: "a", uid: "uid-a" };
  const b = { namespace: "websocket", name: "b", uid: "uid-b" };

  it("lists the holders of NPUs by number, also after a restart", (t) => {
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

  it("replaces the NPUs of a container", (t) => {
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

  it("rejects a second holder of an NPU and changes nothing", (t) => {
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
