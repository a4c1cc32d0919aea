import { npuNode } from "../../core/pod/npu.ts";
import { hostPortKey, type ObservedContainer } from "../../core/pod/observed.ts";
import type { CreateRequest, EngineResult } from "../../ports/engine.ts";
import type { OwnChange } from "../engine/container-lister.ts";

/** What a container is that the engine has just made from this request. */
export function madeContainer(id: string, request: CreateRequest): ObservedContainer {
  const { pod, container, installId, attempt, generation, podHash, specHash, image, sandboxId, devices } = request;
  const npus = devices.map(({ path }) => path.slice(path.lastIndexOf("/") + 1)).filter((name) => npuNode.test(name));
  const hasOwnPorts = sandboxId === null && pod.spec.hostNetwork !== true;
  const ports = hasOwnPorts ? pod.spec.containers.flatMap((spec) => spec.ports ?? []) : [];
  const hostPorts = ports.map(({ protocol, hostPort }) => hostPortKey(protocol, hostPort));
  return {
    id,
    pod: pod.id,
    container,
    installId,
    attempt,
    generation,
    podHash,
    specHash,
    restartPolicy: pod.spec.restartPolicy,
    state: { kind: "created" },
    imageId: image.id,
    image: image.id,
    ...(sandboxId === null ? {} : { sandboxId }),
    ...(npus.length === 0 ? {} : { npus }),
    ...(hostPorts.length === 0 ? {} : { hostPorts }),
  };
}

/** What an inspect after an action of ours says of the container; null where it says nothing, and a list has to. */
export function changeOf(id: string, seen: EngineResult<ObservedContainer>): OwnChange | null {
  if (seen.ok) return { id, container: seen.value };
  return seen.error.kind === "notFound" ? { id, container: null } : null;
}
