import type { KeptEvent } from "../../src/core/pod/event.ts";
import { eventBytes, keep, type Share, sameness, trim, unreported } from "../../src/core/pod/event-history.ts";
import type { OutboxRow, RepeatKey, Store } from "../../src/ports/store.ts";
import { kept, newestEntries, type Room, type State } from "./store-state.ts";

export function replies({ called, change, state, limits }: Room): Store["replies"] {
  return {
    repeated(key) {
      called("replies.repeated");
      return state().replies.get(repeatText(key)) ?? null;
    },
    remember(key, reply) {
      called("replies.remember");
      change({ replies: newestEntries(state().replies, repeatText(key), reply, limits.repliesMaxRows) });
    },
  };
}

export function outbox(room: Room): Store["outbox"] {
  const { called, change, state, limits } = room;
  return {
    append(kind, text) {
      called("outbox.append");
      const size = Buffer.byteLength(text);
      const rows = state().outbox;
      let bytes = sumBytes(rows) + size;
      let count = rows.length + 1;
      const dropped = new Set<number>();
      for (const row of rows) {
        if (bytes <= limits.outboxMaxBytes && count <= limits.outboxMaxMessages) break;
        if (row.kind === "reply") continue;
        dropped.add(row.id);
        bytes -= Buffer.byteLength(row.text);
        count -= 1;
      }
      if (bytes > limits.outboxMaxBytes || count > limits.outboxMaxMessages) {
        // Dropping others would not have made room for it, so it is the one that goes.
        if (kind === "record") change({ dropped: state().dropped + 1 });
        return null;
      }
      const id = state().outboxSeq + 1;
      change({
        outbox: [...rows.filter((row) => !dropped.has(row.id)), { id, kind, text }],
        outboxSeq: id,
        dropped: state().dropped + dropped.size,
      });
      return id;
    },
    list(after, limit) {
      called("outbox.list");
      return state()
        .outbox.filter((row) => row.id > after)
        .slice(0, Math.max(0, limit));
    },
    release(ids) {
      called("outbox.release");
      const released = new Set(ids);
      const kept = state().outbox.filter((row) => !released.has(row.id));
      if (kept.length < state().outbox.length) change({ outbox: kept });
    },
    counts() {
      called("outbox.counts");
      return { pending: state().outbox.length, bytes: sumBytes(state().outbox), dropped: state().dropped };
    },
  };
}

export function events(room: Room): Store["events"] {
  const { called, change, state } = room;
  return {
    append(event, at) {
      called("events.append");
      const key = sameness(event);
      const before = state().events.findLast((row) => row.key === key) ?? null;
      const next = { id: state().eventSeq + 1, reportedUpTo: state().eventsTold };
      const row = kept(keep(before?.value ?? null, event, at, next)).value;
      const others = row.count > 1 ? state().events.filter((one) => one !== before) : state().events;
      change({ events: [...others, { value: row, key, bytes: eventBytes(row) }], eventSeq: row.id });
      trimEvents(room);
    },
    list({ pod, after, limit }) {
      called("events.list");
      const isWanted = (row: KeptEvent) =>
        row.id > (after ?? 0) && (pod === undefined || row.pod === pod || nameOf(row.pod) === pod);
      const rows = valuesOf(state().events).filter(isWanted);
      if (limit <= 0) return [];
      return after === undefined ? rows.slice(-limit) : rows.slice(0, limit);
    },
    unreported(limit) {
      called("events.unreported");
      return valuesOf(state().events)
        .filter((row) => row.id > state().eventsTold)
        .slice(0, Math.max(0, limit));
    },
    markReported(upTo) {
      called("events.markReported");
      if (upTo > state().eventsTold) change({ eventsTold: upTo });
    },
    counts() {
      called("events.counts");
      return { rows: state().events.length, bytes: bytesOf(state().events), dropped: state().eventsDropped };
    },
  };
}

function trimEvents({ change, state, limits }: Room): void {
  const isOver = (rows: State["events"]): boolean =>
    rows.length > limits.eventsMaxRows || bytesOf(rows) > limits.eventsMaxBytes;
  while (isOver(state().events)) {
    const next = trim(sharesOf(state().events), limits);
    if (next === null) return;
    const { pod, rows } = next;
    const may = state().events.filter(({ value: { id, pod: of } }) => id < state().eventSeq && (pod ?? of) === of);
    const steps = may.filter(({ value }) => value.type === "Normal");
    const gone = new Set([...steps, ...may.filter(({ value }) => value.type === "Warning")].slice(0, rows));
    const unheard = [...gone].reduce((sum, { value }) => sum + unreported(value, state().eventsTold), 0);
    change({
      events: state().events.filter((row) => !gone.has(row)),
      eventsDropped: state().eventsDropped + unheard,
    });
  }
}

function sharesOf(rows: State["events"]): ReadonlyMap<string, Share> {
  const shares = new Map<string, Share>();
  for (const { value, bytes } of rows) {
    const before = shares.get(value.pod) ?? { rows: 0, bytes: 0 };
    shares.set(value.pod, { rows: before.rows + 1, bytes: before.bytes + bytes });
  }
  return shares;
}

const valuesOf = (rows: State["events"]): readonly KeptEvent[] => rows.map(({ value }) => value);

const bytesOf = (rows: State["events"]): number => rows.reduce((sum, { bytes }) => sum + bytes, 0);

function nameOf(pod: string): string {
  return pod.slice(pod.indexOf("/") + 1);
}

function sumBytes(rows: readonly OutboxRow[]): number {
  return rows.reduce((sum, row) => sum + Buffer.byteLength(row.text), 0);
}

function repeatText(key: RepeatKey): string {
  return JSON.stringify([key.messageId, key.operation, key.resource, key.contentHash]);
}
