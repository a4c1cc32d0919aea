import type { KeptEvent } from "../../core/pod/event.ts";
import { eventBytes } from "../../core/pod/event-history.ts";
import { type Gap, historyReport } from "../../core/protocol/event-history.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { Store } from "../../ports/store.ts";
import { messageIds } from "../loop/message-ids.ts";

export interface ReplayParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

/** Events in one message, at most; how many bytes they may have, the line decides. */
const eventsAtOnce = 64;
const mostBytes = 65_536;
const fact = "historyGap";

/**
 * Puts the next part of the history into the outbox, and what is missing from it: one commit with the note of how far it
 * was told, so that nothing is told twice and nothing never.
 * @param bytes how much of it; one event always goes
 * @returns whether there is more to tell at once
 */
export function replayNext({ store, clock, random }: ReplayParts, bytes: number): boolean {
  const waiting = store.events.unreported(eventsAtOnce);
  const events = upTo(waiting, Math.min(bytes, mostBytes));
  const reported = JSON.parse(store.getMeta(fact) ?? '{"events":0,"messages":0}') as Gap;
  const now: Gap = { events: store.events.counts().dropped, messages: store.outbox.counts().dropped };
  const missing: Gap = { events: now.events - reported.events, messages: now.messages - reported.messages };
  if (events.length === 0 && missing.events === 0 && missing.messages === 0) return false;
  return store.transaction("normal", () => {
    const text = historyReport(events, missing, messageIds({ clock, random }));
    if (store.outbox.append("record", text) === null) return false;
    store.events.markReported(events.at(-1)?.id ?? 0);
    store.setMeta(fact, JSON.stringify(now));
    return events.length < waiting.length || waiting.length === eventsAtOnce;
  });
}

function upTo(events: readonly KeptEvent[], bytes: number): readonly KeptEvent[] {
  let sum = 0;
  const fitting = events.findIndex((event) => {
    sum += eventBytes(event);
    return sum > bytes;
  });
  return fitting === -1 ? events : events.slice(0, Math.max(1, fitting));
}
