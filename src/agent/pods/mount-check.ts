import { ownValue } from "../../core/base/own-value.ts";
import type { DesiredPod } from "../../core/pod/desired.ts";
import type { ObservedContainer } from "../../core/pod/observed.ts";
import type { CreateRequest, Engine, EngineResult, ImageInfo } from "../../ports/engine.ts";
import type { MountsSeen, PodFiles } from "../../ports/pod-files.ts";

/** A container, and what it would be made from now; a sentence where it could not be made. */
export interface MountCheckRequest {
  readonly id: string;
  readonly request: (image: ImageInfo, made: ObservedContainer) => Promise<CreateRequest | string>;
}

/** Whether a container has a volume that is a mount of the agent's own: a host path, or memory. */
export function hasMountedVolume(desired: DesiredPod | null, container: string): boolean {
  const spec = desired?.pod.spec.containers.find(({ name }) => name === container);
  const volumes = (desired?.pod.spec.volumes ?? []).filter(
    ({ hostPath, emptyDir }) => hostPath !== undefined || emptyDir?.medium === "Memory",
  );
  const names = new Set(volumes.map(({ name }) => name));
  return (spec?.volumeMounts ?? []).some(({ name }) => names.has(name));
}

/**
 * Prepares a container's volumes once more and compares them with what it was made with. Gives what it would be made from
 * now, or the difference in a sentence.
 */
export async function preparedAgain(
  engine: Engine,
  { id, request }: MountCheckRequest,
  signal: AbortSignal,
): Promise<EngineResult<CreateRequest | string>> {
  const seen = await engine.inspect(id, signal);
  if (!seen.ok) return seen;
  const image = await engine.image(seen.value.imageId, signal);
  if (!image.ok) return image;
  const wanted = await request(image.value, seen.value);
  if (typeof wanted === "string") return { ok: true, value: wanted };
  const audit = await engine.audit(id, wanted, signal);
  if (!audit.ok) return audit;
  const moved = audit.value.differences.find(({ field }) => field === "Mounts");
  if (moved === undefined) return { ok: true, value: wanted };
  return {
    ok: true,
    value: `A path now leads elsewhere: the container was created with ${moved.found}, now it is ${moved.expected}`,
  };
}

/** What a container sees of what it was prepared with; no path is looked up anew. */
export async function mountsSeen(
  engine: Engine,
  podFiles: PodFiles,
  { id, prepared }: { readonly id: string; readonly prepared: CreateRequest },
  signal: AbortSignal,
): Promise<MountsSeen> {
  const audit = await engine.audit(id, prepared, signal);
  if (!audit.ok) return { kind: "unknown", message: audit.error.message };
  const { pid } = audit.value;
  return pid === null ? { kind: "same" } : podFiles.mountedElsewhere(pid, mountsOf(prepared));
}

/** Where a container was prepared to see what. */
export function mountsOf({ pod, container, volumePaths }: CreateRequest): Parameters<PodFiles["mountedElsewhere"]>[1] {
  const spec = pod.spec.containers.find(({ name }) => name === container);
  return (spec?.volumeMounts ?? []).flatMap(({ name, mountPath }) => {
    const source = ownValue(volumePaths, name);
    return source === undefined ? [] : [{ source, target: mountPath }];
  });
}
