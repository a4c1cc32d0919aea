import { containerLabels, containerName } from "../../src/core/pod/identity.ts";
import { createOptions } from "../../src/docker/create-options.ts";
import { gate } from "../../src/docker/gate.ts";
import type { CreateRequest, ImageInfo } from "../../src/ports/engine.ts";
import { type Behaviour, type Entry, portsIn, type Refusal } from "./engine-container.ts";

/** Name and labels of the container that a request asks for. */
export function identityOf(request: CreateRequest): Pick<Entry, "name" | "labels"> {
  const { pod, ...rest } = request;
  return {
    name: containerName({ ...rest, pod: pod.id }),
    labels: containerLabels({ ...rest, pod: pod.id, restartPolicy: pod.spec.restartPolicy }),
  };
}

/** Why a create fails: the payload, the name or the image; null if it succeeds. */
export function refusedCreate(
  request: CreateRequest,
  images: ReadonlyMap<string, ImageInfo>,
  entries: ReadonlyMap<string, Entry>,
): Refusal | null {
  const options = createOptions(request);
  if (!options.ok) return { kind: "invalid", message: options.message };
  const allowed = gate({ ...options.payload }, request);
  if (!allowed.ok) return { kind: "refused", message: allowed.message };
  const { name } = identityOf(request);
  const holder = byName(entries, name);
  if (holder !== null) {
    return { kind: "conflict", message: `Conflict. The container name "/${name}" is already in use by ${holder.id}` };
  }
  const here = [...images.values()].some(({ id }) => id === request.image.id);
  return here ? null : { kind: "imageNotFound", message: `No such image: ${request.image.id}` };
}

/** Why a start fails for the OOM score, with the least one that the kernel takes. */
export function refusedOomScore({ request }: Entry, least: number): Refusal | null {
  if (request === null || request.oomScoreAdj >= least) return null;
  return { kind: "oomScoreRefused", message: "write /proc/self/oom_score_adj: permission denied" };
}

/** Why a start fails: its sandbox, its program or a port; null if it succeeds. */
export function refusedStart(
  entry: Entry,
  behaviour: Behaviour,
  entries: ReadonlyMap<string, Entry>,
  occupied: ReadonlySet<string>,
): Refusal | null {
  const sandboxId = entry.request?.sandboxId ?? null;
  if (sandboxId !== null && !entries.has(sandboxId))
    return { kind: "notFound", message: `No such container: ${sandboxId}` };
  if (sandboxId !== null && entries.get(sandboxId)?.state.kind !== "running")
    return { kind: "conflict", message: `cannot join network of a non running container: ${sandboxId}` };
  if (behaviour.startError !== undefined) return { kind: "failed", message: behaviour.startError };
  const held = new Set(occupied);
  for (const other of entries.values())
    if (other.state.kind === "running") for (const port of portsOf(other)) held.add(port);
  const taken = portsOf(entry).find((port) => held.has(port));
  if (taken === undefined) return null;
  return { kind: "portInUse", message: `Bind for ${taken.split("/")[0]} failed: port is already allocated` };
}

function portsOf({ request }: Entry): readonly string[] {
  if (request === null || request.sandboxId !== null) return [];
  return portsIn(request).map((port) => `${port.hostIP}:${port.hostPort}/${port.protocol}`);
}

/** The container of this name. */
export function byName(entries: ReadonlyMap<string, Entry>, name: string): Entry | null {
  return [...entries.values()].find((entry) => entry.name === name) ?? null;
}
