import type { NodeUsage } from "../../../src/core/node/usage.ts";
import { roomy } from "../../fakes/device.ts";
import type { Center } from "../world/center.ts";
import { npuNames } from "../world/pod-specs.ts";
import type { World } from "../world/world.ts";
import type { Fault } from "./fault.ts";

const shortages: readonly Partial<NodeUsage>[] = [
  { memory: { totalBytes: 2 ** 33, availableBytes: 2 ** 20 } },
  { engineDisk: { totalBytes: 2 ** 35, freeBytes: 2 ** 20, inodes: null } },
  { processes: { running: 32_000, most: 32_768 } },
  { memory: null, dataDisk: null, engineDisk: null, processes: null },
];

/** What the device runs short of. */
export const ofNode: Readonly<Record<string, Fault>> = {
  shortage: {
    weight: 2,
    happen({ world, dice }) {
      const short = dice.pick(shortages);
      world.device.usage({ ...roomy, ...short });
      return `short, or no longer to be read: ${Object.keys(short).join(", ")}`;
    },
  },
  npusGo: {
    weight: 2,
    happen({ world, center, dice }) {
      const left = npuNames.filter(() => dice.below(2) === 0);
      haveNpus(world, center, left);
      return `of the NPUs there are ${left.join(", ") || "none"}`;
    },
  },
  npusCome: {
    weight: 3,
    happen({ world, center }) {
      haveNpus(world, center, npuNames);
      return "all NPUs are there";
    },
  },
  plenty: {
    weight: 3,
    happen({ world }) {
      world.device.usage(roomy);
      return "there is enough of everything";
    },
  },
};

/** These NPUs are there from now on, and no other. */
export function haveNpus({ device }: World, center: Center, names: readonly string[]): void {
  device.npus(names);
  center.mayRefuse("there are too few NPUs", names.length < npuNames.length);
}
