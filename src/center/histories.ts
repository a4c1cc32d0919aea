import { checkDelivery, type DeliveryVerdict, type LinkEvent } from "./delivery-check.ts";

/** What the dev center keeps of each node, to judge whether anything was lost, doubled or reordered on the way. */
export interface CenterHistories {
  sent(node: string, text: string): void;
  received(node: string, text: string): void;
  /** Null for a node that was never seen, or of which more was seen than is kept. */
  judge(node: string): DeliveryVerdict | null;
}

/** A few hundred bytes each: a center that was forgotten must not fill the memory. */
const maxEvents = 500_000;

export function centerHistories(): CenterHistories {
  const histories = new Map<string, LinkEvent[]>();
  let count = 0;
  const add = (node: string, event: LinkEvent | null): void => {
    if (event === null || count > maxEvents) return;
    count += 1;
    const history = histories.get(node) ?? [];
    history.push(event);
    histories.set(node, history);
  };
  return {
    sent: (node, text) => add(node, sentEvent(text)),
    received: (node, text) => add(node, receivedEvent(text)),
    judge(node) {
      const history = histories.get(node);
      return history === undefined || count > maxEvents ? null : checkDelivery(history);
    },
  };
}

interface Parts {
  readonly msgId: unknown;
  readonly parentMsgId: unknown;
  readonly timestamp: unknown;
  readonly operation: unknown;
  readonly resource: unknown;
  readonly content: unknown;
}

function partsOf(text: string): Parts {
  try {
    const { header, route, content } = Object(JSON.parse(text));
    const { msg_id: msgId, parent_msg_id: parentMsgId, timestamp } = Object(header);
    const { operation, resource } = Object(route);
    return { msgId, parentMsgId, timestamp, operation, resource, content };
  } catch {
    return Object({});
  }
}

function sentEvent(text: string): LinkEvent | null {
  const { msgId } = partsOf(text);
  return typeof msgId === "string" && msgId !== "" ? { kind: "sent", msgId } : null;
}

function receivedEvent(text: string): LinkEvent | null {
  const { msgId, parentMsgId, timestamp, operation, resource, content } = partsOf(text);
  if (resource === "websocket/podstatus" && typeof timestamp === "number") return { kind: "status", timestamp };
  if (typeof msgId !== "string" || typeof parentMsgId !== "string" || parentMsgId === "") return null;
  const refusal = operation === "error" || (typeof content === "string" && content.startsWith("FAILED"));
  return { kind: "received", msgId, parentMsgId, refusal };
}
