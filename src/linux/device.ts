// linux: the device port on Linux: clock, files, mounts, facts from /proc.

import { statfsSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import type { Policy } from "../core/admission/policy.ts";
import type { Device } from "../ports/device.ts";
import { hostIp } from "./addresses.ts";
import { forgetUdpSenders } from "./conntrack.ts";
import { readMachine } from "./machine.ts";
import { mountedElsewhere } from "./mounted.ts";
import { readFacts } from "./node-facts.ts";
import { npuNodes } from "./npu.ts";
import { groupsOf } from "./process-groups.ts";
import { resolvConf } from "./resolv-conf.ts";
import { terminationLogs } from "./termination-logs.ts";
import { readUsage } from "./usage.ts";
import { forgetPod, podFolders, prepareVolumes, refreshConfigMaps, removeVolumes, savePod } from "./volumes.ts";

export interface DeviceOptions {
  readonly dataDir: string;
  readonly runDir: string;
  /** Where the nodes of NPUs are: `/dev`. */
  readonly deviceDir: string;
  /** Host part of the centre's URL. */
  readonly centerHost: string;
  readonly policy: () => Policy;
  /** What no pod may see, whatever the policy says: the engine tells where its own folder is. */
  readonly protectedPaths: () => readonly string[];
}

/** This box, as Linux shows it. */
export function linuxDevice(options: DeviceOptions): Device {
  const { dataDir } = options;
  const names = resolvConf({ dataDir });
  const volumes = { ...options, resolvConf: names.path };
  return {
    nodeFacts: () => readFacts({ systemReserved: options.policy().systemReserved, dev: options.deviceDir }),
    npus: () => npuNodes(options.deviceDir),
    freeBytes() {
      const { bavail, bsize } = statfsSync(dataDir);
      return bavail * bsize;
    },
    machine: readMachine,
    usage: (engineRoot) => readUsage({ dataDir, engineRoot }),
    hostIp: () => hostIp(options.centerHost),
    memoryBytes: totalmem,
    terminationLogs: terminationLogs(dataDir),
    prepareVolumes: (pod, covered, configMaps) => prepareVolumes(volumes, pod, covered, configMaps),
    refreshConfigMaps: (pod, configMaps) => refreshConfigMaps(dataDir, pod, configMaps),
    mountedElsewhere: (pid, mounts) => mountedElsewhere(join("/proc", String(pid), "root"), mounts),
    groupsOf: (pid) => groupsOf(pid),
    forgetUdpSenders,
    refreshResolvConf: names.refresh,
    removeVolumes: (uid) => removeVolumes(options, uid),
    podFolders: () => podFolders(options),
    savePod: (pod) => savePod(dataDir, pod),
    forgetPod: (uid) => forgetPod(dataDir, uid),
  };
}
