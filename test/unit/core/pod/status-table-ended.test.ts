import { test } from "node:test";
import { ago, exited, running, termination } from "../../../samples/pods.ts";
import { compare, type StatusSituation, titleOf } from "./status-situations.ts";

const cannotRun = {
  kind: "created",
  startError: "no such file",
  cannotRun: { exitCode: 127, createdAt: "2026-11-22T11:59:58Z" },
} as const;

/** A pod of one container that has ended before, or was told to. */
const situations: readonly StatusSituation[] = [
  {
    name: "it crashed and waits",
    source:
      "kuberuntime/kuberuntime_manager.go doBackOff; getPhase: a waiting container with a last state counts as stopped",
    deviates:
      "podIP: a kubelet keeps a sandbox for every pod; here a pod of one container has none, and no address meanwhile",
    history: { attempt: 2, termination: termination(1) },
    state: exited(1),
    waiting: { reason: "CrashLoopBackOff", message: "back-off 20s" },
    expected:
      'Running; ContainersNotReady; waits CrashLoopBackOff "back-off 20s"; before: ended 1 Error 11:59:30 to 11:59:59 #0; 2 restarts; #2; no address',
  },
  {
    name: "its program cannot run, and waits",
    source: "dockershim/docker_container.go ContainerStatus, case 2; kuberuntime_manager.go doBackOff",
    history: { attempt: 2, termination: termination(127, { reason: "ContainerCannotRun", message: "no such file" }) },
    state: cannotRun,
    waiting: { reason: "CrashLoopBackOff", message: "back-off 20s" },
    expected:
      'Running; ContainersNotReady; waits CrashLoopBackOff "back-off 20s"; before: ended 127 ContainerCannotRun "no such file" 11:59:30 to 11:59:59 #0; 2 restarts; #2; no address',
  },
  {
    name: "its program cannot run, under Never",
    source: "dockershim/docker_container.go ContainerStatus, case 2; kubelet_pods.go getPhase",
    policy: "Never",
    history: { termination: termination(127, { reason: "ContainerCannotRun", message: "no such file" }) },
    state: cannotRun,
    expected:
      'Failed; PodFailed; ended 127 ContainerCannotRun "no such file" 11:59:30 to 11:59:59 #0; before: none; 0 restarts; #0; no address',
  },
  {
    name: "it ended and is being made again",
    source: "kubelet_pods.go convertToAPIContainerStatuses: a container to be restarted is waiting",
    deviates: "a kubelet leaves it terminated until a start has failed; here its image may take hours, so it waits",
    history: { termination: termination(1) },
    state: exited(1),
    waiting: { reason: "ContainerCreating" },
    expected:
      "Running; ContainersNotReady; waits ContainerCreating; before: ended 1 Error 11:59:30 to 11:59:59 #0; 0 restarts; #0; no address",
  },
  {
    name: "it crashed and runs again",
    source: "kubelet_pods.go convertToAPIContainerStatuses: lastState",
    history: { attempt: 1, lastTermination: termination(1) },
    state: running(),
    expected:
      "Running; Ready; runs since 11:59:30; before: ended 1 Error 11:59:30 to 11:59:59 #0; ready started 1 restarts; #1; 172.17.0.2",
  },
  {
    name: "it used up its memory, under Never",
    source: "kubelet_pods.go getPhase; the runtime says OOMKilled",
    policy: "Never",
    history: { termination: termination(137, { reason: "OOMKilled" }) },
    state: exited(137, ago(1_000), true),
    expected:
      "Failed; PodFailed; ended 137 OOMKilled 11:59:30 to 11:59:59 #0; before: none; 0 restarts; #0; no address",
  },
  {
    name: "a job that is done",
    source: "status/generate.go GeneratePodReadyConditionForTerminalPhase: PodCompleted",
    policy: "OnFailure",
    history: { termination: termination(0) },
    state: exited(0),
    expected:
      "Succeeded; PodCompleted; ended 0 Completed 11:59:30 to 11:59:59 #0; before: none; 0 restarts; #0; no address",
  },
  {
    name: "a job that failed for good",
    source: "status/generate.go GeneratePodReadyConditionForTerminalPhase: PodFailed",
    policy: "Never",
    history: { termination: termination(3) },
    state: exited(3),
    expected: "Failed; PodFailed; ended 3 Error 11:59:30 to 11:59:59 #0; before: none; 0 restarts; #0; no address",
  },
  {
    name: "it vanished by hand, under Never",
    source: "kubelet_pods.go convertToAPIContainerStatuses: ContainerStatusUnknown, 137",
    deviates: "a kubelet runs it again, waiting with this as its last state; here Never runs nothing twice",
    policy: "Never",
    history: { termination: termination(137, { reason: "ContainerStatusUnknown" }) },
    expected:
      "Failed; PodFailed; ended 137 ContainerStatusUnknown 11:59:30 to 11:59:59 #0; before: none; 0 restarts; #0; no address",
  },
  {
    name: "deleted, and still running in its grace",
    source: "kubelet_pods.go generateAPIPodStatus: the phase stays",
    termination: "terminating",
    state: running(),
    expected: "Running; Ready; runs since 11:59:30; before: none; ready started 0 restarts; #0; 172.17.0.2",
  },
  {
    name: "deleted, and killed after its grace",
    source: "kubelet_pods.go getPhase of a pod that is terminated",
    termination: "terminated",
    history: { termination: termination(137) },
    expected: "Failed; PodFailed; ended 137 Error 11:59:30 to 11:59:59 #0; before: none; 0 restarts; #0; no address",
  },
  {
    name: "deleted, and ended with 0 in its grace",
    source: "kubelet_pods.go getPhase of a pod that is terminated: its policy says nothing any more",
    termination: "terminated",
    history: { termination: termination(0) },
    expected:
      "Succeeded; PodCompleted; ended 0 Completed 11:59:30 to 11:59:59 #0; before: none; 0 restarts; #0; no address",
  },
  {
    name: "deleted, and its container was never made",
    source: "status/status_manager.go TerminatePod: what could not be located is ContainerStatusUnknown, 137",
    termination: "terminated",
    expected:
      'Failed; PodFailed; ended 137 ContainerStatusUnknown "The container could not be located when the pod was terminated" null to null no id; before: none; 0 restarts; no id; no address',
  },
  {
    name: "it used up its memory, under Always, and waits",
    source: "kubelet_pods.go convertToAPIContainerStatuses: what it ended with is its last state",
    history: { attempt: 2, termination: termination(137, { reason: "OOMKilled" }) },
    state: exited(137, ago(1_000), true),
    waiting: { reason: "CrashLoopBackOff", message: "back-off 20s" },
    expected:
      'Running; ContainersNotReady; waits CrashLoopBackOff "back-off 20s"; before: ended 137 OOMKilled 11:59:30 to 11:59:59 #0; 2 restarts; #2; no address',
  },
];

for (const one of situations) test(titleOf(one), () => compare(one));
