import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerHistory } from "../../../../src/core/pod/container-history.ts";
import { restartCause } from "../../../../src/core/pod/restart-cause.ts";
import type { Waiting } from "../../../../src/core/pod/situation.ts";
import { podStatus } from "../../../../src/core/pod/status.ts";
import { acceptedPod, ago, container, historyOf, now, running, termination } from "../../../samples/pods.ts";

interface Between {
  readonly history: Partial<ContainerHistory>;
  /** Of the container that is not there yet; absent while it runs. */
  readonly waiting?: Waiting;
  readonly containers?: readonly string[];
}

/** What is said of a pod whose container app is of attempt 1. */
function causeOf({ history, waiting, containers = ["app"] }: Between) {
  const pod = acceptedPod({ containers });
  const others = containers.slice(1);
  const histories = Object.fromEntries([
    ["app", historyOf(pod, { attempt: 1, ...history })],
    ...others.map((name) => [name, historyOf(pod, {}, name)] as const),
  ]);
  const status = podStatus({
    pod,
    acceptedAtWall: ago(60_000).wall,
    history: histories,
    observed: [
      ...(waiting === undefined ? [container(pod, running(), { attempt: 1 })] : []),
      ...others.map((name) => container(pod, running(), { container: name })),
    ],
    waiting: waiting === undefined ? {} : { app: waiting },
    probes: {},
    termination: "none",
    previous: null,
    hostIp: "192.0.2.1",
    nowWall: now.wall,
  });
  return restartCause({ name: "web", status, spec: pod.spec, history: histories, now });
}

const current = (ranMs: number) => ({
  current: { id: "app-id-of-attempt-1", startedAt: null, seenRunning: ago(ranMs), engineRunId: "r" },
});

test("a container that runs between two tries of a crash loop has its last end, the count and the next wait as its cause", () => {
  const lastTermination = termination(3, { message: "first\nno such table: users\n" });
  assert.deepEqual(causeOf({ history: { ...current(5_000), lastTermination, backoffLevel: 3 } }), {
    reason:
      "restarted 3 times in a row, last after: exit code 3: no such table: users; if it ends again, next try 40s after that",
    todo: "See what it printed before it ended: edge logs web --previous",
  });
});

test("a container that is being created again has the same cause", () => {
  const ended = { termination: termination(137, { reason: "OOMKilled" }), backoffLevel: 1 };
  const cause = causeOf({ history: ended, waiting: { reason: "ContainerCreating" } });
  assert.match(cause?.reason ?? "", /^restarted once, last after: OOMKilled \(limit 64Mi\); .* 10s after that$/);
  assert.match(cause?.todo ?? "", /^Raise resources\.limits\.memory in the pod, .*edge logs web --previous$/);
});

test("a container that ended with exit code 0, one of several, is named with the command for its output", () => {
  const history = { ...current(5_000), lastTermination: termination(0), backoffLevel: 2 };
  const cause = causeOf({ history, containers: ["app", "other"] });
  assert.match(cause?.reason ?? "", /^app: restarted 2 times in a row, last after: exit code 0; /);
  assert.match(cause?.todo ?? "", /edge logs web -c app --previous$/);
});

test("no restart is told after a long run, of a first run, or while STATUS tells the crash loop", () => {
  const lastTermination = termination(3);
  assert.equal(causeOf({ history: { ...current(601_000), lastTermination, backoffLevel: 3 } }), null);
  assert.equal(causeOf({ history: { ...current(5_000), lastTermination, backoffLevel: 0 } }), null);
  assert.equal(causeOf({ history: current(5_000) }), null);
  const ended = { termination: termination(3), backoffLevel: 3 };
  assert.equal(causeOf({ history: ended, waiting: { reason: "CrashLoopBackOff" } }), null);
});

test("a container that a reboot has ended has no cause", () => {
  const lastTermination = termination(255, { interrupted: true });
  assert.equal(causeOf({ history: { ...current(5_000), lastTermination, backoffLevel: 1 } }), null);
});
