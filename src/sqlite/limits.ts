/** How much the store keeps; beyond it the oldest goes. */
export interface StoreLimits {
  readonly outboxMaxBytes: number;
  readonly outboxMaxMessages: number;
  readonly eventsMaxRows: number;
  /** Replies kept for messages that come again. */
  readonly repliesMaxRows: number;
  /** Uids of deleted pods that are remembered. */
  readonly deletedMaxRows: number;
  readonly configMapsMaxRows: number;
  readonly credentialsMaxRows: number;
}

/** Characters of an event's message that are kept: one event must not be able to fill the disk. */
export const maxEventCharacters = 4_096;

/** What holds unless the configuration says otherwise (lifecycle.md, Reports and outbox, Delete). */
export const defaultStoreLimits: StoreLimits = {
  outboxMaxBytes: 67_108_864,
  outboxMaxMessages: 100_000,
  eventsMaxRows: 10_000,
  repliesMaxRows: 1_024,
  deletedMaxRows: 256,
  configMapsMaxRows: 256,
  credentialsMaxRows: 16,
};
