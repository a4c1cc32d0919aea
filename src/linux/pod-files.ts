import { join } from "node:path";
import type { Policy } from "../core/admission/policy.ts";
import type { PodFiles } from "../ports/pod-files.ts";
import { mountedElsewhere } from "./mounted.ts";
import { groupsOf } from "./process-groups.ts";
import { resolvConf } from "./resolv-conf.ts";
import { terminationLogs } from "./termination-logs.ts";
import { forgetPod, podFolders, prepareVolumes, refreshConfigMaps, removeVolumes, savePod } from "./volumes.ts";

export interface PodFileOptions {
  readonly dataDir: string;
  readonly runDir: string;
  readonly policy: () => Policy;
  /** What no pod may see, whatever the policy says: the engine tells where its own folder is. */
  readonly protectedPaths: () => readonly string[];
}

/** The files of pods under the data folder, and what Linux shows of their processes. */
export function linuxPodFiles(options: PodFileOptions): PodFiles {
  const { dataDir } = options;
  const names = resolvConf({ dataDir });
  const volumes = { ...options, resolvConf: names.path };
  return {
    terminationLogs: terminationLogs(dataDir),
    prepareVolumes: (pod, covered, configMaps) => prepareVolumes(volumes, pod, covered, configMaps),
    refreshConfigMaps: (pod, configMaps) => refreshConfigMaps(dataDir, pod, configMaps),
    mountedElsewhere: (pid, mounts) => mountedElsewhere(join("/proc", String(pid), "root"), mounts),
    groupsOf: (pid) => groupsOf(pid),
    refreshResolvConf: names.refresh,
    removeVolumes: (uid) => removeVolumes(options, uid),
    podFolders: () => podFolders(options),
    savePod: (pod) => savePod(dataDir, pod),
    forgetPod: (uid) => forgetPod(dataDir, uid),
  };
}
