import type { EventLimits } from "../core/pod/event-history.ts";

/** How much the store keeps; beyond it the oldest goes. */
export interface StoreLimits extends EventLimits {
  readonly outboxMaxBytes: number;
  readonly outboxMaxMessages: number;
  /** Replies kept for messages that come again. */
  readonly repliesMaxRows: number;
  /** Uids of deleted pods that are remembered. */
  readonly deletedMaxRows: number;
  readonly configMapsMaxRows: number;
  readonly credentialsMaxRows: number;
}

/** What holds unless the configuration says otherwise (lifecycle.md, Reports and outbox, Delete). */
export const defaultStoreLimits: StoreLimits = {
  outboxMaxBytes: 67_108_864,
  outboxMaxMessages: 100_000,
  eventsMaxRows: 10_000,
  eventsMaxBytes: 8_388_608,
  repliesMaxRows: 1_024,
  deletedMaxRows: 256,
  configMapsMaxRows: 256,
  credentialsMaxRows: 16,
};
