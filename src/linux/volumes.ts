import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { AcceptedPod, Volume } from "../core/pod/spec.ts";
import type { ConfigMaps, VolumesResult } from "../ports/pod-files.ts";
import { holdsConfigMap, writeConfigMap } from "./config-map-folder.ts";
import type { DiscardedFolders } from "./discarded-folders.ts";
import { ensureFolder, replaceFile } from "./files.ts";
import { type HostPathOptions, hostPathPods, placeHostPath, removeHostPaths } from "./host-paths.ts";
import { placeMemoryVolume, unmountMemoryVolumes } from "./memory-volumes.ts";
import { podFolder, podFoldersIn } from "./pod-folders.ts";
import { hasSubmounts } from "./submounts.ts";

/** Volumes in memory are mounted below `runDir`. */
export interface VolumesOptions extends HostPathOptions {
  readonly dataDir: string;
  /** Where the resolv.conf for a pod is. */
  readonly resolvConf: (pod: { readonly hostNetwork?: boolean }) => string;
}

const savedPod = "pod.json";

/** `real` is there for a host path: what its place shows of this device. */
type Resolved =
  | { readonly ok: true; readonly path: string; readonly real?: string }
  | { readonly ok: false; readonly message: string };

/** See PodFiles.prepareVolumes: folders of the pod's own are made, host paths are mounted at places of the agent's own. */
export async function prepareVolumes(
  options: VolumesOptions,
  pod: AcceptedPod,
  covered: readonly string[],
  configMaps: ConfigMaps,
): Promise<VolumesResult> {
  const paths = new Map<string, string>();
  const hostPaths = new Map<string, string>();
  const submounts: string[] = [];
  for (const volume of pod.spec.volumes ?? []) {
    if (volume.configMap !== undefined) await turn();
    const resolved = resolveVolume(options, pod, volume, configMaps);
    if (!resolved.ok) return resolved;
    paths.set(volume.name, resolved.path);
    if (resolved.real === undefined) continue;
    hostPaths.set(volume.name, resolved.real);
    if (hasSubmounts(resolved.real) || hasSubmounts(resolved.path)) submounts.push(volume.name);
  }
  removeHostPaths(options.runDir, pod.id.uid, [...paths.values()]);
  const folder = podFolder(options.dataDir, pod.id.uid);
  const resolvConf = options.resolvConf(pod.spec);
  const volumePaths = Object.fromEntries(paths);
  const places = {
    ok: true,
    volumePaths,
    hostPaths: Object.fromEntries(hostPaths),
    submounts,
    resolvConf,
  } as const;
  if (options.policy().writableEmptyDir) return { ...places, coveredPaths: {}, scratchPaths: covered };
  const coveredPaths = Object.fromEntries(
    covered.map((path, index) => [path, ensureFolder(join(folder, "covered", String(index)), 0o555)]),
  );
  return { ...places, coveredPaths, scratchPaths: [] };
}

/** See PodFiles.refreshConfigMaps. */
export function refreshConfigMaps(dataDir: string, pod: AcceptedPod, configMaps: ConfigMaps): readonly string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => {
    const data = volume.configMap === undefined ? undefined : configMaps.get(volume.configMap.name);
    const folder = configMapFolder(dataDir, pod, volume);
    if (data === undefined || !holdsConfigMap(folder)) return [];
    const trouble = writeConfigMap(folder, data);
    return trouble === null ? [] : [`Volume ${volume.name}: ${trouble}`];
  });
}

function configMapFolder(dataDir: string, pod: AcceptedPod, volume: Volume): string {
  return join(podFolder(dataDir, pod.id.uid), "config-map", volume.name);
}

function resolveConfigMap(folder: string, name: string, configMaps: ConfigMaps): Resolved {
  const data = configMaps.get(name);
  // A pod that was made from it goes on with what it has, over a crash too: the device may be offline for long.
  if (data === undefined)
    return holdsConfigMap(folder)
      ? { ok: true, path: folder }
      : { ok: false, message: `configmap "${name}" not found` };
  const trouble = writeConfigMap(folder, data);
  return trouble === null ? { ok: true, path: folder } : { ok: false, message: `configmap "${name}": ${trouble}` };
}

function resolveVolume(options: VolumesOptions, pod: AcceptedPod, volume: Volume, configMaps: ConfigMaps): Resolved {
  const writable = pod.spec.containers.some((container) =>
    (container.volumeMounts ?? []).some((mount) => mount.name === volume.name && !mount.readOnly),
  );
  if (volume.hostPath !== undefined) {
    return placeHostPath(options, { uid: pod.id.uid, volume: volume.name, path: volume.hostPath.path, writable });
  }
  if (volume.emptyDir?.medium === "Memory") return placeMemoryVolume(options.runDir, pod, volume.name);
  if (volume.emptyDir !== undefined) {
    // 0777 as the kubelet makes it: the container's user is not known to own anything here.
    return {
      ok: true,
      path: ensureFolder(join(podFolder(options.dataDir, pod.id.uid), "empty-dir", volume.name), 0o777),
    };
  }
  if (volume.configMap !== undefined) {
    return resolveConfigMap(configMapFolder(options.dataDir, pod, volume), volume.configMap.name, configMaps);
  }
  return { ok: false, message: `Volume ${volume.name} is of a kind that this version does not support` };
}

/** What a pod has in either folder is out of the way when this returns; what is mounted for it goes first. */
export function removeVolumes(
  { dataDir, runDir }: Pick<VolumesOptions, "dataDir" | "runDir">,
  uid: string,
  discarded: DiscardedFolders,
): void {
  removeHostPaths(runDir, uid);
  unmountMemoryVolumes(runDir, uid);
  for (const dir of [dataDir, runDir]) discarded.discard(podFolder(dir, uid));
}

/** Where the folders of pods are. */
export function parentsOfPods({ dataDir, runDir }: Pick<VolumesOptions, "dataDir" | "runDir">): readonly string[] {
  return [dataDir, runDir].map(podFoldersIn);
}

/** See PodFiles.podFolders. What is called otherwise than a uid is not ours to judge. */
export function podFolders({ dataDir, runDir }: Pick<VolumesOptions, "dataDir" | "runDir">): readonly string[] {
  const names = parentsOfPods({ dataDir, runDir }).flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []));
  return [...new Set([...names, ...hostPathPods(runDir)])].filter((name) =>
    /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name),
  );
}

export function forgetPod(dataDir: string, uid: string): void {
  rmSync(join(podFolder(dataDir, uid), savedPod), { force: true });
}

/**
 * The second copies of admitted pods, for a database that was lost: what cannot be read is left out, and named.
 * @returns the pods, and the files that could not be used
 */
export function savedPods(dataDir: string): {
  readonly pods: readonly AcceptedPod[];
  readonly unreadable: readonly string[];
} {
  const pods: AcceptedPod[] = [];
  const unreadable: string[] = [];
  const folder = podFoldersIn(dataDir);
  for (const uid of existsSync(folder) ? readdirSync(folder) : []) {
    // A pod that is being removed.
    if (uid.startsWith(".")) continue;
    const file = join(podFolder(dataDir, uid), savedPod);
    if (!existsSync(file)) continue;
    try {
      const pod = JSON.parse(readFileSync(file, "utf8")) as AcceptedPod;
      if (pod.id.uid === uid) pods.push(pod);
      else unreadable.push(file);
    } catch {
      unreadable.push(file);
    }
  }
  return { pods, unreadable };
}

export function savePod(dataDir: string, pod: AcceptedPod): void {
  replaceFile(join(podFolder(dataDir, pod.id.uid), savedPod), `${JSON.stringify(pod)}\n`, 0o600, { durable: true });
}
