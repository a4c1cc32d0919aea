import type { ObservedContainer } from "../../core/pod/observed.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Engine, EngineResult } from "../../ports/engine.ts";
import { withDeadline } from "../loop/deadline.ts";

const listDeadlineMs = 30_000;

/** What one of our own calls has made of a container; null where it is gone. */
export interface OwnChange {
  readonly id: string;
  readonly container: ObservedContainer | null;
}

export interface ContainerLister {
  /**
   * Every container of a pod on the engine, of any install id, with what our own calls have changed since the list began.
   * A failed list is "unknown", never "empty".
   * @param after the list has to be a later one than this (see `begun`); without it one that begins after this call
   */
  list(signal: AbortSignal, after?: number): Promise<EngineResult<readonly ObservedContainer[]>>;
  /** How many lists have begun. What happened before now shows in the lists after this one. */
  begun(): number;
  /** Our own calls have changed this: no list is needed to know it. */
  changed(changes: readonly OwnChange[]): void;
  /** The engine has gone, or come back: what was listed before is known no more. */
  outdate(): void;
  /** Every container as far as it is known; null before the first list that succeeded. */
  lastListed(): readonly ObservedContainer[] | null;
  /** Wall milliseconds of the last list that succeeded; null before the first. */
  listedAt(): number | null;
  /** Why the last list failed, null when it did not: an engine that hangs keeps its stream of events, and says nothing. */
  unavailableBecause(): string | null;
}

type Listed = EngineResult<readonly ObservedContainer[]>;

/** A change of ours, and the last list that had begun when it was known: that one may not show it yet. */
interface NumberedChange extends OwnChange {
  readonly begun: number;
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
  let begun = 0;
  /** Lists up to this one are of an engine that has gone. */
  let outdated = 0;
  let underWay: { readonly number: number; readonly result: Promise<Listed> } | null = null;
  let next: Promise<Listed> | null = null;
  let last: { readonly number: number; readonly containers: readonly ObservedContainer[] } | null = null;
  let changes: readonly NumberedChange[] = [];
  let listedAt: number | null = null;
  let unavailableBecause: string | null = null;

  function startList(signal: AbortSignal): Promise<Listed> {
    begun += 1;
    const number = begun;
    const list = withDeadline(clock, listDeadlineMs, signal, (deadline) => engine.list(deadline)).finally(() => {
      underWay = null;
    });
    const result = list.then((listed) => rememberList(number, listed));
    underWay = { number, result };
    return result;
  }

  function rememberList(number: number, result: Listed): Listed {
    const before = unavailableBecause;
    unavailableBecause = result.ok ? null : result.error.message;
    if (unavailableBecause !== before) onAvailabilityChanged();
    if (!result.ok) return result;
    changes = changes.filter((change) => change.begun >= number);
    last = { number, containers: withChanges(result.value, changes) };
    listedAt = clock.wall();
    onListed(result.value);
    return { ok: true, value: last.containers };
  }

  return {
    list(signal, after = begun) {
      const least = Math.max(after, outdated);
      if (last !== null && last.number > least) return Promise.resolve({ ok: true, value: last.containers });
      if (underWay === null) return startList(signal);
      if (underWay.number > least) return underWay.result;
      next ??= underWay.result.then(() => {
        next = null;
        return startList(signal);
      });
      return next;
    },
    begun: () => begun,
    changed(own) {
      changes = [...changes, ...own.map(({ id, container }) => ({ id, container, begun }))];
      if (last !== null) last = { number: last.number, containers: withChanges(last.containers, own) };
    },
    outdate() {
      outdated = begun;
    },
    lastListed: () => last?.containers ?? null,
    listedAt: () => listedAt,
    unavailableBecause: () => unavailableBecause,
  };
}

function withChanges(
  containers: readonly ObservedContainer[],
  changes: readonly OwnChange[],
): readonly ObservedContainer[] {
  if (changes.length === 0) return containers;
  const known = new Map(containers.map((container) => [container.id, container]));
  for (const { id, container } of changes) {
    if (container === null) known.delete(id);
    else known.set(id, container);
  }
  return [...known.values()];
}
