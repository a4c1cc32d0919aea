// linux: the ports to the device on Linux: clock, files, mounts, facts from /proc.

import { statfsSync } from "node:fs";
import { totalmem } from "node:os";
import type { Policy } from "../core/admission/policy.ts";
import type { NodeDevice } from "../ports/node-device.ts";
import { hostIp } from "./addresses.ts";
import { forgetUdpSenders } from "./conntrack.ts";
import { readMachine } from "./machine.ts";
import { readFacts } from "./node-facts.ts";
import { npuNodes } from "./npu.ts";
import { portUser } from "./port-user.ts";
import { readUsage } from "./usage.ts";

export interface DeviceOptions {
  readonly dataDir: string;
  /** Where the nodes of NPUs are: `/dev`. */
  readonly deviceDir: string;
  /** Host part of the center's URL; null without a center. */
  readonly centerHost: string | null;
  readonly policy: () => Policy;
}

/** This box, as Linux shows it. */
export function linuxDevice(options: DeviceOptions): NodeDevice {
  const { dataDir } = options;
  return {
    nodeFacts: () => readFacts({ systemReserved: options.policy().systemReserved, dev: options.deviceDir }),
    portUser,
    npus: () => npuNodes(options.deviceDir),
    freeBytes() {
      const { bavail, bsize } = statfsSync(dataDir);
      return bavail * bsize;
    },
    machine: readMachine,
    usage: (engineRoot) => readUsage({ dataDir, engineRoot }),
    hostIp: () => hostIp(options.centerHost),
    memoryBytes: totalmem,
    forgetUdpSenders,
  };
}
