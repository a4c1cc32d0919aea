import { test } from "node:test";
import { ago, exited, running, termination } from "../../../samples/pods.ts";
import { compare, ended, row, runs, type StatusSituation, titleOf, waitsAgain } from "./status-situations.ts";

const cannotRun = {
  kind: "created",
  startError: "no such file",
  cannotRun: { exitCode: 127, createdAt: "2026-11-22T11:59:58Z" },
} as const;

/** A pod of one container that has ended before, or was told to. */
const situations: readonly StatusSituation[] = [
  row(
    "a container that crashed and waits",
    "kuberuntime/kuberuntime_manager.go doBackOff; getPhase: a waiting container with a last state counts as stopped",
    {
      deviates:
        "podIP: a kubelet keeps a sandbox for every pod; here a pod of one container has none, and no address meanwhile",
      history: { attempt: 2, termination: termination(1) },
      state: exited(1),
      waiting: { reason: "CrashLoopBackOff", message: "back-off 20s" },
    },
    waitsAgain('CrashLoopBackOff "back-off 20s"', "1 Error", 2),
  ),
  row(
    "a container whose program cannot run and that waits",
    "dockershim/docker_container.go ContainerStatus, case 2; kuberuntime_manager.go doBackOff",
    {
      history: { attempt: 2, termination: termination(127, { reason: "ContainerCannotRun", message: "no such file" }) },
      state: cannotRun,
      waiting: { reason: "CrashLoopBackOff", message: "back-off 20s" },
    },
    waitsAgain('CrashLoopBackOff "back-off 20s"', '127 ContainerCannotRun "no such file"', 2),
  ),
  row(
    "a container whose program cannot run, under Never",
    "dockershim/docker_container.go ContainerStatus, case 2; kubelet_pods.go getPhase",
    {
      policy: "Never",
      history: { termination: termination(127, { reason: "ContainerCannotRun", message: "no such file" }) },
      state: cannotRun,
    },
    ended('127 ContainerCannotRun "no such file"'),
  ),
  row(
    "a container that ended and is created again",
    "kubelet_pods.go convertToAPIContainerStatuses: a container to be restarted is waiting",
    {
      deviates: "a kubelet leaves it terminated until a start has failed; here its image may take hours, so it waits",
      history: { termination: termination(1) },
      state: exited(1),
      waiting: { reason: "ContainerCreating" },
    },
    waitsAgain("ContainerCreating", "1 Error", 0),
  ),
  row(
    "a container that crashed and runs again",
    "kubelet_pods.go convertToAPIContainerStatuses: lastState",
    { history: { attempt: 1, lastTermination: termination(1) }, state: running() },
    "Running; Ready; runs since 11:59:30; before: ended 1 Error 11:59:30 to 11:59:59 #0; ready started 1 restarts; #1; 172.17.0.2",
  ),
  row(
    "a container that ran out of memory, under Never",
    "kubelet_pods.go getPhase; the runtime says OOMKilled",
    {
      policy: "Never",
      history: { termination: termination(137, { reason: "OOMKilled" }) },
      state: exited(137, ago(1_000), true),
    },
    ended("137 OOMKilled"),
  ),
  row(
    "a job that is done",
    "status/generate.go GeneratePodReadyConditionForTerminalPhase: PodCompleted",
    { policy: "OnFailure", history: { termination: termination(0) }, state: exited(0) },
    ended("0 Completed"),
  ),
  row(
    "a job that failed for good",
    "status/generate.go GeneratePodReadyConditionForTerminalPhase: PodFailed",
    { policy: "Never", history: { termination: termination(3) }, state: exited(3) },
    ended("3 Error"),
  ),
  row(
    "a container that was removed by hand, under Never",
    "kubelet_pods.go convertToAPIContainerStatuses: ContainerStatusUnknown, 137",
    {
      deviates: "a kubelet runs it again, waiting with this as its last state; here Never runs nothing twice",
      policy: "Never",
      history: { termination: termination(137, { reason: "ContainerStatusUnknown" }) },
    },
    ended("137 ContainerStatusUnknown"),
  ),
  row(
    "a deleted pod that still runs in its grace period",
    "kubelet_pods.go generateAPIPodStatus: the phase stays",
    { termination: "terminating", state: running() },
    runs("Ready"),
  ),
  row(
    "a deleted pod that was killed after its grace period",
    "kubelet_pods.go getPhase of a pod that is terminated",
    { termination: "terminated", history: { termination: termination(137) } },
    ended("137 Error"),
  ),
  row(
    "a deleted pod that ended with 0 in its grace period",
    "kubelet_pods.go getPhase of a pod that is terminated: its policy says nothing any more",
    { termination: "terminated", history: { termination: termination(0) } },
    ended("0 Completed"),
  ),
  row(
    "a deleted pod whose container was never created",
    "status/status_manager.go TerminatePod: what could not be located is ContainerStatusUnknown, 137",
    { termination: "terminated" },
    'Failed; PodFailed; ended 137 ContainerStatusUnknown "The container could not be located when the pod was terminated" null to null no id; before: none; 0 restarts; no id; no address',
  ),
  row(
    "a container that ran out of memory, under Always, and waits",
    "kubelet_pods.go convertToAPIContainerStatuses: what it ended with is its last state",
    {
      history: { attempt: 2, termination: termination(137, { reason: "OOMKilled" }) },
      state: exited(137, ago(1_000), true),
      waiting: { reason: "CrashLoopBackOff", message: "back-off 20s" },
    },
    waitsAgain('CrashLoopBackOff "back-off 20s"', "137 OOMKilled", 2),
  ),
];

for (const situation of situations)
  test(`the status is that of Kubernetes for ${titleOf(situation)}`, () => compare(situation));
