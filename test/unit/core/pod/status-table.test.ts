import { test } from "node:test";
import { running } from "../../../samples/pods.ts";
import { compare, type StatusSituation, titleOf } from "./status-situations.ts";

/** A pod of one container that has not ended yet. */
const situations: readonly StatusSituation[] = [
  {
    name: "accepted, nothing made yet",
    source: "kubelet_pods.go getPhase and convertToAPIContainerStatuses: ContainerCreating",
    expected: "Pending; ContainersNotReady; waits ContainerCreating; before: none; 0 restarts; no id; no address",
  },
  {
    name: "its image cannot be pulled",
    source: "images/types.go ErrImagePull",
    waiting: { reason: "ErrImagePull", message: "no such image" },
    expected:
      'Pending; ContainersNotReady; waits ErrImagePull "no such image"; before: none; 0 restarts; no id; no address',
  },
  {
    name: "the pull waits",
    source: "images/types.go ErrImagePullBackOff",
    waiting: { reason: "ImagePullBackOff", message: "Back-off pulling" },
    expected:
      'Pending; ContainersNotReady; waits ImagePullBackOff "Back-off pulling"; before: none; 0 restarts; no id; no address',
  },
  {
    name: "the container cannot be configured",
    source: "kuberuntime/kuberuntime_container.go ErrCreateContainerConfig",
    waiting: { reason: "CreateContainerConfigError", message: "container has runAsNonRoot and image will run as root" },
    expected:
      'Pending; ContainersNotReady; waits CreateContainerConfigError "container has runAsNonRoot and image will run as root"; before: none; 0 restarts; no id; no address',
  },
  {
    name: "the device does not let the container start",
    source: "container/sync_result.go ErrRunContainer",
    deviates:
      "a kubelet has ContainerCannotRun, and counts a restart; here the same attempt is tried again within 40 s",
    state: { kind: "created", startError: "port is already allocated" },
    waiting: { reason: "RunContainerError", message: "port is already allocated" },
    expected:
      'Pending; ContainersNotReady; waits RunContainerError "port is already allocated"; before: none; 0 restarts; #0; no address',
  },
  {
    name: "it runs, without probes",
    source: "prober/prober_manager.go UpdatePodStatus",
    state: running(),
    expected: "Running; Ready; runs since 11:59:30; before: none; ready started 0 restarts; #0; 172.17.0.2",
  },
  {
    name: "it runs, and was not asked yet whether it is ready",
    source: "prober/prober_manager.go UpdatePodStatus",
    readiness: "none yet",
    state: running(),
    expected: "Running; ContainersNotReady; runs since 11:59:30; before: none; started 0 restarts; #0; 172.17.0.2",
  },
  {
    name: "it runs and says that it is ready",
    source: "prober/prober_manager.go UpdatePodStatus",
    readiness: "good",
    state: running(),
    expected: "Running; Ready; runs since 11:59:30; before: none; ready started 0 restarts; #0; 172.17.0.2",
  },
  {
    name: "it runs and says that it is not ready",
    source: "status/generate.go GenerateContainersReadyCondition",
    readiness: "bad",
    state: running(),
    expected: "Running; ContainersNotReady; runs since 11:59:30; before: none; started 0 restarts; #0; 172.17.0.2",
  },
];

for (const one of situations) test(titleOf(one), () => compare(one));
