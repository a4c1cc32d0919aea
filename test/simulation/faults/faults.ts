import type { Dice } from "../../fakes/random.ts";
import type { Center } from "../world/center.ts";
import { podNames } from "../world/pod-specs.ts";
import type { World } from "../world/world.ts";
import type { Fault } from "./fault.ts";
import { ofAgent } from "./of-agent.ts";
import { ofCenter } from "./of-center.ts";
import { ofContainers } from "./of-containers.ts";
import { ofDevice } from "./of-device.ts";
import { ofEngine } from "./of-engine.ts";
import { ofLink } from "./of-link.ts";
import { ofNode } from "./of-node.ts";
import { unseen } from "./unseen.ts";

/** Everything that can happen to a device, by name. */
export const faults: Readonly<Record<string, Fault>> = {
  ...ofAgent,
  ...ofDevice,
  ...ofNode,
  ...ofLink,
  ...ofEngine,
  ...ofContainers,
  ...unseen,
  ...ofCenter,
};

/** Each name as often as it is to be drawn. */
export const weighted: readonly string[] = Object.entries(faults).flatMap(([name, { weight }]) =>
  Array.from({ length: weight }, () => name),
);

/** Makes one happen; the words for it, null when nothing could happen. */
export async function happen(name: string, world: World, center: Center, at: { subject: number; dice: Dice }) {
  const fault = faults[name];
  if (fault === undefined) throw new Error(`There is no fault ${name}`);
  return fault.happen({ world, center, pod: podNames[at.subject] ?? "a", dice: at.dice });
}
