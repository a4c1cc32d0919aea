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
  readonly desiredPods: DesiredPods;
  readonly terminatingPods: TerminatingPods;
  readonly deletedPods: DeletedPods;
  readonly histories: Histories;
  readonly npus: NpuHolders;
  readonly statuses: Statuses;
  readonly replies: Replies;
  readonly outbox: Outbox;
  readonly configMaps: ConfigMaps;
  readonly credentials: Credentials;
  readonly events: PodEvents;
  close(): void;
}

/** What can be asked of a store without changing it. */
export interface StoreReader extends Pick<Store, "getMeta" | "close"> {
  readonly desiredPods: Pick<DesiredPods, "list" | "get" | "previous">;
  readonly terminatingPods: Pick<TerminatingPods, "list">;
  readonly deletedPods: Pick<DeletedPods, "version">;
  readonly configMaps: Pick<ConfigMaps, "names">;
  readonly histories: Pick<Histories, "get" | "uids">;
  readonly npus: Pick<NpuHolders, "holders">;
  readonly statuses: Pick<Statuses, "list" | "get">;
  readonly replies: Pick<Replies, "repeated">;
  readonly outbox: Pick<Outbox, "list" | "counts">;
  readonly events: Pick<PodEvents, "list" | "unreported" | "counts">;
}

/** The pods that are to run here, one a namespace and name. */
export interface DesiredPods {
  /** Ordered by namespace and name. */
  list(): readonly DesiredPod[];
  get(namespace: string, name: string): DesiredPod | null;
  /**
   * Writes the one pod of that namespace and name. What stood there before is kept as the previous pod, or `keepPrevious`
   * keeps the one before that: an update that never began is not what runs.
   */
  put(pod: DesiredPod, keepPrevious?: "keepPrevious"): void;
  /** What the pod was before its last change, null when it has not changed. */
  previous(namespace: string, name: string): AcceptedPod | null;
  delete(namespace: string, name: string): void;
}

/** The pods on their way out. */
export interface TerminatingPods {
  /** Ordered by seq. */
  list(): readonly TerminatingPod[];
  /** seq 0 adds a row, any other writes that row. Gives back what stands there now, seq filled in. */
  put(pod: TerminatingPod): TerminatingPod;
  delete(seq: number): void;
}

/** The last 256 pods that were deleted. */
export interface DeletedPods {
  /** resourceVersion of a deleted pod, null when it is not among them. */
  version(uid: string): string | null;
  remember(uid: string, resourceVersion: string): void;
}

/** What happened to the containers of a pod, by its uid. */
export interface Histories {
  /** Empty when none is kept. */
  get(uid: string): PodHistory;
  /** uids that a history is kept of, in order. */
  uids(): readonly string[];
  put(uid: string, history: PodHistory): void;
  delete(uid: string): void;
}

/** Which container has which NPU for itself. */
export interface NpuHolders {
  /** Ordered by the NPUs' names. */
  holders(): readonly NpuHolder[];
  /**
   * What this container holds from now on, and nothing else. Throws, and writes nothing, when one of them is another's:
   * that would be a bug.
   */
  put(pod: PodId, container: string, npus: readonly string[]): void;
}

/** The current status of every pod that has one. */
export interface Statuses {
  /** Ordered by namespace, name and uid. */
  list(): readonly StoredStatus[];
  get(uid: string): StoredStatus | null;
  /** Writes nothing when an equal status JSON stands there already. */
  put(id: PodId, status: unknown): void;
  delete(uid: string): void;
}

/** The replies given to messages; the last 1,024 are kept. */
export interface Replies {
  /** The reply given to this very message before (decisions.md 34: a repeated message gets the same reply). */
  repeated(key: RepeatKey): string | null;
  remember(key: RepeatKey, reply: string): void;
}

/** What is to be said to the center. */
export interface Outbox {
  /**
   * Adds a message. When a limit is reached the oldest record goes first; a reply is never dropped.
   * Gives its id, or null when there was no room.
   */
  append(kind: OutboxKind, text: string): number | null;
  /** Up to `limit` messages with an id above `after`, in order. */
  list(after: number, limit: number): readonly OutboxRow[];
  /** Delivered: they go. */
  release(ids: readonly number[]): void;
  counts(): OutboxCounts;
}

/** Sealed on disk, as credentials are: nothing of it can be read there. */
export interface ConfigMaps {
  /** In order. */
  names(): readonly string[];
  /** Null when there is none, or when it can no longer be opened, because the key of this device is another one. */
  get(name: string): ConfigMapData | null;
  /** False, and nothing written, when there are 256 others already. */
  put(name: string, data: ConfigMapData, at: Moment): boolean;
  delete(name: string): void;
}

/** Secrets for registries, by the name that pods know them by: the text of a `.dockerconfigjson`. */
export interface Credentials {
  /** In order. */
  names(): readonly string[];
  /** Null when there are none, or when they can no longer be opened. */
  get(name: string): string | null;
  /** False, and nothing written, when there are 16 others already. */
  put(name: string, dockerConfigJson: string, at: Moment): boolean;
  delete(name: string): void;
}

/** What has happened to pods and to the device, as people and the center are told. */
export interface PodEvents {
  /** Counted in the row of an equal event that is not long past, else a row of its own; what is too much goes (core/pod/event-history.ts). */
  append(event: PodEvent, at: Moment): void;
  /** In the order in which they last happened; `after` is an id; `pod` a namespace/name or a bare name. */
  list(query: { readonly pod?: string; readonly after?: number; readonly limit: number }): readonly KeptEvent[];
  /** The oldest events that `markTold` has not been called for. */
  unreported(limit: number): readonly KeptEvent[];
  /** The center is told of all events up to this id, the counts as they are now. */
  markReported(upTo: number): void;
  counts(): EventCounts;
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
  /** Occurrences dropped for want of room before the center was told of them, since the store was made. */
  readonly dropped: number;
}
