import type { Moment } from "./container-history.ts";

/** One thing that happened, as `edge events` shows it. */
export interface PodEvent {
  readonly type: "Normal" | "Warning";
  /** namespace/name, or "" for the device itself. */
  readonly pod: string;
  readonly container: string;
  /** CamelCase, stable. */
  readonly reason: string;
  readonly message: string;
}

/** An event as it is kept: the same thing happening again is counted in it, not kept a second time. */
export interface KeptEvent extends PodEvent {
  /** Rises with every occurrence: an event that happens again moves to the end. */
  readonly id: number;
  /** The last time. */
  readonly at: Moment;
  /** The first time, in milliseconds since the epoch. */
  readonly firstWall: number;
  readonly count: number;
  /** How many of `count` the center has been told of, and when the first happened that it has not. */
  readonly reported: number;
  readonly unreportedWall: number;
}

/** How often it happened since the center was last told of it. */
export function newOccurrences({ count, reported: told }: Pick<KeptEvent, "count" | "reported">): number {
  return count - told;
}
