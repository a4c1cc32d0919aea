import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerHistory, PodHistory } from "../../../../src/core/pod/container-history.ts";
import type { ObservedContainer } from "../../../../src/core/pod/observed.ts";
import type { PodStatus } from "../../../../src/core/pod/pod-status.ts";
import type { Waiting } from "../../../../src/core/pod/situation.ts";
import type { RestartPolicy } from "../../../../src/core/pod/spec.ts";
import { podStatus, type StatusInput, sameStatus } from "../../../../src/core/pod/status.ts";
import { summarize } from "../../../../src/core/pod/summary.ts";
import {
  acceptedPod,
  ago,
  container,
  exited,
  historyOf,
  now,
  rfc3339,
  running,
  termination,
} from "../../../samples/pods.ts";

function status(input: Partial<StatusInput> = {}): PodStatus {
  const pod = acceptedPod();
  const none = { history: {}, observed: [], waiting: {}, probes: {}, termination: "none", previous: null } as const;
  return podStatus({
    pod,
    acceptedAtWall: ago(60_000).wall,
    ...none,
    hostIp: "192.0.2.1",
    nowWall: now.wall,
    ...input,
  });
}

test("the status of a running pod has every field of the Pod Status document", () => {
  const pod = acceptedPod();
  const history = {
    app: historyOf(pod, {
      pinnedImage: { name: "app:1", id: "sha256:app", digest: "registry/app@sha256:d", pulledFor: "" },
    }),
  };
  const condition = (type: string) => ({
    type,
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: "2026-11-22T12:00:00Z",
  });
  assert.deepEqual(status({ history, observed: [container(pod, running(), { ip: "172.17.0.2" })] }), {
    phase: "Running",
    conditions: ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map(condition),
    hostIP: "192.0.2.1",
    podIP: "172.17.0.2",
    podIPs: [{ ip: "172.17.0.2" }],
    startTime: "2026-11-22T11:59:00Z",
    qosClass: "Burstable",
    containerStatuses: [
      {
        name: "app",
        state: { running: { startedAt: "2026-11-22T11:59:30Z" } },
        lastState: {},
        ready: true,
        started: true,
        restartCount: 0,
        image: "app:1",
        imageID: "docker-pullable://registry/app@sha256:d",
        containerID: "docker://app-id-of-attempt-0",
      },
    ],
  });
});

interface Given {
  readonly policy?: RestartPolicy;
  readonly history?: Parameters<typeof historyOf>[1];
  readonly observed?: ObservedContainer["state"];
  readonly waiting?: Waiting;
  readonly termination?: StatusInput["termination"];
  readonly before?: PodStatus["phase"];
}

/** Expected: phase; Ready condition with its reason; what `kubectl get pod` prints: READY STATUS RESTARTS. */
function row(name: string, given: Given, expected: string) {
  return { name, given, expected };
}

/** A container of this attempt that ended with this code. */
function ended(code: number, attempt = 0): Given {
  return { history: { attempt, termination: termination(code) }, observed: exited(code) };
}

const crash = { reason: "CrashLoopBackOff", message: "back-off 10s" };

/** Sources: kubelet_pods.go getPhase, status/generate.go, printers/internalversion printPod. */
const rows = [
  row("just accepted", {}, "Pending; False ContainersNotReady; 0/1 ContainerCreating 0"),
  row(
    "a pod whose image cannot be pulled is Pending",
    { waiting: { reason: "ImagePullBackOff", message: "Back-off" } },
    "Pending; False ContainersNotReady; 0/1 ImagePullBackOff 0",
  ),
  row("it runs", { observed: running() }, "Running; True; 1/1 Running 0"),
  row(
    "a pod under Always that waits after a crash stays Running",
    { ...ended(1, 2), waiting: crash },
    "Running; False ContainersNotReady; 0/1 CrashLoopBackOff 2",
  ),
  row("Always, dead, its next attempt not made yet", ended(0), "Running; False ContainersNotReady; 0/1 Completed 0"),
  row("Never, ended well", { policy: "Never", ...ended(0) }, "Succeeded; False PodCompleted; 0/1 Completed 0"),
  row(
    "a pod under Never that an update runs again never turns to Failed",
    {
      policy: "Never",
      history: { attempt: 1, lastTermination: termination(0) },
      waiting: { reason: "ContainerCreating" },
    },
    "Pending; False ContainersNotReady; 0/1 ContainerCreating 1",
  ),
  row("Never, ended badly", { policy: "Never", ...ended(3) }, "Failed; False PodFailed; 0/1 Error 0"),
  row(
    "a pod under Never that ran out of memory is Failed",
    {
      policy: "Never",
      history: { termination: termination(137, { reason: "OOMKilled" }) },
      observed: exited(137, ago(1_000), true),
    },
    "Failed; False PodFailed; 0/1 OOMKilled 0",
  ),
  row("OnFailure, ended well", { policy: "OnFailure", ...ended(0) }, "Succeeded; False PodCompleted; 0/1 Completed 0"),
  row(
    "a pod under OnFailure that waits after a failure stays Running",
    { policy: "OnFailure", ...ended(1, 1), waiting: crash },
    "Running; False ContainersNotReady; 0/1 CrashLoopBackOff 1",
  ),
  row(
    "a deleted pod that still runs keeps its phase",
    { observed: running(), termination: "terminating", before: "Running" },
    "Running; True; 1/1 Running 0",
  ),
  row(
    "a deleted pod that ended with 0 is Succeeded",
    { history: { termination: termination(0) }, termination: "terminated", before: "Running" },
    "Succeeded; False PodCompleted; 0/1 Completed 0",
  ),
  row(
    "a deleted pod that was killed after its grace period is Failed",
    { history: { termination: termination(137) }, termination: "terminated", before: "Running" },
    "Failed; False PodFailed; 0/1 Error 0",
  ),
  row(
    "a pod that was deleted before it ran is Failed",
    { termination: "terminated", before: "Pending" },
    "Failed; False PodFailed; 0/1 ContainerStatusUnknown 0",
  ),
];

for (const { name, given, expected } of rows) {
  test(name, () => {
    const pod = acceptedPod({ policy: given.policy ?? "Always" });
    const history: PodHistory = { app: historyOf(pod, given.history ?? {}) };
    const attempt = history.app?.attempt ?? 0;
    const observed = given.observed === undefined ? [] : [container(pod, given.observed, { attempt })];
    const previous = given.before === undefined ? null : { ...status(), phase: given.before };
    const waiting = given.waiting === undefined ? {} : { app: given.waiting };
    const is = status({ pod, history, observed, waiting, termination: given.termination ?? "none", previous });
    const ready = is.conditions.find((one) => one.type === "Ready");
    const { ready: count, status: text, restarts } = summarize(is, false);
    const readyText = ready?.reason === undefined ? ready?.status : `${ready.status} ${ready.reason}`;
    assert.equal(`${is.phase}; ${readyText}; ${count} ${text} ${restarts}`, expected);
  });
}

test("a pod with a completed container is NotReady while another one runs, ready or not", () => {
  const pod = acceptedPod({ policy: "OnFailure", containers: ["job", "server"] });
  const usual = { lastState: {}, started: true, restartCount: 0, image: "app:1", imageID: "" };
  const completed = { exitCode: 0, reason: "Completed", startedAt: null, finishedAt: null };
  for (const ready of [true, false]) {
    const job = { ...usual, name: "job", ready: false, state: { terminated: completed } };
    const server = { ...usual, name: "server", ready, state: { running: { startedAt: "2026-11-22T11:59:30Z" } } };
    const shown = summarize({ ...status({ pod }), phase: "Running", containerStatuses: [job, server] }, false);
    assert.deepEqual([shown.ready, shown.status], [ready ? "1/2" : "0/2", "NotReady"]);
  }
});

test("a crash keeps how it ended in lastState", () => {
  const pod = acceptedPod();
  const history = { app: historyOf(pod, { attempt: 1, termination: termination(2) }) };
  const [first] = status({
    history,
    observed: [container(pod, exited(2), { attempt: 1 })],
    waiting: { app: crash },
  }).containerStatuses;
  assert.deepEqual(first?.state, { waiting: crash });
  assert.deepEqual(first?.lastState.terminated, {
    exitCode: 2,
    reason: "Error",
    startedAt: "2026-11-22T11:59:30Z",
    finishedAt: "2026-11-22T11:59:59Z",
    containerID: "docker://app-id-of-attempt-0",
  });
});

test("a condition keeps its time until its status moves", () => {
  const pod = acceptedPod();
  const before = status({ nowWall: ago(50_000).wall });
  const same = status({ previous: before });
  assert.deepEqual(same.conditions, before.conditions);
  const moved = status({ previous: before, observed: [container(pod, running())] });
  assert.equal(moved.conditions.find((one) => one.type === "Ready")?.lastTransitionTime, "2026-11-22T12:00:00Z");
  assert.equal(
    moved.conditions.find((one) => one.type === "PodScheduled")?.lastTransitionTime,
    rfc3339(ago(50_000)).replace(".000Z", "Z"),
  );
  assert.ok(sameStatus(before, same));
  assert.ok(!sameStatus(before, moved));
  assert.equal(moved.startTime, before.startTime);
});

test("a deleted pod that is not gone is called Terminating", () => {
  const pod = acceptedPod();
  assert.equal(summarize(status({ observed: [container(pod, running())] }), true).status, "Terminating");
});

test("a pod in the host's network has the address of the host", () => {
  const plain = acceptedPod();
  const pod = { ...plain, spec: { ...plain.spec, hostNetwork: true } };
  assert.equal(status({ pod, observed: [container(pod, running())] }).podIP, "192.0.2.1");
  assert.equal(status({ pod }).podIP, "192.0.2.1", "before anything runs");
});

test("containerStatuses are ordered by name", () => {
  const pod = acceptedPod({ containers: ["web", "app", "proxy"] });
  const names = status({ pod }).containerStatuses.map(({ name }) => name);
  assert.deepEqual(names, ["app", "proxy", "web"]);
});

const first = { name: "app:1", id: "sha256:one", digest: "registry/app@sha256:1", pulledFor: "" };
const second = { name: "app:2", id: "sha256:two", digest: "registry/app@sha256:2", pulledFor: "" };

/** A pod that is to run app:2 and whose container was made from app:1. */
function imageWhileUpdated(history: Partial<ContainerHistory>): readonly (string | undefined)[] {
  const before = acceptedPod({ image: "app:1" });
  const pod = acceptedPod({ image: "app:2" });
  const observed = [container(before, running(), { imageId: "sha256:one" })];
  const [one] = status({ pod, history: { app: historyOf(before, history) }, observed }).containerStatuses;
  return [one?.image, one?.imageID];
}

test("image and imageID are those of the container that runs, not of an update that waits for its image", () => {
  assert.deepEqual(imageWhileUpdated({ madeFrom: first, pinnedImage: first }), [
    "app:1",
    "docker-pullable://registry/app@sha256:1",
  ]);
  assert.deepEqual(imageWhileUpdated({ madeFrom: first, pinnedImage: second }), [
    "app:1",
    "docker-pullable://registry/app@sha256:1",
  ]);
});

test("a container of an earlier version shows the id of its image while an update waits", () => {
  assert.deepEqual(imageWhileUpdated({ pinnedImage: second }), ["sha256:one", "docker://sha256:one"]);
});

test("a restarted pod shows when its container last ended, as RESTARTS of kubectl does", () => {
  const pod = acceptedPod();
  const restarted = (attempt: number, lastTermination: ContainerHistory["lastTermination"]) => {
    const history = { app: historyOf(pod, { attempt, lastTermination }) };
    const { restarts, lastRestart } = summarize(
      status({ history, observed: [container(pod, running(), { attempt })] }),
      false,
    );
    return [restarts, lastRestart];
  };
  assert.deepEqual(restarted(5, termination(1)), [5, "2026-11-22T11:59:59Z"]);
  assert.deepEqual(restarted(0, null), [0, null]);
  assert.deepEqual(restarted(5, null), [5, null]);
});
