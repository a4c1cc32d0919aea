import type { EventRow, OutboxRow, RepeatKey, Store } from "../../src/ports/store.ts";
import { maxEventCharacters } from "../../src/sqlite/limits.ts";
import { newestEntries, type Room } from "./store-state.ts";

export function replies({ called, change, state, limits }: Room): Pick<Store, "repeatedReply" | "rememberReply"> {
  return {
    repeatedReply(key) {
      called("repeatedReply");
      return state().replies.get(repeatText(key)) ?? null;
    },
    rememberReply(key, reply) {
      called("rememberReply");
      change({ replies: newestEntries(state().replies, repeatText(key), reply, limits.repliesMaxRows) });
    },
  };
}

export function outbox(room: Room): Pick<Store, "appendOutbox" | "outbox" | "releaseOutbox" | "outboxCounts"> {
  const { called, change, state, limits } = room;
  return {
    appendOutbox(kind, text) {
      called("appendOutbox");
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
    outbox(after, limit) {
      called("outbox");
      return state()
        .outbox.filter((row) => row.id > after)
        .slice(0, Math.max(0, limit));
    },
    releaseOutbox(ids) {
      called("releaseOutbox");
      const released = new Set(ids);
      const kept = state().outbox.filter((row) => !released.has(row.id));
      if (kept.length < state().outbox.length) change({ outbox: kept });
    },
    outboxCounts() {
      called("outboxCounts");
      return { pending: state().outbox.length, bytes: sumBytes(state().outbox), dropped: state().dropped };
    },
  };
}

export function events({ called, change, state, limits }: Room): Pick<Store, "appendEvent" | "events"> {
  return {
    appendEvent({ type, pod, container, reason, message }, at) {
      called("appendEvent");
      const id = state().eventSeq + 1;
      const text = message.slice(0, maxEventCharacters);
      const row: EventRow = structuredClone({ id, at, type, pod, container, reason, message: text });
      change({ events: [...state().events, row].slice(-limits.eventsMaxRows), eventSeq: id });
    },
    events({ pod, after, limit }) {
      called("events");
      const isWanted = (row: EventRow) =>
        row.id > (after ?? 0) && (pod === undefined || row.pod === pod || nameOf(row.pod) === pod);
      const rows = state().events.filter(isWanted);
      if (limit <= 0) return [];
      return after === undefined ? rows.slice(-limit) : rows.slice(0, limit);
    },
  };
}

function nameOf(pod: string): string {
  return pod.slice(pod.indexOf("/") + 1);
}

function sumBytes(rows: readonly OutboxRow[]): number {
  return rows.reduce((sum, row) => sum + Buffer.byteLength(row.text), 0);
}

function repeatText(key: RepeatKey): string {
  return JSON.stringify([key.messageId, key.operation, key.resource, key.contentHash]);
}
