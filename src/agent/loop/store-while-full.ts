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
  const durable = durableOnly(full);
  return {
    isFull: full.isFull,
    transaction: full.transaction,
    getMeta: (key) => full.unwritten().facts.get(key) ?? inner.getMeta(key),
    setMeta: (key, value) => setMeta(inner, full, key, value),
    desiredPods: {
      ...inner.desiredPods,
      put: durable(inner.desiredPods.put),
      delete: durable(inner.desiredPods.delete),
    },
    terminatingPods: {
      ...inner.terminatingPods,
      put: durable(inner.terminatingPods.put),
      delete: durable(inner.terminatingPods.delete),
    },
    deletedPods: { ...inner.deletedPods, remember: durable(inner.deletedPods.remember) },
    histories: histories(inner.histories, full),
    npus: npus(inner.npus, durable),
    statuses: statuses(inner.statuses, full, durable),
    replies: { ...inner.replies, remember: durable(inner.replies.remember) },
    outbox: outbox(inner.outbox, full, durable),
    configMaps: {
      ...inner.configMaps,
      put: durable(inner.configMaps.put),
      delete: durable(inner.configMaps.delete),
    },
    credentials: {
      ...inner.credentials,
      put: durable(inner.credentials.put),
      delete: durable(inner.credentials.delete),
    },
    events: events(inner.events, full, durable),
    close: inner.close,
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
    if (history === null) inner.histories.delete(uid);
    else inner.histories.put(uid, history);
  }
  for (const { id, status } of statuses.values()) inner.statuses.put(id, status);
  for (const [key, value] of facts) inner.setMeta(key, value);
}

function setMeta(inner: Store, { unwritten, keep, write }: Switch, key: string, value: string): void {
  write(
    () => inner.setMeta(key, value),
    () => keep({ ...unwritten(), facts: new Map(unwritten().facts).set(key, value) }),
  );
}

function histories(inner: Store["histories"], { unwritten, keep, write }: Switch): Store["histories"] {
  const keepHistory = (uid: string, history: PodHistory | null): void =>
    keep({ ...unwritten(), histories: new Map(unwritten().histories).set(uid, history) });
  return {
    get(uid) {
      const kept = unwritten().histories.get(uid);
      return kept === undefined ? inner.get(uid) : (kept ?? {});
    },
    uids() {
      const uids = new Set([...inner.uids(), ...unwritten().histories.keys()]);
      for (const [uid, history] of unwritten().histories) if (history === null) uids.delete(uid);
      return [...uids].sort();
    },
    put(uid, history) {
      write(
        () => inner.put(uid, history),
        () => keepHistory(uid, history),
      );
    },
    delete(uid) {
      write(
        () => inner.delete(uid),
        () => keepHistory(uid, null),
      );
    },
  };
}

function statuses(
  inner: Store["statuses"],
  { unwritten, keep, write }: Switch,
  durable: DurableOnly,
): Store["statuses"] {
  return {
    list() {
      if (unwritten().statuses.size === 0) return inner.list();
      const byUid = new Map(inner.list().map((stored) => [stored.id.uid, stored]));
      for (const [uid, one] of unwritten().statuses) byUid.set(uid, one);
      return [...byUid.values()];
    },
    get: (uid) => unwritten().statuses.get(uid) ?? inner.get(uid),
    put(id, status) {
      write(
        () => inner.put(id, status),
        () => keep({ ...unwritten(), statuses: new Map(unwritten().statuses).set(id.uid, { id, status }) }),
      );
    },
    delete: durable(inner.delete),
  };
}

function npus(inner: Store["npus"], durable: DurableOnly): Store["npus"] {
  const put = durable(inner.put);
  return {
    holders: inner.holders,
    put(pod, container, npus) {
      const held = inner.holders().filter((holder) => holder.pod.uid === pod.uid && holder.container === container);
      // A container that starts again mostly has the NPUs that it had.
      const isSame = held.length === npus.length && held.every(({ npu }) => npus.includes(npu));
      if (!isSame) put(pod, container, npus);
    },
  };
}

function outbox(inner: Store["outbox"], { write }: Switch, durable: DurableOnly): Store["outbox"] {
  return {
    ...inner,
    append: (kind, text) =>
      write(
        () => inner.append(kind, text),
        () => null,
      ),
    release: durable(inner.release),
  };
}

function events(inner: Store["events"], { write }: Switch, durable: DurableOnly): Store["events"] {
  return {
    ...inner,
    append(event, at) {
      write(
        () => inner.append(event, at),
        () => undefined,
      );
    },
    markReported: durable(inner.markReported),
  };
}

/** A call that is never kept in memory only: on a full disk it throws. */
type DurableOnly = <A extends readonly unknown[], R>(call: (...args: A) => R) => (...args: A) => R;

function durableOnly({ write }: Switch): DurableOnly {
  const refuse = (): never => {
    throw storeError("full", "The device's disk is full");
  };
  return (call) =>
    (...args) =>
      write(() => call(...args), refuse);
}
