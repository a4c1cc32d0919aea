import { join } from "node:path";
import type { Policy } from "../core/admission/policy.ts";
import type { PodFiles } from "../ports/pod-files.ts";
import { discardedFolders } from "./discarded-folders.ts";
import { mountedElsewhere } from "./mounted.ts";
import { groupsOf } from "./process-groups.ts";
import { resolvConf } from "./resolv-conf.ts";
import { terminationLogs } from "./termination-logs.ts";
import {
  forgetPod,
  parentsOfPods,
  podFolders,
  prepareVolumes,
  refreshConfigMaps,
  removeVolumes,
  savePod,
} from "./volumes.ts";

export interface PodFileOptions {
  readonly dataDir: string;
  readonly runDir: string;
  readonly policy: () => Policy;
  /** What no pod may see, whatever the policy says: the engine tells where its own folder is. */
  readonly protectedPaths: () => readonly string[];
  /** Ends the removal of what pods have left; what is left then goes with the next start. */
  readonly lifetime?: AbortSignal;
}

/** The files of pods under the data folder, and what Linux shows of their processes. */
export function linuxPodFiles(options: PodFileOptions): PodFiles {
  const { dataDir } = options;
  const names = resolvConf({ dataDir });
  const discarded = discardedFolders(parentsOfPods(options), options.lifetime);
  const volumes = { ...options, resolvConf: names.path };
  return {
    terminationLogs: terminationLogs(dataDir),
    prepareVolumes: (pod, covered, configMaps) => prepareVolumes(volumes, pod, covered, configMaps),
    refreshConfigMaps: (pod, configMaps) => refreshConfigMaps(dataDir, pod, configMaps),
    mountedElsewhere: (pid, mounts) => mountedElsewhere(join("/proc", String(pid), "root"), mounts),
    groupsOf: (pid) => groupsOf(pid),
    refreshResolvConf: names.refresh,
    removeVolumes: (uid) => removeVolumes(options, uid, discarded),
    podFolders: () => podFolders(options),
    savePod: (pod) => savePod(dataDir, pod),
    forgetPod: (uid) => forgetPod(dataDir, uid),
  };
}
