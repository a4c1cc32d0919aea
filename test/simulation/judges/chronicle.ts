import type { KeptEvent, PodEvent } from "../../../src/core/pod/event.ts";
import { newOccurrences } from "../../../src/core/pod/event.ts";
import { sameness } from "../../../src/core/pod/event-history.ts";
import type { Store } from "../../../src/ports/store.ts";

/** What has happened beside what the center was told of it: each occurrence once, in order. */
export interface Chronicle {
  /** An event was committed. */
  happened(event: PodEvent): void;
  /** A message arrived at the center. */
  arrived(text: string): void;
  /** A power cut or a lost folder took back some of it: what there is to tell is what the store still knows. */
  beginAnew(store: Pick<Store, "events" | "outbox">): void;
  faults(): readonly string[];
  /** Occurrences that the center has not heard of; null when the device had no room for all and said so. */
  untold(): number | null;
}

interface Told extends PodEvent {
  readonly count: number;
}

const route = '"websocket/podhistory"';
const all = 100_000;

export function createChronicle(): Chronicle {
  /** By what is the same: when each occurrence happened, the ones that were told left out. */
  let ahead = new Map<string, number[]>();
  let now = 0;
  let reportedUpTo = -1;
  let isMissing = false;
  const heard = new Set<string>();
  const faults: string[] = [];

  function add(event: PodEvent, at: number): void {
    const key = sameness(event);
    const times = ahead.get(key);
    if (times === undefined) ahead.set(key, [at]);
    else times.push(at);
  }

  function tell(event: Told): void {
    const times = ahead.get(sameness(event)) ?? [];
    const its = times.splice(0, event.count);
    const words = `${event.reason} of ${event.pod}/${event.container}`;
    if (its.length < event.count) faults.push(`2: ${words} was told ${event.count - its.length} times too often`);
    const last = its.at(-1) ?? reportedUpTo;
    if (last < reportedUpTo) faults.push(`2: ${words} was told after what came later`);
    reportedUpTo = Math.max(reportedUpTo, last);
  }

  return {
    happened(event) {
      now += 1;
      add(event, now);
    },
    arrived(text) {
      if (!text.includes(route)) return;
      const { id, events, missing } = read(text);
      if (heard.has(id)) return;
      heard.add(id);
      isMissing ||= missing;
      if (!isMissing) events.forEach(tell);
    },
    beginAnew(store) {
      ahead = new Map();
      const waiting = store.outbox.list(0, all).flatMap(({ text }) => (text.includes(route) ? [read(text)] : []));
      const unheard = waiting.filter(({ id }) => !heard.has(id)).flatMap(({ events }) => events);
      for (const event of [...unheard, ...store.events.unreported(all).map(asTold)]) {
        now += 1;
        for (let count = 0; count < event.count; count += 1) add(event, now);
      }
    },
    faults: () => faults,
    untold: () => (isMissing ? null : [...ahead.values()].reduce((sum, { length }) => sum + length, 0)),
  };
}

const asTold = (event: KeptEvent): Told => ({ ...event, count: newOccurrences(event) });

function read(text: string): { readonly id: string; readonly events: readonly Told[]; readonly missing: boolean } {
  const { header, content } = JSON.parse(text);
  const { events, missing } = content;
  return { id: header.msg_id, events, missing: missing.events > 0 || missing.messages > 0 };
}
