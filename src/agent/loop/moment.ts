import type { Moment } from "../../core/pod/container-history.ts";
import type { Clock } from "../../ports/clock.ts";

/** Now, in all three of the clock's terms. */
export function momentOf(clock: Clock): Moment {
  return { wall: clock.wall(), mono: clock.mono(), bootId: clock.bootId() };
}
