import assert from "node:assert/strict";
import { test } from "node:test";
import { createEventRecorder } from "../../../../src/agent/event-recorder.ts";
import { type ReconcilePass, recordOutcome } from "../../../../src/agent/pods/action-outcome.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { memoryStore } from "../../../fakes/store.ts";
import { desiredPod, historyOf } from "../../../samples/pods.ts";

function setUp() {
  const store = memoryStore();
  const clock = virtualClock();
  const log = { write: () => {} };
  return { store, clock, log, events: createEventRecorder({ store, clock, log }) };
}

test("a container that was killed just after its start keeps why for its end", () => {
  const parts = setUp();
  const { store } = parts;
  const desired = desiredPod();
  const { id } = desired.pod;
  const current = { id: "c1", startedAt: null, seenRunning: null, engineRunId: null };
  store.histories.put(id.uid, { app: historyOf(desired.pod, { current }) });
  const turn: ReconcilePass = { namespace: id.namespace, name: id.name, images: new Map() };
  const subject = { desired, history: store.histories.get(id.uid) };
  const failed = {
    kind: "failed",
    reason: "GroupsDiffer",
    message: "groups",
    containerId: "c1",
    isKilled: true,
  } as const;
  recordOutcome(parts, turn, subject, { kind: "start", container: "app", id: "c1", because: "it is new" }, failed);
  const kept = store.histories.get(id.uid)["app"]?.current;
  assert.deepEqual([kept?.stoppedBecause, kept?.killedAs], ["groups", "GroupsDiffer"]);
});

test("a warning of the engine is reported once for a container, however often it is created", () => {
  const parts = setUp();
  const { store } = parts;
  const desired = desiredPod();
  const { id } = desired.pod;
  const turn: ReconcilePass = { namespace: id.namespace, name: id.name, images: new Map() };
  store.histories.put(id.uid, { app: historyOf(desired.pod), side: historyOf(desired.pod) });
  const make = (container: string, ...warnings: readonly string[]): void => {
    const made = { attempt: 0, backoffLevel: 0, sandboxId: null, because: "the pod is new" };
    const subject = { desired, history: store.histories.get(id.uid) };
    const outcome = { kind: "done", warnings, change: null } as const;
    assert.equal(recordOutcome(parts, turn, subject, { kind: "create", npus: [], container, ...made }, outcome), true);
  };
  const told = (container: string) => store.histories.get(id.uid)[container]?.warnings ?? [];
  make("app", "no swap", "no blkio");
  assert.deepEqual(told("app"), ["no swap", "no blkio"]);
  const before = JSON.stringify(store.histories.get(id.uid));
  make("app", "no blkio");
  assert.equal(JSON.stringify(store.histories.get(id.uid)), before, "nothing new, nothing written");
  make("side", "no swap");
  assert.deepEqual(told("side"), ["no swap"], "another container's is another");
  for (let n = 0; n < 20; n += 1) make("app", `warning ${n}`);
  assert.equal(told("app").length, 16);
  const events = store.events.list({ after: 0, limit: 100 }).filter(({ reason }) => reason === "EngineWarning");
  assert.equal(events.length, 2 + 1 + 20);
});

test("a start that is tried again at once is no warning until it fails a second time", () => {
  const parts = setUp();
  const { store } = parts;
  const desired = desiredPod();
  const { id } = desired.pod;
  const pass: ReconcilePass = { namespace: id.namespace, name: id.name, images: new Map() };
  const failed = { kind: "failed", reason: "OomScoreRefused", message: "EOF", containerId: "c1" } as const;
  for (let round = 0; round < 2; round += 1) {
    const subject = { desired, history: store.histories.get(id.uid) };
    recordOutcome(parts, pass, subject, { kind: "start", container: "app", id: "c1", because: "it is new" }, failed);
  }
  assert.deepEqual(
    store.events.list({ after: 0, limit: 100 }).map(({ type, message }) => `${type} ${message}`),
    ["Normal EOF; the agent tries again at once, in another way", "Warning EOF"],
  );
});
