import assert from "node:assert/strict";
import { test } from "node:test";
import { podHash, sandboxName } from "../../../../src/core/pod/identity.ts";
import type { ObservedContainer, ObservedState } from "../../../../src/core/pod/observed.ts";
import { record } from "../../../../src/core/pod/record.ts";
import { podStatus, type StatusInput } from "../../../../src/core/pod/status.ts";
import {
  acceptedPod,
  ago,
  container,
  desiredPod,
  exited,
  historyOf,
  now,
  rfc3339,
  running,
  terminatingPod,
  termination,
} from "../../../samples/pods.ts";
import { planText } from "./plan-text.ts";

const unknown: ObservedState = { kind: "unknown" };
const pod = acceptedPod();
const desired = desiredPod();
const again = "look again in 5 s";
const current = { id: "app-id-of-attempt-0", startedAt: rfc3339(ago(30_000)), seenRunning: null, engineRunId: "s1" };
const images = { app: "sha256:app", a: "sha256:app", b: "sha256:app", POD: "sha256:pause" };

function statusOf(observed: readonly ObservedContainer[], history: StatusInput["history"]) {
  const none = { waiting: {}, probes: {}, termination: "none", previous: null, hostIp: "192.0.2.1" } as const;
  return podStatus({ pod, acceptedAtWall: ago(60_000).wall, history, observed, nowWall: now.wall, ...none });
}

test("a container that the engine does not answer about is left alone", () => {
  const observed = [container(pod, unknown)];
  assert.equal(planText({ desired, observed, history: { app: historyOf(pod, { current }) } }), again);
  assert.equal(planText({ desired, observed }), again);
  const ended = { app: historyOf(pod, { termination: termination(1), diedAt: ago(400_000) }) };
  assert.equal(planText({ desired, observed, history: ended, images }), again);
  assert.equal(planText({ desired: desiredPod({ image: "app:2" }), observed, images }), again);
});

test("a pod that is deleted waits for a container that the engine does not answer about, and for no other", () => {
  const two = acceptedPod({ containers: ["a", "b"] });
  const its = [container(two, unknown, { container: "a" }), container(two, running(), { container: "b" })];
  const terminating = [terminatingPod("deleted", { containers: ["a", "b"] })];
  assert.match(planText({ terminating, observed: its }), /^stop b .*\nlook again in 5 s$/);
  const ended = [container(two, unknown, { container: "a" }), container(two, exited(0), { container: "b" })];
  assert.match(planText({ terminating, observed: ended }), /^remove b .*\nlook again in 5 s$/);
  assert.equal(planText({ terminating, observed: ended.slice(0, 1) }), again);
});

test("a container beside one that the engine does not answer about is restarted", () => {
  const containers = ["a", "b"];
  const two = acceptedPod({ containers });
  const hash = podHash(two.spec);
  const sandbox = container(two, running(), { container: sandboxName, podHash: hash, specHash: hash });
  const sandboxId = sandbox.id;
  const dead = historyOf(two, { termination: termination(1), diedAt: ago(60_000) }, "b");
  const situation = {
    desired: desiredPod({ containers }),
    observed: [
      sandbox,
      container(two, unknown, { container: "a", sandboxId }),
      container(two, exited(1), { container: "b", sandboxId }),
    ],
    history: { a: historyOf(two, {}, "a"), b: dead },
    images,
  };
  assert.match(planText(situation), /^create b, attempt 1/);
});

test("a sandbox that the engine does not answer about keeps its containers, and no container joins it", () => {
  const containers = ["a", "b"];
  const two = acceptedPod({ containers });
  const hash = podHash(two.spec);
  const sandbox = container(two, unknown, { container: sandboxName, podHash: hash, specHash: hash });
  const sandboxId = sandbox.id;
  const observed = [
    sandbox,
    container(two, running(), { container: "a", sandboxId }),
    container(two, exited(1), { container: "b", sandboxId }),
  ];
  const history = record({}, observed, { now, engineRunId: "s1" }).history;
  assert.equal(history["a"]?.termination, null);
  assert.equal(
    planText({ desired: desiredPod({ containers }), observed, history, images }),
    "b waits: ContainerCreating: The engine does not answer about a container of the pod\nlook again in 5 s",
  );
});

test("the record of a container stays while the engine does not answer about it", () => {
  const history = { app: historyOf(pod, { current }) };
  const recorded = record(history, [container(pod, unknown)], { now, engineRunId: "s2" });
  assert.equal(recorded.history, history);
  assert.deepEqual(recorded.events, []);
  assert.deepEqual(record({}, [container(pod, unknown)], { now, engineRunId: "s2" }).history, {});
});

test("the status names a container that the engine does not answer about and shows it as last known", () => {
  const status = statusOf([container(pod, unknown)], { app: historyOf(pod, { current }) });
  assert.equal(status.phase, "Running");
  assert.equal(status.reason, "ContainerStatusUnknown");
  assert.match(status.message ?? "", /^Container app \(app-id-of-at\): the engine does not answer about it/);
  assert.deepEqual(status.containerStatuses[0]?.state, { running: { startedAt: "2026-11-22T11:59:30Z" } });
  const ended = { app: historyOf(pod, { termination: termination(3, { containerId: current.id }) }) };
  assert.equal(statusOf([container(pod, unknown)], ended).containerStatuses[0]?.state.terminated?.exitCode, 3);
  const none = statusOf([container(pod, unknown)], {});
  assert.deepEqual(none.containerStatuses[0]?.state, { waiting: { reason: "ContainerStatusUnknown" } });
});

test("a container paused by hand is Running and not ready, and the status names it", () => {
  const paused: ObservedState = { kind: "running", startedAt: rfc3339(ago(30_000)), paused: true };
  const history = { app: historyOf(pod, { current }) };
  const status = statusOf([container(pod, paused)], history);
  assert.equal(status.phase, "Running");
  assert.equal(status.conditions[1]?.status, "False");
  assert.equal(status.reason, "ContainerPaused");
  assert.match(status.message ?? "", /^Container app \(app-id-of-at\): it was paused by hand/);
  assert.equal(planText({ desired, observed: [container(pod, paused)], history }), "");
  assert.equal(statusOf([container(pod, running())], history).reason, undefined);
});
