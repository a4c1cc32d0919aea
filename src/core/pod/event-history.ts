import type { Moment } from "./container-history.ts";
import { type KeptEvent, newOccurrences, type PodEvent } from "./event.ts";

/**
 * Which events are one, and which go when there are too many. A pod that crashes for a month must neither wear out the
 * flash nor push out what happened to the others.
 */

/** What a pod's events take up. */
export interface Share {
  readonly rows: number;
  readonly bytes: number;
}

export interface EventLimits {
  readonly eventsMaxRows: number;
  readonly eventsMaxBytes: number;
}

/** Rows that go: the oldest of one pod, or of all where `pod` is null; steps before warnings. */
export interface Trim {
  readonly pod: string | null;
  readonly rows: number;
}

/** Characters of a message that are kept: one event must not be able to fill the disk. */
export const maxEventCharacters = 4_096;
/**
 * Apart by more than this, two equal events are two incidents. It is above the longest wait between two restarts (300 s)
 * and the shortest run that ends a crash loop (600 s) together.
 */
const foldMs = 3_600_000;
/** Of the limits, what a pod may keep in any case; of the rows, how many go at once: looking for them is paid once. */
const part = 64;
/** What a row takes beside its texts: three times, a boot id, counts, and SQLite's own bytes. */
const rowBytes = 96;

/** Of a message, where it is asked whether two are the same. */
const comparedCharacters = 512;

/** Equal for events that tell the same: ids of containers and numbers of attempts tell nothing new. */
export function sameness({ type, pod, container, reason, message }: PodEvent): string {
  const comparable = message
    .slice(0, comparedCharacters)
    .replace(/\b[0-9a-f]{12,64}\b/g, "#")
    .replace(/\battempt \d+/g, "attempt #");
  return [type, pod, container, reason, comparable].join("\n");
}

/** Whether an equal event that happens at `at` is counted in this one. */
export function folds(before: Pick<KeptEvent, "at">, at: Moment): boolean {
  const apart = before.at.bootId === at.bootId ? at.mono - before.at.mono : Math.abs(at.wall - before.at.wall);
  return apart <= foldMs;
}

/**
 * The row of an event that has just happened.
 * @param before the newest row that tells the same, if there is one
 * @param next the id after the highest one, and up to which id the center has been told
 */
export function keep(
  before: KeptEvent | null,
  event: PodEvent,
  at: Moment,
  next: { readonly id: number; readonly reportedUpTo: number },
): KeptEvent {
  const { type, pod, container, reason } = event;
  const message = event.message.slice(0, maxEventCharacters);
  const now = { id: next.id, type, pod, container, reason, message, at };
  if (before === null || !folds(before, at)) {
    return { ...now, firstWall: at.wall, count: 1, reported: 0, unreportedWall: at.wall };
  }
  const isReported = before.id <= next.reportedUpTo;
  return {
    ...now,
    firstWall: before.firstWall,
    count: before.count + 1,
    reported: isReported ? before.count : before.reported,
    unreportedWall: isReported ? at.wall : before.unreportedWall,
  };
}

/** Occurrences in this row that the center has not been told of. */
export function unreported(row: Pick<KeptEvent, "id" | "count" | "reported">, reportedUpTo: number): number {
  return row.id <= reportedUpTo ? 0 : newOccurrences(row);
}

/** Bytes that a row counts for. */
export function eventBytes({ pod, container, reason, message }: PodEvent): number {
  return rowBytes + new TextEncoder().encode(`${pod}${container}${reason}${message}`).length;
}

export function total(shares: ReadonlyMap<string, Share>): Share {
  let rows = 0;
  let bytes = 0;
  for (const share of shares.values()) {
    rows += share.rows;
    bytes += share.bytes;
  }
  return { rows, bytes };
}

/**
 * What goes, null while everything fits. The pod that takes up most loses its oldest; where none has more than its
 * guaranteed part, the oldest of all go, so that pods long gone do not keep a living one from telling anything.
 */
export function trim(shares: ReadonlyMap<string, Share>, limits: EventLimits): Trim | null {
  const { rows, bytes } = total(shares);
  const isOver = rows > limits.eventsMaxRows;
  if (rows <= 1 || (!isOver && bytes <= limits.eventsMaxBytes)) return null;
  const size = (share: Share): number => (isOver ? share.rows : share.bytes);
  const least = (isOver ? limits.eventsMaxRows : limits.eventsMaxBytes) / part;
  const atOnce = (of: number): number => Math.min(Math.max(1, Math.floor(of / part)), of - 1);
  let most: readonly [string, Share] | null = null;
  for (const entry of shares) if (most === null || isMore(entry, most, size)) most = entry;
  if (most === null || most[1].rows === 1 || size(most[1]) <= least) {
    return { pod: null, rows: atOnce(rows) };
  }
  return { pod: most[0], rows: atOnce(most[1].rows) };
}

/** Of two that are equal the first by name, so that it does not hang on the order in which they came. */
function isMore(a: readonly [string, Share], b: readonly [string, Share], size: (share: Share) => number): boolean {
  const [more, than] = [size(a[1]), size(b[1])];
  return more > than || (more === than && a[0] < b[0]);
}
