import { type KeptEvent, newOccurrences } from "../pod/event.ts";
import { formatTime } from "../pod/time.ts";
import { encodeMessage, type MessageIds } from "./message.ts";

/** The answer to the upgrade carries it where the center wants to be told what happened while nobody listened. */
export const historyHeader = { name: "edge-history", value: "1" } as const;

/** What a device can no longer tell, for want of room: counts since the last message of this kind. */
export interface Gap {
  /** Events that were dropped before they were told. */
  readonly events: number;
  /** Messages that were dropped from the outbox. */
  readonly messages: number;
}

/** Events in the order in which they last happened; `count` and `first` are of what has not been told before. */
export function historyReport(events: readonly KeptEvent[], missing: Gap, ids: MessageIds): string {
  const route = { source: "metaManager", group: "resource", operation: "update", resource: "websocket/podhistory" };
  return encodeMessage({ route, content: { missing, events: events.map(shown) } }, ids);
}

function shown(event: KeptEvent) {
  const { at, unreportedWall, type, pod, container, reason, message } = event;
  const count = newOccurrences(event);
  return { at: formatTime(at.wall), type, pod, container, reason, message, count, first: formatTime(unreportedWall) };
}
