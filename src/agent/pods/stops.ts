import type { Action } from "../../core/pod/action.ts";
import type { StopUnderWay } from "../../core/pod/cause.ts";
import type { Clock } from "../../ports/clock.ts";

/** The stops that the engine is just carrying out. */
export interface Stops {
  /** Gives what ends it. */
  begin(action: Extract<Action, { kind: "stop" }>): () => void;
  /** By container id. */
  underWay(): ReadonlyMap<string, StopUnderWay>;
}

/**
 * A container has seconds or minutes to stop, and its pod is Running all that time: people want to know what goes on.
 * @param onChanged hears of every begin and end
 */
export function createStops(clock: Clock, onChanged: () => void): Stops {
  const stops = new Map<string, StopUnderWay>();
  return {
    begin({ id, graceSeconds, because }) {
      const stop = { because, untilWall: clock.wall() + graceSeconds * 1000 };
      stops.set(id, stop);
      onChanged();
      return () => {
        if (stops.get(id) === stop) stops.delete(id);
        onChanged();
      };
    },
    underWay: () => stops,
  };
}
