import type { AcceptedPod } from "../../core/pod/spec.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { ConfigMaps, PodFiles } from "../../ports/pod-files.ts";
import type { Store } from "../../ports/store.ts";

export interface ConfigMapParts {
  readonly store: Store;
  readonly podFiles: PodFiles;
  readonly log: Log;
  readonly clock: Clock;
}

/** Whether the pod has a volume from this config map. */
export function mountsConfigMap(pod: AcceptedPod, name: string): boolean {
  return (pod.spec.volumes ?? []).some((volume) => volume.configMap?.name === name);
}

/** The names of the config maps that a pod mounts, each once. */
function namesIn(pod: AcceptedPod): readonly string[] {
  return [...new Set((pod.spec.volumes ?? []).flatMap((volume) => volume.configMap?.name ?? []))];
}

/** Those of a pod's config maps that are on this device. */
export function configMapsOf(
  store: Pick<Store, "configMaps">,
  pod: AcceptedPod,
  names: readonly string[] = namesIn(pod),
): ConfigMaps {
  return new Map(
    names.flatMap((name) => {
      const data = store.configMaps.get(name);
      return data === null ? [] : [[name, data] as const];
    }),
  );
}

/**
 * Brings what the pods of one name have mounted up to what the store says: at every look, so that an update arrives, and
 * nothing that changed a file behind our back lasts. What no longer is in the store stays as it was mounted. One config map
 * at a time, so that a pod of thousands of files does not hold up everything else.
 */
export async function refreshMounted(
  parts: ConfigMapParts,
  at: { readonly namespace: string; readonly name: string },
): Promise<void> {
  const { store, podFiles, log, clock } = parts;
  const desired = store.desiredPods.get(at.namespace, at.name)?.pod ?? null;
  const terminating = store.terminatingPods
    .list()
    .filter(
      (terminatingPod) =>
        terminatingPod.id.namespace === at.namespace &&
        terminatingPod.id.name === at.name &&
        !terminatingPod.isTerminated,
    )
    .map((terminatingPod) => terminatingPod.pod);
  for (const pod of [desired, ...terminating]) {
    if (pod === null) continue;
    for (const [index, name] of namesIn(pod).entries()) {
      if (index > 0) await clock.sleep(0);
      for (const trouble of podFiles.refreshConfigMaps(pod, configMapsOf(store, pod, [name]))) {
        log.write("error", "Config map not brought up to date", { pod: pod.id.name, trouble });
      }
    }
  }
}
