import type { PodHistory } from "../../src/core/pod/container-history.ts";
import type { DesiredPod, TerminatingPod } from "../../src/core/pod/desired.ts";
import type { KeptEvent } from "../../src/core/pod/event.ts";
import type { AcceptedPod } from "../../src/core/pod/spec.ts";
import type { OutboxRow, StoredStatus } from "../../src/ports/store.ts";
import type { StoreLimits } from "../../src/sqlite/limits.ts";

/** Nothing in it is ever changed in place, so that undoing is going back to an older one. */
export interface State {
  readonly facts: ReadonlyMap<string, string>;
  readonly desired: ReadonlyMap<string, Kept<DesiredPod> & { readonly previous: Kept<AcceptedPod> | null }>;
  readonly terminating: ReadonlyMap<number, Kept<TerminatingPod>>;
  readonly deleted: ReadonlyMap<string, string>;
  readonly histories: ReadonlyMap<string, Kept<PodHistory>>;
  readonly npus: ReadonlyMap<string, string>;
  readonly statuses: ReadonlyMap<string, Kept<StoredStatus>>;
  readonly replies: ReadonlyMap<string, string>;
  readonly configMaps: ReadonlyMap<string, string>;
  readonly credentials: ReadonlyMap<string, string>;
  readonly outbox: readonly OutboxRow[];
  /** With what is asked of each time another one comes. */
  readonly events: readonly { readonly value: KeptEvent; readonly key: string; readonly bytes: number }[];
  readonly leavingSeq: number;
  readonly outboxSeq: number;
  readonly eventSeq: number;
  readonly eventsTold: number;
  readonly eventsDropped: number;
  readonly dropped: number;
  readonly writes: number;
}

export const empty: State = {
  facts: new Map(),
  desired: new Map(),
  terminating: new Map(),
  deleted: new Map(),
  histories: new Map(),
  npus: new Map(),
  statuses: new Map(),
  replies: new Map(),
  configMaps: new Map(),
  credentials: new Map(),
  outbox: [],
  events: [],
  leavingSeq: 0,
  outboxSeq: 0,
  eventSeq: 0,
  eventsTold: 0,
  eventsDropped: 0,
  dropped: 0,
  writes: 0,
};

/** A value as a disk would keep it: nobody's later change reaches it. Reading it again costs nothing. */
export interface Kept<T> {
  readonly json: string;
  /** Frozen through and through. */
  readonly value: T;
}

export function kept<T>(value: T): Kept<T> {
  return keptAs(JSON.stringify(value));
}

/** The same, null when it is what was kept before. */
export function keptAnew<T>(value: T, before: Kept<T> | undefined): Kept<T> | null {
  const json = JSON.stringify(value);
  return json === before?.json ? null : keptAs(json);
}

function keptAs<T>(json: string): Kept<T> {
  return { json, value: frozen(JSON.parse(json)) };
}

function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

/** What the parts of the fake share. */
export interface Room {
  readonly limits: StoreLimits;
  called(name: string): void;
  change(next: Partial<State>): void;
  state(): State;
}

export function withEntry<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}

export function withoutEntry<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}

/** Adds an entry as the newest and forgets the oldest beyond `limit`. */
export function newestEntries<K, V>(map: ReadonlyMap<K, V>, key: K, value: V, limit: number): ReadonlyMap<K, V> {
  return new Map([...withoutEntry(map, key), [key, value] as const].slice(-limit));
}
