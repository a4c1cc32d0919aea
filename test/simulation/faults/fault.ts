import type { Dice } from "../../fakes/random.ts";
import type { PodState } from "../campaign/states.ts";
import type { Center } from "../world/center.ts";
import type { World } from "../world/world.ts";

/** Where a fault happens. */
export interface Site {
  readonly world: World;
  readonly center: Center;
  /** Name of the pod that it is about. */
  readonly pod: string;
  readonly dice: Dice;
}

export interface Fault {
  /** How often it is drawn, beside the others. */
  readonly weight: number;
  /** Happens to one pod; without it, to the whole device. */
  readonly ofPod?: true;
  /** States that a pod cannot be in when this happens to it. */
  readonly never?: readonly PodState[];
  /** Makes it happen, and says so in words; null when there is nothing that it could happen to. */
  readonly happen: (site: Site) => string | null | Promise<string | null>;
}

/** States in which a pod has no container. */
export const withoutContainer = ["absent", "gone"] as const;
