import { podHashes, sandboxName } from "../../src/core/pod/identity.ts";
import type { AcceptedPod, ContainerSpec, PodSpec } from "../../src/core/pod/spec.ts";
import type { CreateRequest, ImageInfo } from "../../src/ports/engine.ts";
import { containerDefaults, podDefaults, withSpec } from "../samples/pods.ts";

/** A pod as admission leaves it: the secure defaults are filled in. */
export function acceptedPod(
  name: string,
  container: Partial<ContainerSpec> = {},
  spec: Partial<PodSpec> = {},
): AcceptedPod {
  const whole: PodSpec = {
    ...podDefaults,
    containers: [
      {
        ...containerDefaults,
        name: "app",
        image: "edge.test/busybox:1",
        resources: { limits: { cpu: "500m", memory: "64Mi" }, requests: { cpu: "250m", memory: "32Mi" } },
        ...container,
      },
    ],
    ...spec,
  };
  return {
    id: { namespace: "websocket", name, uid: "11111111-2222-4333-8444-555555555555" },
    metadata: { name, namespace: "websocket" },
    spec: whole,
    hashes: podHashes(whole),
  };
}

/** The sandbox of a pod of several containers, to be made. */
export function sandboxRequest(pod: AcceptedPod, image: ImageInfo): CreateRequest {
  return createRequest(pod, image, { container: sandboxName, specHash: pod.hashes.pod });
}

/** A pod whose second container, `side`, is like its first but for its ports. */
export function podOfTwo(
  name: string,
  container: Partial<ContainerSpec> = {},
  side: Partial<ContainerSpec> = {},
): AcceptedPod {
  const pod = acceptedPod(name, container);
  const [first] = pod.spec.containers;
  if (first === undefined) throw new Error("The pod has no container");
  return withSpec(pod, { ...pod.spec, containers: [first, { ...first, name: "side", ports: [], ...side }] });
}

/** The first container of a pod, to be made. */
export function createRequest(
  pod: AcceptedPod,
  image: ImageInfo,
  overrides: Partial<CreateRequest> = {},
): CreateRequest {
  const [container] = pod.spec.containers;
  if (container === undefined) throw new Error("The pod has no container");
  return {
    installId: "install-1",
    pod,
    container: container.name,
    sandboxId: null,
    attempt: 0,
    generation: 0,
    podHash: pod.hashes.pod,
    specHash: pod.hashes.containers[container.name] ?? "",
    image,
    volumePaths: {},
    hostPaths: {},
    coveredPaths: {},
    scratchPaths: [],
    submounts: [],
    resolvConf: null,
    terminationLog: null,
    oomScoreAdj: 0,
    devices: [],
    ...overrides,
  };
}
