import type { ObservedContainer } from "../../core/pod/observed.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Engine, EngineResult } from "../../ports/engine.ts";
import { withDeadline } from "../loop/deadline.ts";

const listDeadlineMs = 30_000;

export interface ContainerLister {
  /**
   * Every container of a pod on the engine, of any install id, from a list that began after this call. Workers that ask
   * while one is under way share the next. A failed list is "unknown", never "empty".
   */
  list(signal: AbortSignal): Promise<EngineResult<readonly ObservedContainer[]>>;
  /** What the last list that succeeded showed; null before the first. */
  lastListed(): readonly ObservedContainer[] | null;
  /** Wall milliseconds of the last list that succeeded; null before the first. */
  listedAt(): number | null;
  /** Why the last list failed, null when it did not: an engine that hangs keeps its stream of events, and says nothing. */
  unavailableBecause(): string | null;
}

/**
 * @param onAvailabilityChanged called when the engine stops answering, and when it answers again
 * @param onListed called with what every list that succeeded has shown
 */
export function createContainerLister(
  engine: Engine,
  clock: Clock,
  onAvailabilityChanged: () => void = () => {},
  onListed: (containers: readonly ObservedContainer[]) => void = () => {},
): ContainerLister {
  let underWay: Promise<EngineResult<readonly ObservedContainer[]>> | null = null;
  let next: Promise<EngineResult<readonly ObservedContainer[]>> | null = null;
  let listed: readonly ObservedContainer[] | null = null;
  let listedAt: number | null = null;
  let unavailableBecause: string | null = null;

  function startList(signal: AbortSignal): Promise<EngineResult<readonly ObservedContainer[]>> {
    const list = withDeadline(clock, listDeadlineMs, signal, (deadline) => engine.list(deadline)).finally(() => {
      underWay = null;
    });
    underWay = list;
    return list.then(rememberList);
  }

  function rememberList(
    result: EngineResult<readonly ObservedContainer[]>,
  ): EngineResult<readonly ObservedContainer[]> {
    if (result.ok) {
      listed = result.value;
      listedAt = clock.wall();
    }
    const before = unavailableBecause;
    unavailableBecause = result.ok ? null : result.error.message;
    if (unavailableBecause !== before) onAvailabilityChanged();
    if (result.ok) onListed(result.value);
    return result;
  }

  return {
    list(signal) {
      if (underWay === null) return startList(signal);
      next ??= underWay.then(() => {
        next = null;
        return startList(signal);
      });
      return next;
    },
    lastListed: () => listed,
    listedAt: () => listedAt,
    unavailableBecause: () => unavailableBecause,
  };
}
