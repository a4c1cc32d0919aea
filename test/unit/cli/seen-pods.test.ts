import assert from "node:assert/strict";
import { test } from "node:test";
import { seenPods, storedPods } from "../../../src/cli/seen-pods.ts";
import type { ObservedContainer } from "../../../src/core/pod/observed.ts";
import { podRows } from "../../../src/core/status-document.ts";
import { memoryStore } from "../../fakes/store.ts";
import { container, desiredPod, exited, historyOf, now, running } from "../../samples/pods.ts";

/** A device whose agent ended while its pod ran. */
function leftBehind() {
  const store = memoryStore();
  const desired = desiredPod();
  const { pod } = desired;
  const alive = container(pod, running());
  store.desiredPods.put(desired);
  const before = { containers: [alive], engineRunId: "r", now };
  const { statuses } = seenPods(store, before);
  store.statuses.put(pod.id, statuses[0]?.status);
  const current = { id: alive.id, startedAt: "2026-11-22T11:59:30Z", seenRunning: now, engineRunId: "r" };
  store.histories.put(pod.id.uid, { app: historyOf(pod, { current }) });
  const rowsOf = (containers: readonly ObservedContainer[]) => {
    const facts = seenPods(store, { ...before, containers });
    return podRows({ ...facts, unready: new Map(), stopping: new Map(), unseen: null, now });
  };
  return { store, pod, alive, rowsOf };
}

test("with the agent dead, a container that runs is shown running", () => {
  const { alive, rowsOf } = leftBehind();
  assert.deepEqual(
    rowsOf([alive]).map(({ status, ready, reason }) => [status, ready, reason]),
    [["Running", "1/1", null]],
  );
});

test("with the agent dead, a container that has ended meanwhile is shown with its end", () => {
  const { pod, rowsOf, store } = leftBehind();
  const writes = store.writes();
  const rows = rowsOf([container(pod, exited(137, now, true))]);
  assert.deepEqual(
    rows.map(({ status, ready, reason }) => [status, ready, reason]),
    [["OOMKilled", "0/1", "OOMKilled (limit 64Mi)"]],
  );
  assert.equal(store.writes(), writes, "nothing is saved");
});

test("with the agent dead, a container that is gone is not shown running", () => {
  const [row] = leftBehind().rowsOf([]);
  assert.deepEqual([row?.status, row?.ready], ["ContainerStatusUnknown", "0/1"]);
  assert.match(row?.reason ?? "", /could not be located/);
});

test("with neither agent nor engine, a pod is shown as last seen", () => {
  const { store } = leftBehind();
  const unseen = { since: "2026-11-22T12:00:00Z" };
  const [row] = podRows({ ...storedPods(store), unready: new Map(), stopping: new Map(), unseen, now });
  assert.deepEqual(
    [row?.status, row?.ready, row?.reason, row?.lastSeen],
    ["Unknown", "0/1", "Running, 1/1 ready, as last seen at 2026-11-22T12:00:00Z", unseen.since],
  );
});
