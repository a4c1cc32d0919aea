import type { Moment, PodHistory } from "../core/pod/container-history.ts";
import type { DesiredPod, TerminatingPod } from "../core/pod/desired.ts";
import type { KeptEvent, PodEvent } from "../core/pod/event.ts";
import type { NpuHolder } from "../core/pod/npu.ts";
import type { AcceptedPod, PodId } from "../core/pod/spec.ts";

/**
 * What survives a power cut. Every call is synchronous and throws only on a disk that is full or fails
 * (core/base/store-failure.ts): from one that fails, the process ends and starts again from what was committed. Reads see the writes of the transaction they stand in. A write outside a
 * transaction is one of its own, with "normal" durability.
 */
export interface Store {
  /**
   * All or nothing. "full": on disk when this returns (synchronous=FULL); "normal": in order, may be lost with the power.
   * A throw undoes it and goes on. Refuses to be nested, and `work` may not return a promise.
   */
  transaction<T>(durability: "full" | "normal", work: () => T): T;

  /** Small facts about the device: install id, last good configuration. */
  getMeta(key: string): string | null;
  setMeta(key: string, value: string): void;

  /** Ordered by namespace and name. */
  desiredPods(): readonly DesiredPod[];
  desiredPod(namespace: string, name: string): DesiredPod | null;
  /**
   * Writes the one pod of that namespace and name. What stood there before is kept as the previous pod, or `keepPrevious`
   * keeps the one before that: an update that never began is not what runs.
   */
  putDesiredPod(pod: DesiredPod, keepPrevious?: "keepPrevious"): void;
  /** What the pod was before its last change, null when it has not changed. */
  previousPod(namespace: string, name: string): AcceptedPod | null;
  deleteDesiredPod(namespace: string, name: string): void;

  /** Ordered by seq. */
  terminatingPods(): readonly TerminatingPod[];
  /** seq 0 adds a row, any other writes that row. Gives back what stands there now, seq filled in. */
  putTerminatingPod(pod: TerminatingPod): TerminatingPod;
  deleteTerminatingPod(seq: number): void;

  /** resourceVersion of a deleted pod, null when it is not among the last 256 deleted. */
  deletedVersion(uid: string): string | null;
  rememberDeleted(uid: string, resourceVersion: string): void;

  history(uid: string): PodHistory;
  /** uids that a history is kept of, in order. */
  historyUids(): readonly string[];
  putHistory(uid: string, history: PodHistory): void;
  deleteHistory(uid: string): void;

  /** Who has which NPU for itself, ordered by the NPUs' names. */
  npuHolders(): readonly NpuHolder[];
  /**
   * What this container holds from now on, and nothing else. Throws, and writes nothing, when one of them is another's:
   * that would be a bug.
   */
  putNpus(pod: PodId, container: string, npus: readonly string[]): void;

  /** The current status of every pod that has one, ordered by namespace, name and uid. */
  statuses(): readonly StoredStatus[];
  status(uid: string): StoredStatus | null;
  /** Writes nothing when an equal status JSON stands there already. */
  putStatus(id: PodId, status: unknown): void;
  deleteStatus(uid: string): void;

  /**
   * The reply given to this very message before (decisions.md 34: a repeated message gets the same reply). The last 1,024
   * are kept.
   */
  repeatedReply(key: RepeatKey): string | null;
  rememberReply(key: RepeatKey, reply: string): void;

  /**
   * Adds a message to what is to be said. When a limit is reached the oldest record goes first; a reply is never dropped.
   * Gives its id, or null when there was no room.
   */
  appendOutbox(kind: OutboxKind, text: string): number | null;
  /** Up to `limit` messages with an id above `after`, in order. */
  outbox(after: number, limit: number): readonly OutboxRow[];
  /** Delivered: they go. */
  releaseOutbox(ids: readonly number[]): void;
  outboxCounts(): OutboxCounts;

  /** Names, in order. What is kept under them and below is sealed on disk: nothing of it can be read there. */
  configMapNames(): readonly string[];
  /** Null when there is none, or when it can no longer be opened, because the key of this device is another one. */
  configMap(name: string): ConfigMapData | null;
  /** False, and nothing written, when there are 256 others already. */
  putConfigMap(name: string, data: ConfigMapData, at: Moment): boolean;
  deleteConfigMap(name: string): void;

  /** Secrets for registries, by the name that pods know them by: the text of a `.dockerconfigjson`. */
  credentialNames(): readonly string[];
  credentials(name: string): string | null;
  /** False, and nothing written, when there are 16 others already. */
  putCredentials(name: string, dockerConfigJson: string, at: Moment): boolean;
  deleteCredentials(name: string): void;

  /** Counted in the row of an equal event that is not long past, else a row of its own; what is too much goes (core/pod/event-history.ts). */
  appendEvent(event: PodEvent, at: Moment): void;
  /** In the order in which they last happened; `after` is an id; `pod` a namespace/name or a bare name. */
  events(query: { readonly pod?: string; readonly after?: number; readonly limit: number }): readonly KeptEvent[];
  /** The oldest events that `tellEvents` has not been called for. */
  untoldEvents(limit: number): readonly KeptEvent[];
  /** The centre is told of all events up to this id, the counts as they are now. */
  tellEvents(upTo: number): void;
  eventCounts(): EventCounts;

  close(): void;
}

/** File names and what stands in the files. */
export type ConfigMapData = Readonly<Record<string, string>>;

export interface StoredStatus {
  readonly id: PodId;
  /** Kubernetes PodStatus, as it was put. */
  readonly status: unknown;
}

export interface RepeatKey {
  readonly messageId: string;
  readonly operation: string;
  readonly resource: string;
  readonly contentHash: string;
}

export type OutboxKind = "reply" | "record";

export interface OutboxRow {
  readonly id: number;
  readonly kind: OutboxKind;
  readonly text: string;
}

export interface OutboxCounts {
  readonly pending: number;
  readonly bytes: number;
  /** Records dropped for want of room since the store was made. */
  readonly dropped: number;
}

export interface EventCounts {
  readonly rows: number;
  readonly bytes: number;
  /** Occurrences dropped for want of room before the centre was told of them, since the store was made. */
  readonly dropped: number;
}
