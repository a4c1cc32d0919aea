import type { ObservedContainer } from "../../core/pod/observed.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Engine, EngineResult } from "../../ports/engine.ts";
import { withDeadline } from "../loop/deadline.ts";

const listDeadlineMs = 30_000;

export interface Observer {
  /**
   * Every container of a pod on the engine, of any install id, from a list that began after this call. Workers that ask
   * while one is under way share the next. A failed list is "unknown", never "empty".
   */
  look(signal: AbortSignal): Promise<EngineResult<readonly ObservedContainer[]>>;
  /** What the last list that succeeded showed; null before the first. */
  seen(): readonly ObservedContainer[] | null;
  /** Why the last list failed, null when it did not: an engine that hangs keeps its stream of events, and says nothing. */
  trouble(): string | null;
}

/** `turned` is called when the engine stops answering, and when it answers again. */
export function createObserver(engine: Engine, clock: Clock, turned: () => void = () => {}): Observer {
  let underWay: Promise<EngineResult<readonly ObservedContainer[]>> | null = null;
  let next: Promise<EngineResult<readonly ObservedContainer[]>> | null = null;
  let seen: readonly ObservedContainer[] | null = null;
  let trouble: string | null = null;

  function begin(signal: AbortSignal): Promise<EngineResult<readonly ObservedContainer[]>> {
    const list = withDeadline(clock, listDeadlineMs, signal, (deadline) => engine.list(deadline)).finally(() => {
      underWay = null;
    });
    underWay = list;
    return list.then(keep);
  }

  function keep(listed: EngineResult<readonly ObservedContainer[]>): EngineResult<readonly ObservedContainer[]> {
    if (listed.ok) seen = listed.value;
    const before = trouble;
    trouble = listed.ok ? null : listed.error.message;
    if (trouble !== before) turned();
    return listed;
  }

  return {
    look(signal) {
      if (underWay === null) return begin(signal);
      next ??= underWay.then(() => {
        next = null;
        return begin(signal);
      });
      return next;
    },
    seen: () => seen,
    trouble: () => trouble,
  };
}
