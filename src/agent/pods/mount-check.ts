import { ownValue } from "../../core/base/own-value.ts";
import type { DesiredPod } from "../../core/pod/desired.ts";
import type { ObservedContainer } from "../../core/pod/observed.ts";
import type { Device } from "../../ports/device.ts";
import type { CreateRequest, Engine, EngineResult, ImageFacts } from "../../ports/engine.ts";

/** A container, and what it would be made from now; a sentence where it could not be made. */
export interface Looked {
  readonly id: string;
  readonly request: (image: ImageFacts, made: ObservedContainer) => CreateRequest | string;
}

/** Whether a container sees anything that lies outside the agent's own folder. */
export function mountsHostPath(desired: DesiredPod | null, container: string): boolean {
  const spec = desired?.pod.spec.containers.find(({ name }) => name === container);
  const onHost = (desired?.pod.spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined);
  const names = new Set(onHost.map(({ name }) => name));
  return (spec?.volumeMounts ?? []).some(({ name }) => names.has(name));
}

/**
 * Resolves a container's volumes once more and compares them with what it was made with and, if it runs, with what it
 * sees. Gives the difference in words, null when there is none.
 */
export async function mountsDiffer(
  engine: Engine,
  device: Device,
  { id, request }: Looked,
  signal: AbortSignal,
): Promise<EngineResult<string | null>> {
  const seen = await engine.inspect(id, signal);
  if (!seen.ok) return seen;
  const image = await engine.image(seen.value.imageId, signal);
  if (!image.ok) return image;
  const wanted = request(image.value, seen.value);
  if (typeof wanted === "string") return { ok: true, value: wanted };
  const audit = await engine.audit(id, wanted, signal);
  if (!audit.ok) return audit;
  const moved = audit.value.differences.find(({ field }) => field === "Mounts");
  if (moved !== undefined) {
    return { ok: true, value: `A path leads elsewhere by now: made with ${moved.found}, now ${moved.expected}` };
  }
  const { pid } = audit.value;
  return { ok: true, value: pid === null ? null : device.mountedElsewhere(pid, mountsOf(wanted)) };
}

function mountsOf({ pod, container, volumePaths }: CreateRequest): Parameters<Device["mountedElsewhere"]>[1] {
  const spec = pod.spec.containers.find(({ name }) => name === container);
  return (spec?.volumeMounts ?? []).flatMap(({ name, mountPath }) => {
    const source = ownValue(volumePaths, name);
    return source === undefined ? [] : [{ source, target: mountPath }];
  });
}
