import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerHistory } from "../../../../src/core/pod/container-history.ts";
import type { ObservedState } from "../../../../src/core/pod/observed.ts";
import { record } from "../../../../src/core/pod/record.ts";
import {
  acceptedPod,
  ago,
  container,
  desiredPod,
  historyOf,
  now,
  rfc3339,
  running,
  termination,
} from "../../../samples/pods.ts";
import { type PlanGolden, planText } from "./plan-text.ts";

const words = 'OCI runtime create failed: exec: "/no/such/program": stat /no/such/program: no such file or directory';
const createdAt = rfc3339(ago(2_000));
const cannotRun: ObservedState = { kind: "created", startError: words, cannotRun: { exitCode: 127, createdAt } };
const cannotRunEnd = termination(127, { reason: "ContainerCannotRun", message: words });
const pod = acceptedPod();
const never = acceptedPod({ policy: "Never" });
const desired = desiredPod();
const newer = desiredPod({ image: "app:2" });
const here = { app: "sha256:app" };
const context = { now, engineRunId: "s1" };

const goldens: readonly PlanGolden[] = [
  {
    name: "a program that cannot run is started again as after any end",
    situation: {
      desired,
      images: here,
      observed: [container(pod, cannotRun)],
      history: { app: historyOf(pod, { termination: cannotRunEnd, diedAt: ago(1_000) }) },
    },
    expected: "create app, attempt 1, because it ended with code 127\napp waits: ContainerCreating",
  },
  {
    name: "a program that cannot run and was started again waits as in any crash loop",
    situation: {
      desired,
      observed: [container(pod, cannotRun, { attempt: 1 })],
      history: {
        app: historyOf(pod, { attempt: 1, backoffLevel: 1, termination: cannotRunEnd, diedAt: ago(1_000) }),
      },
    },
    expected:
      "app waits: CrashLoopBackOff: back-off 10s restarting failed container=app pod=web_websocket(u1)\nlook again in 9 s",
  },
  {
    name: "a program that cannot run fails its pod under Never",
    situation: {
      desired: desiredPod({ policy: "Never" }),
      observed: [container(acceptedPod({ policy: "Never" }), cannotRun)],
      history: { app: historyOf(acceptedPod({ policy: "Never" }), { termination: cannotRunEnd, diedAt: ago(1_000) }) },
    },
    expected: "",
  },
  {
    name: "a program that cannot run is replaced by an update",
    situation: {
      desired: newer,
      images: here,
      observed: [container(pod, cannotRun)],
      history: { app: historyOf(pod, { termination: cannotRunEnd, diedAt: ago(1_000) }) },
    },
    expected: "create app, attempt 1, because message m2 changes the container\napp waits: ContainerCreating",
  },
];

for (const { name, situation, expected } of goldens) test(name, () => assert.equal(planText(situation), expected));

function app(history: Readonly<Record<string, ContainerHistory>>): ContainerHistory {
  return history["app"] ?? assert.fail("There is a history of app");
}

test("a program that cannot run has ended, with the engine's exit code and the time of its creation", () => {
  const failure = { reason: "RunContainerError", message: words, count: 1, wanted: "w", containerId: null, at: now };
  const before = { app: historyOf(pod, { backoffLevel: 2, failure }) };
  const { history, events } = record(before, [container(pod, cannotRun)], context);
  assert.deepEqual(app(history).termination, {
    containerId: "app-id-of-attempt-0",
    exitCode: 127,
    reason: "ContainerCannotRun",
    message: words,
    startedAt: createdAt,
    finishedAt: createdAt,
    interrupted: false,
  });
  assert.deepEqual([app(history).diedAt, app(history).failure, app(history).backoffLevel], [now, null, 2]);
  assert.deepEqual(events, [
    { type: "Warning", container: "app", reason: "Exited", message: "Exit code 127 (ContainerCannotRun)" },
  ]);
});

test("a program that cannot run is recorded as one end, however often it is listed", () => {
  const first = record({}, [container(never, cannotRun)], context);
  const second = record(first.history, [container(never, cannotRun)], { ...context, engineRunId: "s2" });
  assert.equal(second.history, first.history);
  assert.deepEqual(second.events, []);
});

test("a program that could not run and was started by hand runs, and its failed start is the last state", () => {
  const first = record({}, [container(pod, cannotRun)], context);
  const { history } = record(first.history, [container(pod, running())], context);
  assert.equal(app(history).termination, null);
  assert.equal(app(history).lastTermination?.reason, "ContainerCannotRun");
});
