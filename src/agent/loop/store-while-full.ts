import { storeError, storeFailureOf } from "../../core/base/store-failure.ts";
import type { PodHistory } from "../../core/pod/container-history.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Store, StoredStatus } from "../../ports/store.ts";

export interface StoreWhileFull extends Store {
  /** Whether the disk had no room at the last write. */
  isFull(): boolean;
}

/** While the disk is full, a write is tried again this often. */
const retryMs = 5_000;

/** What could not be written: it is in force, and is lost if the process ends before there is room. */
interface Unwritten {
  readonly histories: ReadonlyMap<string, PodHistory | null>;
  readonly statuses: ReadonlyMap<string, StoredStatus>;
  readonly facts: ReadonlyMap<string, string>;
}

const nothing: Unwritten = { histories: new Map(), statuses: new Map(), facts: new Map() };

/** Where writes go at the moment, and what waits in memory. */
interface Switch extends Pick<StoreWhileFull, "isFull" | "transaction"> {
  readonly unwritten: () => Unwritten;
  readonly keep: (next: Unwritten) => void;
  /** One write: to the disk, or into memory while the disk is full. */
  write<T>(toDisk: () => T, toMemory: () => T): T;
}

/**
 * A store whose "normal" transactions work on a full disk: histories, statuses and facts stay in memory until there is
 * room, events are dropped, and the outbox takes nothing. So pods are restarted, probed and reported meanwhile. A "full"
 * transaction, and a write that changes what is wanted, throws as before (`isDiskFull`).
 */
export function storeWhileFull(inner: Store, clock: Clock): StoreWhileFull {
  const full = createSwitch(inner, clock);
  return {
    ...inner,
    isFull: full.isFull,
    transaction: full.transaction,
    ...records(inner, full),
    ...durableOnly(inner, full),
    appendEvent(event, at) {
      full.write(
        () => inner.appendEvent(event, at),
        () => undefined,
      );
    },
    appendOutbox: (kind, text) =>
      full.write(
        () => inner.appendOutbox(kind, text),
        () => null,
      ),
  };
}

function createSwitch(inner: Store, clock: Clock): Switch {
  let unwritten = nothing;
  let fullUntil: number | null = null;
  let mode: "none" | "disk" | "memory" = "none";

  /** Runs `work` in a mode; what it kept in memory is undone with it. */
  function within<T>(entered: "disk" | "memory", work: () => T): T {
    const before = unwritten;
    mode = entered;
    try {
      return work();
    } catch (error) {
      unwritten = before;
      throw error;
    } finally {
      mode = "none";
    }
  }

  function onDisk<T>(durability: "full" | "normal", work: () => T): T {
    const result = within("disk", () =>
      inner.transaction(durability, () => {
        if (unwritten !== nothing) writeOut(inner, unwritten);
        unwritten = nothing;
        return work();
      }),
    );
    fullUntil = null;
    return result;
  }

  function transaction<T>(durability: "full" | "normal", work: () => T): T {
    // The store itself refuses one in another.
    if (mode !== "none") return inner.transaction(durability, work);
    const isToWait = durability === "normal" && fullUntil !== null && clock.mono() < fullUntil;
    if (isToWait) return within("memory", work);
    try {
      return onDisk(durability, work);
    } catch (error) {
      if (storeFailureOf(error) !== "full") throw error;
      fullUntil = clock.mono() + retryMs;
      if (durability === "full") throw error;
    }
    return within("memory", work);
  }

  return {
    isFull: () => fullUntil !== null,
    transaction,
    unwritten: () => unwritten,
    keep(next) {
      unwritten = next;
    },
    write(toDisk, toMemory) {
      const now = (): ReturnType<typeof toDisk> => (mode === "memory" ? toMemory() : toDisk());
      return mode === "none" ? transaction("normal", now) : now();
    },
  };
}

function writeOut(inner: Store, { histories, statuses, facts }: Unwritten): void {
  for (const [uid, history] of histories) {
    if (history === null) inner.deleteHistory(uid);
    else inner.putHistory(uid, history);
  }
  for (const { id, status } of statuses.values()) inner.putStatus(id, status);
  for (const [key, value] of facts) inner.setMeta(key, value);
}

type Records =
  | "history"
  | "historyUids"
  | "putHistory"
  | "deleteHistory"
  | "statuses"
  | "status"
  | "putStatus"
  | "getMeta"
  | "setMeta";

/** What waits in memory while the disk is full. */
function records(inner: Store, { unwritten, keep, write }: Switch): Pick<Store, Records> {
  const keepHistory = (uid: string, history: PodHistory | null): void =>
    keep({ ...unwritten(), histories: new Map(unwritten().histories).set(uid, history) });
  return {
    history(uid) {
      const kept = unwritten().histories.get(uid);
      return kept === undefined ? inner.history(uid) : (kept ?? {});
    },
    historyUids() {
      const uids = new Set([...inner.historyUids(), ...unwritten().histories.keys()]);
      for (const [uid, history] of unwritten().histories) if (history === null) uids.delete(uid);
      return [...uids].sort();
    },
    putHistory(uid, history) {
      write(
        () => inner.putHistory(uid, history),
        () => keepHistory(uid, history),
      );
    },
    deleteHistory(uid) {
      write(
        () => inner.deleteHistory(uid),
        () => keepHistory(uid, null),
      );
    },
    statuses() {
      if (unwritten().statuses.size === 0) return inner.statuses();
      const byUid = new Map(inner.statuses().map((stored) => [stored.id.uid, stored]));
      for (const [uid, one] of unwritten().statuses) byUid.set(uid, one);
      return [...byUid.values()];
    },
    status: (uid) => unwritten().statuses.get(uid) ?? inner.status(uid),
    putStatus(id, status) {
      write(
        () => inner.putStatus(id, status),
        () => keep({ ...unwritten(), statuses: new Map(unwritten().statuses).set(id.uid, { id, status }) }),
      );
    },
    getMeta: (key) => unwritten().facts.get(key) ?? inner.getMeta(key),
    setMeta(key, value) {
      write(
        () => inner.setMeta(key, value),
        () => keep({ ...unwritten(), facts: new Map(unwritten().facts).set(key, value) }),
      );
    },
  };
}

type DurableOnly =
  | "putDesiredPod"
  | "deleteDesiredPod"
  | "putTerminatingPod"
  | "deleteTerminatingPod"
  | "rememberDeleted"
  | "putNpus"
  | "deleteStatus"
  | "rememberReply"
  | "releaseOutbox"
  | "putConfigMap"
  | "deleteConfigMap"
  | "putCredentials"
  | "deleteCredentials"
  | "tellEvents";

/** What is never kept in memory only: on a full disk it throws. */
function durableOnly(inner: Store, { write }: Switch): Pick<Store, DurableOnly> {
  const refuse = (): never => {
    throw storeError("full", "The device's disk is full");
  };
  const durable =
    <A extends readonly unknown[], R>(call: (...args: A) => R) =>
    (...args: A): R =>
      write(() => call(...args), refuse);
  const putNpus = durable(inner.putNpus);
  return {
    putDesiredPod: durable(inner.putDesiredPod),
    deleteDesiredPod: durable(inner.deleteDesiredPod),
    putTerminatingPod: durable(inner.putTerminatingPod),
    deleteTerminatingPod: durable(inner.deleteTerminatingPod),
    rememberDeleted: durable(inner.rememberDeleted),
    putNpus(pod, container, npus) {
      const held = inner.npuHolders().filter((holder) => holder.pod.uid === pod.uid && holder.container === container);
      // A container that starts again mostly has the NPUs that it had.
      const isSame = held.length === npus.length && held.every(({ npu }) => npus.includes(npu));
      if (!isSame) putNpus(pod, container, npus);
    },
    deleteStatus: durable(inner.deleteStatus),
    rememberReply: durable(inner.rememberReply),
    releaseOutbox: durable(inner.releaseOutbox),
    putConfigMap: durable(inner.putConfigMap),
    deleteConfigMap: durable(inner.deleteConfigMap),
    putCredentials: durable(inner.putCredentials),
    deleteCredentials: durable(inner.deleteCredentials),
    tellEvents: durable(inner.tellEvents),
  };
}
