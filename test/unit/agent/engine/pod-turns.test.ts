import assert from "node:assert/strict";
import { test } from "node:test";
import { createPodTurns } from "../../../../src/agent/engine/pod-turns.ts";
import type { ObservedContainer, ObservedState } from "../../../../src/core/pod/observed.ts";

const running: ObservedState = { kind: "running", startedAt: "2026-01-02T03:04:05Z" };

function containerOf(name: string, state = running, container = "app"): ObservedContainer {
  return {
    id: `${name}-${container}`,
    pod: { namespace: "websocket", name, uid: `uid-${name}` },
    container,
    installId: "install-1",
    attempt: 0,
    generation: 0,
    podHash: "p",
    specHash: "s",
    restartPolicy: "Always",
    state,
    imageId: "sha256:1",
    image: "sha256:1",
  };
}

const keys = (...names: readonly string[]): ReadonlySet<string> => new Set(names.map((name) => `websocket/${name}`));

/** So many pods that the turn of the first few does not come at the next list. */
const pods = Array.from({ length: 40 }, (_, n) => `pod-${n}`);
const allRunning = pods.map((name) => containerOf(name));

test("the first list wakes every pod", () => {
  assert.deepEqual(createPodTurns().next(keys(...pods), allRunning), keys(...pods));
});

test("20 lists without a change wake each pod once", () => {
  const turns = createPodTurns();
  turns.next(keys(...pods), allRunning);
  const woken = Array.from({ length: 20 }, () => [...turns.next(keys(...pods), allRunning)]);
  assert.deepEqual(woken.flat().toSorted(), [...keys(...pods)].toSorted());
  assert.ok(
    woken.every(({ length }) => length === 2),
    "each list wakes its share",
  );
});

const changes: readonly (readonly [string, readonly ObservedContainer[]])[] = [
  ["a container that has started again", [containerOf("a", { kind: "running", startedAt: "2026-01-02T03:05:00Z" })]],
  ["a container that is paused", [containerOf("a", { ...running, paused: true })]],
  ["a container that has been removed", []],
  ["one container more", [containerOf("a"), containerOf("a", running, "other")]],
  ["another address", [{ ...containerOf("a"), ip: "172.17.0.9" }]],
];

for (const [what, now] of changes) {
  test(`a list wakes the pod in which it shows ${what}`, () => {
    const turns = createPodTurns();
    const others = pods.map((name) => containerOf(name));
    const known = keys(...pods, "a");
    turns.next(known, [...others, containerOf("a")]);
    const [first, second] = [turns.next(known, [...others, ...now]), turns.next(known, [...others, containerOf("a")])];
    assert.ok(first.has("websocket/a"));
    assert.ok(second.has("websocket/a"), "and once more when it is as it was");
  });
}

for (const state of [{ kind: "created" }, { kind: "unknown" }] as const) {
  test(`every list wakes a pod with a container that is ${state.kind}`, () => {
    const turns = createPodTurns();
    const ours = [...allRunning, containerOf("a"), containerOf("a", state, "other")];
    for (let list = 0; list < 3; list += 1) assert.ok(turns.next(keys(...pods, "a"), ours).has("websocket/a"));
  });
}

test("every list wakes a pod without containers", () => {
  const turns = createPodTurns();
  for (let list = 0; list < 3; list += 1) assert.ok(turns.next(keys("a"), []).has("websocket/a"));
});

test("the order of a pod's containers in the list is no change", () => {
  const turns = createPodTurns();
  const ofA = [containerOf("a"), containerOf("a", running, "other")];
  const known = keys(...pods, "a");
  turns.next(known, [...allRunning, ...ofA]);
  assert.ok(!turns.next(known, [...allRunning, ...ofA.toReversed()]).has("websocket/a"));
});

test("after a restart of the turns the next list wakes every pod", () => {
  const turns = createPodTurns();
  turns.next(keys(...pods), allRunning);
  turns.restart();
  assert.deepEqual(turns.next(keys(...pods), allRunning), keys(...pods));
});
