/** What a center saw of one device, in the order in which it saw it. */
export type LinkEvent =
  /** A message went out; the same one may go out again. */
  | { readonly kind: "sent"; readonly msgId: string }
  /** A message came in, with what it answers, "" where it answers nothing. */
  | { readonly kind: "received"; readonly msgId: string; readonly parentMsgId: string; readonly refusal: boolean }
  /** A podstatus came in; `timestamp` is the device's own, in milliseconds. */
  | { readonly kind: "status"; readonly timestamp: number };

/** What is wrong with a history, in sentences; and what was counted. */
export interface DeliveryVerdict {
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly reordered: readonly string[];
  /** Messages that came more than once under one msg_id: what the receiver's own de-duplication takes out. */
  readonly repeats: number;
  readonly replies: number;
}

/**
 * Judges a history from which the link must have lost, doubled and reordered nothing.
 * - lost: a message that was sent has no reply. Refusals are not stored, so one may be missing, but not its message
 * - doubled: two replies with different msg_ids say that one message was done
 * - reordered: no order of handling, each message at one of the times it was sent, gives the replies in the order in
 *   which they first came; or a status is older than one that came before it
 * Messages with one msg_id count as one.
 */
export function checkDelivery(events: readonly LinkEvent[]): DeliveryVerdict {
  const sendings = new Map<string, number[]>();
  const replies = new Map<string, string>();
  const answered = new Set<string>();
  const order: { readonly parent: string; readonly at: number }[] = [];
  const seen = new Set<string>();
  const doubled: string[] = [];
  const reordered: string[] = [];
  let repeats = 0;
  let newestStatus = Number.NEGATIVE_INFINITY;
  for (const [at, event] of events.entries()) {
    if (event.kind === "sent") sendings.set(event.msgId, [...(sendings.get(event.msgId) ?? []), at]);
    if (event.kind === "status") {
      if (event.timestamp < newestStatus) reordered.push(`A status of ${event.timestamp} after one of ${newestStatus}`);
      newestStatus = Math.max(newestStatus, event.timestamp);
    }
    if (event.kind !== "received" || event.parentMsgId === "") continue;
    const { msgId, parentMsgId } = event;
    answered.add(parentMsgId);
    if (seen.has(msgId)) {
      repeats += 1;
      continue;
    }
    seen.add(msgId);
    if (event.refusal) continue;
    const before = replies.get(parentMsgId);
    if (before !== undefined) doubled.push(`${parentMsgId} is answered by ${before} and by ${msgId}`);
    else order.push({ parent: parentMsgId, at });
    replies.set(parentMsgId, msgId);
  }
  const lost = [...sendings.keys()].filter((id) => !answered.has(id)).map((id) => `${id} has no reply`);
  reordered.push(...outOfOrder(order, sendings));
  return { lost, doubled, reordered, repeats, replies: replies.size };
}

/** Each reply takes the earliest sending of its message that is not before those of the replies ahead of it. */
function outOfOrder(
  order: readonly { readonly parent: string; readonly at: number }[],
  sendings: ReadonlyMap<string, readonly number[]>,
): readonly string[] {
  const found: string[] = [];
  let handledAt = -1;
  for (const { parent, at } of order) {
    const sending = (sendings.get(parent) ?? []).find((sentAt) => sentAt > handledAt && sentAt < at);
    if (sending === undefined) found.push(`The reply to ${parent} came after one to a message that was sent later`);
    else handledAt = sending;
  }
  return found;
}
