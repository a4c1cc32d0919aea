import type { Store } from "../../src/ports/store.ts";
import { defaultStoreLimits, type StoreLimits } from "../../src/sqlite/limits.ts";
import { events, outbox, replies } from "./store-messages.ts";
import { npuHolders } from "./store-npus.ts";
import { deletedPods, desiredPods, histories, statuses, terminatingPods } from "./store-pods.ts";
import { configMaps, credentials } from "./store-sealed.ts";
import { empty, type Room, type State, withEntry } from "./store-state.ts";

export interface MemoryStoreOptions {
  readonly limits?: Partial<StoreLimits>;
  /**
   * Runs before every call, with its name ("outbox.append"), and with "commit" when a transaction is about to end. What it
   * throws is a crash: the call has no effect, and the transaction it stands in is undone.
   */
  readonly beforeCall?: (name: string) => void;
  /** Runs before something changes on disk; what it throws undoes it, as on a disk that is full. */
  readonly beforeWrite?: () => void;
}

export interface MemoryStore extends Store {
  /**
   * The store as a restarted process finds it: what was committed, without the transaction in flight. This one is dead
   * from then on. `powerCut` also takes what was committed with "normal" durability since the last "full" commit.
   */
  reopen(options?: MemoryStoreOptions & { readonly powerCut?: boolean }): MemoryStore;
  /** uids that a history or a status is kept of. */
  uids(): readonly string[];
  /** Rises with every write that changed something: what was equal already costs no flash. */
  writes(): number;
}

interface Disk {
  committed: State;
  /** What a power cut leaves. */
  flushed: State;
}

/** The store in memory: the same promises as on SQLite, for tests and the simulation. */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return openDisk({ committed: empty, flushed: empty }, options);
}

function openDisk(disk: Disk, options: MemoryStoreOptions): MemoryStore {
  const limits: StoreLimits = { ...defaultStoreLimits, ...options.limits };
  let open = true;
  let inTransaction = false;
  /** What calls see: the committed state, or that of the transaction in flight. */
  let state = disk.committed;

  function called(name: string): void {
    if (!open) throw new Error("The store is closed");
    options.beforeCall?.(name);
  }

  function change(next: Partial<State>): void {
    if (!inTransaction) options.beforeWrite?.();
    state = { ...state, ...next, writes: state.writes + 1 };
    if (!inTransaction) disk.committed = state;
  }

  function transaction<T>(durability: "full" | "normal", work: () => T): T {
    called("transaction");
    if (inTransaction) throw new Error("A transaction cannot stand in another one");
    inTransaction = true;
    try {
      const result = work();
      if (isPromise(result)) throw new TypeError("A transaction cannot wait: its work returned a promise");
      called("commit");
      if (state !== disk.committed) options.beforeWrite?.();
      disk.committed = state;
      if (durability === "full") disk.flushed = state;
      return result;
    } finally {
      inTransaction = false;
      state = disk.committed;
    }
  }

  const room: Room = { called, change, state: () => state, limits };
  return {
    transaction,
    ...facts(room),
    desiredPods: desiredPods(room),
    terminatingPods: terminatingPods(room),
    deletedPods: deletedPods(room),
    histories: histories(room),
    npus: npuHolders(room),
    statuses: statuses(room),
    replies: replies(room),
    outbox: outbox(room),
    configMaps: configMaps(room),
    credentials: credentials(room),
    events: events(room),
    close() {
      called("close");
      open = false;
    },
    reopen({ powerCut = false, ...changed } = {}) {
      open = false;
      if (powerCut) disk.committed = disk.flushed;
      return openDisk(disk, { ...options, ...changed });
    },
    uids: () => [...new Set([...state.histories.keys(), ...state.statuses.keys()])],
    writes: () => state.writes,
  };
}

function facts({ called, change, state }: Room): Pick<Store, "getMeta" | "setMeta"> {
  return {
    getMeta(key) {
      called("getMeta");
      return state().facts.get(key) ?? null;
    },
    setMeta(key, value) {
      called("setMeta");
      if (state().facts.get(key) !== value) change({ facts: withEntry(state().facts, key, value) });
    },
  };
}

function isPromise(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
