import { test } from "node:test";
import { running } from "../../../samples/pods.ts";
import { compare, type StatusSituation, titleOf } from "./status-situations.ts";

/** A pod of one container that has not ended yet. */
const situations: readonly StatusSituation[] = [
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
    deviates: "restartCount: a kubelet counts each container it made, here one that never ran is no restart",
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
];

for (const one of situations) test(titleOf(one), () => compare(one));
