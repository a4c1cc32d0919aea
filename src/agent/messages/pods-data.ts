import { remainingMs } from "../../core/pod/backoff.ts";
import type { Moment } from "../../core/pod/container-history.ts";
import type { TerminatingPod } from "../../core/pod/desired.ts";
import { type ConfigResult, configResult } from "../../core/protocol/replies.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import type { Store } from "../../ports/store.ts";
import { messageIds } from "../loop/message-ids.ts";
import { momentOf } from "../loop/moment.ts";
import { createWakeableLoop } from "../loop/wakeable-loop.ts";

export interface PodsDataParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The outbox has something new. */
  readonly onOutboxChanged: () => void;
}

export interface PodsData {
  /** A pod may have gone, or a pods_data may have come. */
  poke(): void;
  run(signal: AbortSignal): Promise<void>;
}

/** A pods_data under way, as the store keeps it. */
interface Order {
  readonly messageId: string;
  readonly since: Moment;
  readonly limitMs: number;
  /** Terminating pods up to this seq are its own; what came and left later is not waited for. */
  readonly lastSeq: number;
}

const metaKey = "podsData";
const none = "";
/** What an engine may need beyond the longest grace period before the order counts as failed. */
const patienceMs = 120_000;
const idleMs = 3_600_000;
/** A full outbox is looked at again after this. */
const retryMs = 5_000;

/** Stands in the transaction that lets every pod leave. A second order takes the place of one that is under way. */
export function startPodsData(store: Store, messageId: string, since: Moment): void {
  const terminating = store.terminatingPods.list().filter((terminatingPod) => !terminatingPod.isTerminated);
  const graceSeconds = Math.max(0, ...terminating.map((terminatingPod) => terminatingPod.graceSeconds));
  const lastSeq = Math.max(0, ...terminating.map((terminatingPod) => terminatingPod.seq));
  const order: Order = { messageId, since, limitMs: graceSeconds * 1000 + patienceMs, lastSeq };
  store.setMeta(metaKey, JSON.stringify(order));
}

/**
 * Tells the center what has become of pods_data, when it is true: config maps and secrets went with the order itself, so
 * everything is done once its pods are gone. What the center is told and that the order has ended are one commit: a crash
 * in between tells nothing twice and nothing never.
 */
export function createPodsData(parts: PodsDataParts): PodsData {
  const loop = createWakeableLoop(parts.clock);
  return {
    poke: loop.wake,
    run: (signal) => loop.run(() => Math.max(1, runOnce(parts)), signal),
  };
}

/** Gives the milliseconds after which to look again by itself. */
function runOnce(parts: PodsDataParts): number {
  const { store, clock } = parts;
  const text = store.getMeta(metaKey) ?? none;
  if (text === none) return idleMs;
  const order = JSON.parse(text) as Order;
  const left = store.terminatingPods
    .list()
    .filter((terminatingPod) => !terminatingPod.isTerminated && terminatingPod.seq <= order.lastSeq);
  if (left.length === 0) return reportResult(parts, order, success) ? idleMs : retryMs;
  // After a boot the wait begins anew: nothing ran, and nothing could be removed, while the device was off.
  const { bootId } = momentOf(clock);
  if (order.since.bootId !== bootId) {
    store.setMeta(metaKey, JSON.stringify({ ...order, since: momentOf(clock) }));
    return order.limitMs;
  }
  const remaining = remainingMs(order.limitMs, order.since, momentOf(clock));
  if (remaining > 0) return remaining;
  return reportResult(parts, order, [failure(left)]) ? idleMs : retryMs;
}

const topic = "pods_data";
const success: readonly ConfigResult[] = [
  { topic, percentage: "25%", result: "processing", reason: "" },
  { topic, percentage: "50%", result: "processing", reason: "" },
  { topic, percentage: "75%", result: "processing", reason: "" },
  { topic, percentage: "100%", result: "success", reason: "" },
];

/** They go on terminating, but nothing is told of this order any more: a success after a failure would confuse (decisions.md 45: half a delete is no success). */
function failure(left: readonly TerminatingPod[]): ConfigResult {
  const names = left.map((terminatingPod) => terminatingPod.id.name).join(", ");
  const reason = `delete pods failed, the containers of ${names} are still there`.slice(0, 512);
  return { topic, percentage: "100%", result: "failed", reason };
}

/** All or nothing; false when the outbox has no room for all of it. */
function reportResult(parts: PodsDataParts, order: Order, results: readonly ConfigResult[]): boolean {
  const { store, log } = parts;
  const isStored = store.transaction("full", () => {
    const ids: number[] = [];
    for (const result of results) {
      const id = store.outbox.append("reply", configResult(result, messageIds(parts)));
      if (id === null) {
        store.outbox.release(ids);
        return false;
      }
      ids.push(id);
    }
    store.setMeta(metaKey, none);
    return true;
  });
  if (!isStored) return false;
  log.write("info", "pods_data has ended", { message: order.messageId, result: results.at(-1)?.result ?? "" });
  parts.onOutboxChanged();
  return true;
}
