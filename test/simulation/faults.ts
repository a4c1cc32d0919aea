import type { Centre } from "./centre.ts";
import type { Fault } from "./faults/fault.ts";
import { ofAgent } from "./faults/of-agent.ts";
import { ofCentre } from "./faults/of-centre.ts";
import { ofContainers } from "./faults/of-containers.ts";
import { ofEngine } from "./faults/of-engine.ts";
import { ofLink } from "./faults/of-link.ts";
import { ofNode } from "./faults/of-node.ts";
import { unseen } from "./faults/unseen.ts";
import { type Dice, podNames } from "./steps.ts";
import type { World } from "./world.ts";

/** Everything that can happen to a device, by name. */
export const faults: Readonly<Record<string, Fault>> = {
  ...ofAgent,
  ...ofNode,
  ...ofLink,
  ...ofEngine,
  ...ofContainers,
  ...unseen,
  ...ofCentre,
};

/** Each name as often as it is to be drawn. */
export const weighted: readonly string[] = Object.entries(faults).flatMap(([name, { weight }]) =>
  Array.from({ length: weight }, () => name),
);

/** Makes one happen; the words for it, null when nothing could happen. */
export async function happen(name: string, world: World, centre: Centre, at: { subject: number; dice: Dice }) {
  const fault = faults[name];
  if (fault === undefined) throw new Error(`There is no fault ${name}`);
  return fault.happen({ world, centre, pod: podNames[at.subject] ?? "a", dice: at.dice });
}
