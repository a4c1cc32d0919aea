import { test } from "node:test";
import { running } from "../../../samples/pods.ts";
import { compare, neverMade, row, runs, type StatusSituation, titleOf } from "./status-situations.ts";

/** A pod of one container that has not ended yet. */
const situations: readonly StatusSituation[] = [
  row(
    "accepted, nothing made yet",
    "kubelet_pods.go getPhase and convertToAPIContainerStatuses: ContainerCreating",
    {},
    neverMade("ContainerCreating"),
  ),
  row(
    "its image cannot be pulled",
    "images/types.go ErrImagePull",
    { waiting: { reason: "ErrImagePull", message: "no such image" } },
    neverMade('ErrImagePull "no such image"'),
  ),
  row(
    "the pull waits",
    "images/types.go ErrImagePullBackOff",
    { waiting: { reason: "ImagePullBackOff", message: "Back-off pulling" } },
    neverMade('ImagePullBackOff "Back-off pulling"'),
  ),
  row(
    "the container cannot be configured",
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
    "the device does not let the container start",
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
    "it runs, and was not asked yet whether it is ready",
    "prober/prober_manager.go UpdatePodStatus",
    { readiness: "none yet", state: running() },
    runs("ContainersNotReady"),
  ),
  row(
    "it runs and says that it is ready",
    "prober/prober_manager.go UpdatePodStatus",
    { readiness: "good", state: running() },
    runs("Ready"),
  ),
  row(
    "it runs and says that it is not ready",
    "status/generate.go GenerateContainersReadyCondition",
    { readiness: "bad", state: running() },
    runs("ContainersNotReady"),
  ),
];

for (const situation of situations) test(titleOf(situation), () => compare(situation));
