import { test } from "node:test";
import { running } from "../../../samples/pods.ts";
import { compare, neverMade, row, runs, type StatusSituation, titleOf } from "./status-situations.ts";

/** A pod of one container that has not ended yet. */
const situations: readonly StatusSituation[] = [
  row(
    "a pod that was accepted and has no container yet",
    "kubelet_pods.go getPhase and convertToAPIContainerStatuses: ContainerCreating",
    {},
    neverMade("ContainerCreating"),
  ),
  row(
    "a container whose image cannot be pulled",
    "images/types.go ErrImagePull",
    { waiting: { reason: "ErrImagePull", message: "no such image" } },
    neverMade('ErrImagePull "no such image"'),
  ),
  row(
    "a container whose pull waits",
    "images/types.go ErrImagePullBackOff",
    { waiting: { reason: "ImagePullBackOff", message: "Back-off pulling" } },
    neverMade('ImagePullBackOff "Back-off pulling"'),
  ),
  row(
    "a container that cannot be configured",
    "kuberuntime/kuberuntime_container.go ErrCreateContainerConfig",
    {
      waiting: {
        reason: "CreateContainerConfigError",
        message: "container has runAsNonRoot and image will run as root",
      },
    },
    neverMade('CreateContainerConfigError "container has runAsNonRoot and image will run as root"'),
  ),
  row(
    "a container that the device cannot start",
    "container/sync_result.go ErrRunContainer",
    {
      deviates:
        "a kubelet has ContainerCannotRun, and counts a restart; here the same attempt is tried again within 40 s",
      state: { kind: "created", startError: "port is already allocated" },
      waiting: { reason: "RunContainerError", message: "port is already allocated" },
    },
    'Pending; ContainersNotReady; waits RunContainerError "port is already allocated"; before: none; 0 restarts; #0; no address',
  ),
  row("it runs, without probes", "prober/prober_manager.go UpdatePodStatus", { state: running() }, runs("Ready")),
  row(
    "a running container without a readiness result",
    "prober/prober_manager.go UpdatePodStatus",
    { readiness: "none yet", state: running() },
    runs("ContainersNotReady"),
  ),
  row(
    "a running container that is ready",
    "prober/prober_manager.go UpdatePodStatus",
    { readiness: "good", state: running() },
    runs("Ready"),
  ),
  row(
    "a running container that is not ready",
    "status/generate.go GenerateContainersReadyCondition",
    { readiness: "bad", state: running() },
    runs("ContainersNotReady"),
  ),
];

for (const situation of situations)
  test(`the status is that of Kubernetes for ${titleOf(situation)}`, () => compare(situation));
