import { test } from "node:test";
import { ago, exited, running, termination } from "../../../samples/pods.ts";
import { compare, type StatusSituation, titleOf } from "./status-situations.ts";

/** A pod of one container that has ended before, or was told to. */
const situations: readonly StatusSituation[] = [
  {
    name: "it crashed and waits",
    source:
      "kuberuntime/kuberuntime_manager.go doBackOff; getPhase: a waiting container with a last state counts as stopped",
    deviates: "podIP: a kubelet keeps its sandbox and so the address; here it is absent while nothing runs",
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
    name: "it ended and is being made again",
    source: "kubelet_pods.go convertToAPIContainerStatuses: a container to be restarted is waiting",
    deviates: "a kubelet leaves it terminated until a start has failed; here its image may take hours, so it waits",
    history: { termination: termination(1) },
    state: exited(1),
    waiting: { reason: "ContainerCreating" },
    expected: `
      phase = Running
      Ready.status = False
      Ready.reason = ContainersNotReady
      Ready.message = containers with unready status: [app]
      app.state.waiting.reason = ContainerCreating
      app.lastState.terminated.exitCode = 1
      app.lastState.terminated.reason = Error
      app.lastState.terminated.startedAt = 2026-11-22T11:59:30Z
      app.lastState.terminated.finishedAt = 2026-11-22T11:59:59Z
      app.lastState.terminated.containerID = docker://app-id-of-attempt-0
      app.ready = false
      app.started = false
      app.restartCount = 0
      app.containerID = docker://app-id-of-attempt-0
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
    deviates: "a kubelet runs it again, waiting with this as its last state; here Never runs nothing twice",
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
    termination: "terminating",
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
    termination: "terminated",
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
  {
    name: "deleted, and ended with 0 in its grace",
    source: "kubelet_pods.go getPhase of a pod that is terminated: its policy says nothing any more",
    termination: "terminated",
    history: { termination: termination(0) },
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
    name: "it used up its memory, under Always, and waits",
    source: "kubelet_pods.go convertToAPIContainerStatuses: what it ended with is its last state",
    history: { attempt: 2, termination: termination(137, { reason: "OOMKilled" }) },
    state: exited(137, ago(1_000), true),
    waiting: { reason: "CrashLoopBackOff", message: "back-off 20s" },
    expected: `
      phase = Running
      Ready.status = False
      Ready.reason = ContainersNotReady
      Ready.message = containers with unready status: [app]
      app.state.waiting.reason = CrashLoopBackOff
      app.state.waiting.message = back-off 20s
      app.lastState.terminated.exitCode = 137
      app.lastState.terminated.reason = OOMKilled
      app.lastState.terminated.startedAt = 2026-11-22T11:59:30Z
      app.lastState.terminated.finishedAt = 2026-11-22T11:59:59Z
      app.lastState.terminated.containerID = docker://app-id-of-attempt-0
      app.ready = false
      app.started = false
      app.restartCount = 2
      app.containerID = docker://app-id-of-attempt-2
    `,
  },
];

for (const one of situations) test(titleOf(one), () => compare(one));
