import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObservedState } from "../../../../src/core/pod/observed.ts";
import type { PodStatus } from "../../../../src/core/pod/pod-status.ts";
import type { Waiting } from "../../../../src/core/pod/situation.ts";
import type { Probe, RestartPolicy } from "../../../../src/core/pod/spec.ts";
import { podStatus, type StatusInput } from "../../../../src/core/pod/status.ts";
import { acceptedPod, ago, container, exited, historyOf, now, running, termination } from "../../../samples/pods.ts";

/** What a kubelet reports of a pod of one container, `app`, in one situation. */
interface Situation {
  readonly name: string;
  /** Where Kubernetes decides it, below pkg/kubelet. */
  readonly source: string;
  readonly policy?: RestartPolicy;
  readonly readiness?: "none yet" | "good" | "bad";
  readonly history?: Parameters<typeof historyOf>[1];
  readonly state?: ObservedState;
  readonly waiting?: Waiting;
  readonly leaving?: StatusInput["leaving"];
  readonly expected: string;
}

const probe = {
  exec: { command: ["/bin/check"] },
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
} as const satisfies Probe;
const verdicts = { "none yet": null, good: true, bad: false } as const;

function statusOf({
  policy = "Always",
  readiness,
  history = {},
  state,
  waiting,
  leaving = "no",
}: Situation): PodStatus {
  const plain = acceptedPod({ policy });
  const containers = plain.spec.containers.map((one) =>
    readiness === undefined ? one : { ...one, readinessProbe: probe },
  );
  const pod = { ...plain, spec: { ...plain.spec, containers } };
  const app = historyOf(pod, history);
  const observed = state === undefined ? [] : [container(pod, state, { attempt: app.attempt, ip: "172.17.0.2" })];
  const [id = ""] = observed.map((one) => one.id);
  return podStatus({
    ...{ pod, acceptedAtWall: ago(60_000).wall, history: { app }, observed, leaving, previous: null },
    waiting: waiting === undefined ? {} : { app: waiting },
    probes: readiness === undefined ? {} : { [id]: { ready: verdicts[readiness], live: true, why: "" } },
    ...{ hostIp: "192.0.2.1", nowWall: now.wall },
  });
}

/** Every field, one line each; what is absent has no line. */
function lines(value: unknown, path = ""): readonly string[] {
  if (typeof value !== "object" || value === null) return [`${path} = ${String(value)}`];
  const entries = Object.entries(value);
  if (entries.length === 0) return [`${path} = {}`];
  return entries.flatMap(([name, item]) => {
    const key = typeof item?.type === "string" ? item.type : (item?.name ?? name);
    return lines(item, path === "" ? key : `${path}.${key}`);
  });
}

/** What says the same of every pod is compared once, below. */
const always = [
  /^conditions\.\w+\.(type|lastProbeTime|lastTransitionTime) /,
  /^conditions\.(Initialized|PodScheduled|ContainersReady)\./,
  /^(hostIP|startTime|qosClass|podIPs\S*) /,
  /\.(name|image|imageID) /,
];

const situations: readonly Situation[] = [
  {
    name: "accepted, nothing made yet",
    source: "kubelet_pods.go getPhase and convertToAPIContainerStatuses: ContainerCreating",
    expected: `
      phase = Pending
      Ready.status = False
      Ready.reason = ContainersNotReady
      Ready.message = containers with unready status: [app]
      app.state.waiting.reason = ContainerCreating
      app.lastState = {}
      app.ready = false
      app.started = false
      app.restartCount = 0
    `,
  },
  {
    name: "its image cannot be pulled",
    source: "images/types.go ErrImagePull",
    waiting: { reason: "ErrImagePull", message: "no such image" },
    expected: `
      phase = Pending
      Ready.status = False
      Ready.reason = ContainersNotReady
      Ready.message = containers with unready status: [app]
      app.state.waiting.reason = ErrImagePull
      app.state.waiting.message = no such image
      app.lastState = {}
      app.ready = false
      app.started = false
      app.restartCount = 0
    `,
  },
  {
    name: "the pull waits",
    source: "images/types.go ErrImagePullBackOff",
    waiting: { reason: "ImagePullBackOff", message: "Back-off pulling" },
    expected: `
      phase = Pending
      Ready.status = False
      Ready.reason = ContainersNotReady
      Ready.message = containers with unready status: [app]
      app.state.waiting.reason = ImagePullBackOff
      app.state.waiting.message = Back-off pulling
      app.lastState = {}
      app.ready = false
      app.started = false
      app.restartCount = 0
    `,
  },
  {
    name: "the container cannot be configured",
    source: "kuberuntime/kuberuntime_container.go ErrCreateContainerConfig",
    waiting: { reason: "CreateContainerConfigError", message: "container has runAsNonRoot and image will run as root" },
    expected: `
      phase = Pending
      Ready.status = False
      Ready.reason = ContainersNotReady
      Ready.message = containers with unready status: [app]
      app.state.waiting.reason = CreateContainerConfigError
      app.state.waiting.message = container has runAsNonRoot and image will run as root
      app.lastState = {}
      app.ready = false
      app.started = false
      app.restartCount = 0
    `,
  },
  {
    name: "the container cannot be started",
    source: "container/sync_result.go ErrRunContainer",
    state: { kind: "created", startError: "no such file" },
    waiting: { reason: "RunContainerError", message: "no such file" },
    expected: `
      phase = Pending
      Ready.status = False
      Ready.reason = ContainersNotReady
      Ready.message = containers with unready status: [app]
      app.state.waiting.reason = RunContainerError
      app.state.waiting.message = no such file
      app.lastState = {}
      app.ready = false
      app.started = false
      app.restartCount = 0
      app.containerID = docker://app-id-of-attempt-0
    `,
  },
  {
    name: "it runs, without probes",
    source: "prober/prober_manager.go UpdatePodStatus",
    state: running(),
    expected: `
      phase = Running
      Ready.status = True
      podIP = 172.17.0.2
      app.state.running.startedAt = 2026-11-22T11:59:30Z
      app.lastState = {}
      app.ready = true
      app.started = true
      app.restartCount = 0
      app.containerID = docker://app-id-of-attempt-0
    `,
  },
  {
    name: "it runs, and was not asked yet whether it is ready",
    source: "prober/prober_manager.go UpdatePodStatus",
    readiness: "none yet",
    state: running(),
    expected: `
      phase = Running
      Ready.status = False
      Ready.reason = ContainersNotReady
      Ready.message = containers with unready status: [app]
      podIP = 172.17.0.2
      app.state.running.startedAt = 2026-11-22T11:59:30Z
      app.lastState = {}
      app.ready = false
      app.started = true
      app.restartCount = 0
      app.containerID = docker://app-id-of-attempt-0
    `,
  },
  {
    name: "it runs and says that it is ready",
    source: "prober/prober_manager.go UpdatePodStatus",
    readiness: "good",
    state: running(),
    expected: `
      phase = Running
      Ready.status = True
      podIP = 172.17.0.2
      app.state.running.startedAt = 2026-11-22T11:59:30Z
      app.lastState = {}
      app.ready = true
      app.started = true
      app.restartCount = 0
      app.containerID = docker://app-id-of-attempt-0
    `,
  },
  {
    name: "it runs and says that it is not ready",
    source: "status/generate.go GenerateContainersReadyCondition",
    readiness: "bad",
    state: running(),
    expected: `
      phase = Running
      Ready.status = False
      Ready.reason = ContainersNotReady
      Ready.message = containers with unready status: [app]
      podIP = 172.17.0.2
      app.state.running.startedAt = 2026-11-22T11:59:30Z
      app.lastState = {}
      app.ready = false
      app.started = true
      app.restartCount = 0
      app.containerID = docker://app-id-of-attempt-0
    `,
  },
  {
    name: "it crashed and waits",
    source:
      "kuberuntime/kuberuntime_manager.go doBackOff; getPhase: a waiting container with a last state counts as stopped",
    history: { attempt: 2, termination: termination(1) },
    state: exited(1),
    waiting: { reason: "CrashLoopBackOff", message: "back-off 20s" },
    expected: `
      phase = Running
      Ready.status = False
      Ready.reason = ContainersNotReady
      Ready.message = containers with unready status: [app]
      app.state.waiting.reason = CrashLoopBackOff
      app.state.waiting.message = back-off 20s
      app.lastState.terminated.exitCode = 1
      app.lastState.terminated.reason = Error
      app.lastState.terminated.startedAt = 2026-11-22T11:59:30Z
      app.lastState.terminated.finishedAt = 2026-11-22T11:59:59Z
      app.lastState.terminated.containerID = docker://app-id-of-attempt-0
      app.ready = false
      app.started = false
      app.restartCount = 2
      app.containerID = docker://app-id-of-attempt-2
    `,
  },
  {
    name: "it crashed and runs again",
    source: "kubelet_pods.go convertToAPIContainerStatuses: lastState",
    history: { attempt: 1, lastTermination: termination(1) },
    state: running(),
    expected: `
      phase = Running
      Ready.status = True
      podIP = 172.17.0.2
      app.state.running.startedAt = 2026-11-22T11:59:30Z
      app.lastState.terminated.exitCode = 1
      app.lastState.terminated.reason = Error
      app.lastState.terminated.startedAt = 2026-11-22T11:59:30Z
      app.lastState.terminated.finishedAt = 2026-11-22T11:59:59Z
      app.lastState.terminated.containerID = docker://app-id-of-attempt-0
      app.ready = true
      app.started = true
      app.restartCount = 1
      app.containerID = docker://app-id-of-attempt-1
    `,
  },
  {
    name: "it used up its memory, under Never",
    source: "kubelet_pods.go getPhase; the runtime says OOMKilled",
    policy: "Never",
    history: { termination: termination(137, { reason: "OOMKilled" }) },
    state: exited(137, ago(1_000), true),
    expected: `
      phase = Failed
      Ready.status = False
      Ready.reason = PodFailed
      app.state.terminated.exitCode = 137
      app.state.terminated.reason = OOMKilled
      app.state.terminated.startedAt = 2026-11-22T11:59:30Z
      app.state.terminated.finishedAt = 2026-11-22T11:59:59Z
      app.state.terminated.containerID = docker://app-id-of-attempt-0
      app.lastState = {}
      app.ready = false
      app.started = false
      app.restartCount = 0
      app.containerID = docker://app-id-of-attempt-0
    `,
  },
  {
    name: "a job that is done",
    source: "status/generate.go GeneratePodReadyConditionForTerminalPhase: PodCompleted",
    policy: "OnFailure",
    history: { termination: termination(0) },
    state: exited(0),
    expected: `
      phase = Succeeded
      Ready.status = False
      Ready.reason = PodCompleted
      app.state.terminated.exitCode = 0
      app.state.terminated.reason = Completed
      app.state.terminated.startedAt = 2026-11-22T11:59:30Z
      app.state.terminated.finishedAt = 2026-11-22T11:59:59Z
      app.state.terminated.containerID = docker://app-id-of-attempt-0
      app.lastState = {}
      app.ready = false
      app.started = false
      app.restartCount = 0
      app.containerID = docker://app-id-of-attempt-0
    `,
  },
  {
    name: "a job that failed for good",
    source: "status/generate.go GeneratePodReadyConditionForTerminalPhase: PodFailed",
    policy: "Never",
    history: { termination: termination(3) },
    state: exited(3),
    expected: `
      phase = Failed
      Ready.status = False
      Ready.reason = PodFailed
      app.state.terminated.exitCode = 3
      app.state.terminated.reason = Error
      app.state.terminated.startedAt = 2026-11-22T11:59:30Z
      app.state.terminated.finishedAt = 2026-11-22T11:59:59Z
      app.state.terminated.containerID = docker://app-id-of-attempt-0
      app.lastState = {}
      app.ready = false
      app.started = false
      app.restartCount = 0
      app.containerID = docker://app-id-of-attempt-0
    `,
  },
  {
    name: "it vanished by hand, under Never",
    source: "kubelet_pods.go convertToAPIContainerStatuses: ContainerStatusUnknown, 137",
    policy: "Never",
    history: { termination: termination(137, { reason: "ContainerStatusUnknown" }) },
    expected: `
      phase = Failed
      Ready.status = False
      Ready.reason = PodFailed
      app.state.terminated.exitCode = 137
      app.state.terminated.reason = ContainerStatusUnknown
      app.state.terminated.startedAt = 2026-11-22T11:59:30Z
      app.state.terminated.finishedAt = 2026-11-22T11:59:59Z
      app.state.terminated.containerID = docker://app-id-of-attempt-0
      app.lastState = {}
      app.ready = false
      app.started = false
      app.restartCount = 0
      app.containerID = docker://app-id-of-attempt-0
    `,
  },
  {
    name: "deleted, and still running in its grace",
    source: "kubelet_pods.go generateAPIPodStatus: the phase stays",
    leaving: "going",
    state: running(),
    expected: `
      phase = Running
      Ready.status = True
      podIP = 172.17.0.2
      app.state.running.startedAt = 2026-11-22T11:59:30Z
      app.lastState = {}
      app.ready = true
      app.started = true
      app.restartCount = 0
      app.containerID = docker://app-id-of-attempt-0
    `,
  },
  {
    name: "deleted, and killed after its grace",
    source: "kubelet_pods.go getPhase of a pod that is terminated",
    leaving: "gone",
    history: { termination: termination(137) },
    expected: `
      phase = Failed
      Ready.status = False
      Ready.reason = PodFailed
      app.state.terminated.exitCode = 137
      app.state.terminated.reason = Error
      app.state.terminated.startedAt = 2026-11-22T11:59:30Z
      app.state.terminated.finishedAt = 2026-11-22T11:59:59Z
      app.state.terminated.containerID = docker://app-id-of-attempt-0
      app.lastState = {}
      app.ready = false
      app.started = false
      app.restartCount = 0
      app.containerID = docker://app-id-of-attempt-0
    `,
  },
];

for (const one of situations) {
  test(`${one.name} (${one.source})`, () => {
    const said = lines(statusOf(one)).filter((line) => !always.some((same) => same.test(line)));
    const text = said.map((line) => line.replace("containerStatuses.", "").replace("conditions.", "")).join("\n");
    assert.equal(text, one.expected.trim().replaceAll(/^ +/gm, ""));
  });
}

test("what every status has, whatever the pod does", () => {
  for (const one of situations) {
    const status = statusOf(one);
    assert.equal(status.hostIP, "192.0.2.1");
    assert.equal(status.startTime, "2026-11-22T11:59:00Z");
    assert.equal(status.qosClass, "Burstable");
    assert.deepEqual(status.podIPs, status.podIP === undefined ? undefined : [{ ip: status.podIP }]);
    const types = status.conditions.map(({ type, lastProbeTime }) => `${type} ${lastProbeTime}`);
    assert.deepEqual(types, ["Initialized null", "Ready null", "ContainersReady null", "PodScheduled null"]);
    const [, ready, containersReady] = status.conditions;
    assert.deepEqual({ ...containersReady, type: "Ready" }, ready);
    assert.ok(status.conditions.filter((c) => /Init|Sched/.test(c.type)).every((c) => c.status === "True"));
    assert.deepEqual(
      status.containerStatuses.map(({ name, image }) => [name, image]),
      [["app", "app:1"]],
    );
  }
});
