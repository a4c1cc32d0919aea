// sqlite: the store port on SQLite.

import { accessSync, constants, existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import type { Database } from "better-sqlite3";
import { storeError } from "../core/base/store-failure.ts";
import type { Store, StoreReader } from "../ports/store.ts";
import { copyInMemory, headerWithoutLog, openDatabase, openToRead, storeFile, writer } from "./database.ts";
import { deletedPodReads, deletedPods } from "./deleted-pods.ts";
import { desiredPodReads, desiredPods } from "./desired-pods.ts";
import { eventReads, events } from "./events.ts";
import { histories, historyReads } from "./histories.ts";
import { keptRows } from "./kept-rows.ts";
import { defaultStoreLimits, type StoreLimits } from "./limits.ts";
import { npuHolderReads, npuHolders } from "./npu-holders.ts";
import { outbox, outboxReads } from "./outbox.ts";
import { replies, replyReads } from "./replies.ts";
import { bringSchema, isOlder, judgeVersion, readSchema, versionInHeader } from "./schema.ts";
import { configMapReads, configMaps, credentials } from "./sealed-records.ts";
import { openSecrets, type Secrets } from "./secrets.ts";
import { statuses, statusReads } from "./statuses.ts";
import { terminatingPodReads, terminatingPods } from "./terminating-pods.ts";

export interface StoreOptions {
  /** The data folder; made if it is not there. */
  readonly dir: string;
  readonly limits?: Partial<StoreLimits>;
}

/**
 * corrupt: the file is damaged, `recoverStore` puts it aside. newer: made by a newer program, which is to be installed
 * again. foreign: not ours. missing: there is none (read-only). full: its disk has no room, not even to open it. unusable: the folder or the disk does not let us.
 */
export interface StoreError {
  readonly code: "corrupt" | "newer" | "foreign" | "missing" | "full" | "unusable";
  readonly message: string;
}

export type StoreResult<T> =
  | { readonly ok: true; readonly store: T }
  | { readonly ok: false; readonly error: StoreError };

/** How many damaged databases are kept for somebody to look at. */
const maxPutAside = 3;

/**
 * Opens the store of a data folder, made if there is none. One process at a time: see lock.ts. A database that is not for
 * this program is found out before anything is opened to write: a newer program's files stay as they are.
 */
export function openStore({ dir, limits }: StoreOptions): StoreResult<Store> {
  const stranger = strangerIn(dir);
  if (stranger !== null) return { ok: false, error: stranger };
  return opening(
    dir,
    () => openDatabase(dir),
    (db) => {
      const schema = bringSchema(db);
      if (!schema.ok) return { ok: false, error: schemaError(dir, schema) };
      const damage = firstDamage(db);
      if (damage !== null) return { ok: false, error: corrupt(dir, damage) };
      const opened = openSecrets(dir);
      if (!opened.ok)
        return { ok: false, error: { code: opened.isFull ? "full" : "unusable", message: opened.message } };
      return { ok: true, store: readWrite(db, { ...defaultStoreLimits, ...limits }, opened.secrets) };
    },
  );
}

/** Opens the store of an agent that need not be running, to read. Makes no file. */
export function openStoreReadOnly(dir: string): StoreResult<StoreReader> {
  const unreadable = whyUnreadable(dir);
  if (unreadable !== null) return { ok: false, error: unreadable };
  return opening(
    dir,
    () => openToRead(storeFile(dir)),
    (db) => {
      const schema = readSchema(db);
      if (schema === null) return { ok: false, error: { code: "missing", message: `The store in ${dir} is empty` } };
      if (!schema.ok) return { ok: false, error: schemaError(dir, schema) };
      return { ok: true, store: reads(isOlder(db) ? broughtUp(db) : db) };
    },
  );
}

/** Told before SQLite is asked, whose words for all of it are the same. */
function whyUnreadable(dir: string): StoreError | null {
  try {
    accessSync(storeFile(dir), constants.R_OK);
    return null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES")
      return { code: "missing", message: `There is no store in ${dir}` };
    const message = `The store in ${dir} cannot be read by this user. Run it as root or as a member of the group edge`;
    return { code: "unusable", message };
  }
}

/** A program that is newer than the agent before it reads what that one left, which only an agent may bring up to date. */
function broughtUp(db: Database): Database {
  const copy = copyInMemory(db);
  db.close();
  bringSchema(copy);
  return copy;
}

/**
 * Puts a damaged database aside under another name, so that `openStore` begins a new one. Gives the name, null when
 * there was none. Only ever called because somebody decided to: the pods of a lost store have to be sent again.
 */
export function recoverStore(dir: string): string | null {
  const file = storeFile(dir);
  if (!existsSync(file)) return null;
  const aside = readdirSync(dir)
    .map((name) => Number(/^store\.db\.damaged-(\d+)$/.exec(name)?.[1]))
    .filter((number) => Number.isSafeInteger(number))
    .sort((a, b) => a - b);
  for (const number of aside.slice(0, Math.max(0, aside.length - maxPutAside + 1))) {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${file}.damaged-${number}${suffix}`, { force: true });
  }
  const target = `${file}.damaged-${(aside.at(-1) ?? 0) + 1}`;
  // The database first: SQLite throws away a log that stays behind beside an empty file.
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${target}${suffix}`);
  }
  return target;
}

function strangerIn(dir: string): StoreError | null {
  const file = storeFile(dir);
  if (!existsSync(file)) return null;
  // Of a file of ours its first bytes tell: all of it, with a full outbox, is too much to read for that.
  let header: Buffer | null;
  try {
    header = headerWithoutLog(file);
  } catch (error) {
    return toStoreError(dir, error);
  }
  const version = header === null ? null : versionInHeader(header);
  if (version !== null) {
    const verdict = judgeVersion(version);
    return verdict.ok ? null : schemaError(dir, verdict);
  }
  const found = openStoreReadOnly(dir);
  if (found.ok) found.store.close();
  return !found.ok && (found.error.code === "newer" || found.error.code === "foreign") ? found.error : null;
}

function opening<T>(dir: string, open: () => Database, use: (db: Database) => StoreResult<T>): StoreResult<T> {
  let db: Database | null = null;
  try {
    db = open();
    const result = use(db);
    if (!result.ok) db.close();
    return result;
  } catch (error) {
    db?.close();
    return { ok: false, error: toStoreError(dir, error) };
  }
}

function readWrite(db: Database, limits: StoreLimits, secrets: Secrets): Store {
  const write = writer(db);
  const setMeta = db.prepare<[string, string]>("REPLACE INTO facts (key, value) VALUES (?, ?)");
  const plain = reads(db);
  const keys = db.prepare<[], string>("SELECT key FROM facts ORDER BY key").pluck();
  const facts = keptRows({
    keys: () => keys.all(),
    read(key: string) {
      const value = plain.getMeta(key);
      return value === null ? null : { value, size: value.length };
    },
  });
  write.onUndo(facts.forget);
  return withStoreErrors({
    transaction: write.transaction,
    getMeta: facts.get,
    setMeta(key, value) {
      if (facts.get(key) === value) return;
      write.write(() => setMeta.run(key, value));
      facts.written(key);
    },
    desiredPods: desiredPods(write),
    terminatingPods: terminatingPods(write),
    deletedPods: deletedPods(write, limits),
    histories: histories(write),
    npus: npuHolders(write),
    statuses: statuses(write),
    replies: replies(write, limits),
    outbox: outbox(write, limits),
    configMaps: configMaps(write, secrets, limits),
    credentials: credentials(write, secrets, limits),
    events: events(write, limits),
    close: plain.close,
  });
}

/** The same calls and groups of calls, which throw the port's errors where SQLite finds the disk full or broken. */
function withStoreErrors<T extends object>(calls: T): T {
  const guarded = Object.entries(calls).map(([name, member]) => [
    name,
    typeof member === "function" ? withStoreError(member) : withStoreErrors(member),
  ]);
  return Object.fromEntries(guarded) as T;
}

function withStoreError(call: (...args: readonly unknown[]) => unknown): typeof call {
  return (...args) => {
    try {
      return call(...args);
    } catch (error) {
      throw storeFailureIn(error);
    }
  };
}

/** A log that cannot grow its index has no room either. */
const fullCodes: readonly string[] = ["SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"];
const brokenCodes = /^SQLITE_(?:IOERR|CORRUPT|NOTADB|CANTOPEN|READONLY)/;

function storeFailureIn(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return error;
  if (fullCodes.includes(error.code)) return storeError("full", error.message, error);
  return brokenCodes.test(error.code) ? storeError("broken", error.message, error) : error;
}

function reads(db: Database): StoreReader {
  const meta = db.prepare<[string], string>("SELECT value FROM facts WHERE key = ?").pluck();
  return {
    getMeta: (key) => meta.get(key) ?? null,
    desiredPods: desiredPodReads(db),
    terminatingPods: terminatingPodReads(db),
    deletedPods: deletedPodReads(db),
    configMaps: configMapReads(db),
    histories: historyReads(db),
    npus: npuHolderReads(db),
    statuses: statusReads(db),
    replies: replyReads(db),
    outbox: outboxReads(db),
    events: eventReads(db),
    close() {
      db.close();
    },
  };
}

/** What SQLite finds wrong with the file, null when nothing. */
function firstDamage(db: Database): string | null {
  const finding = String(db.pragma("quick_check(1)", { simple: true }));
  return finding === "ok" ? null : finding;
}

function schemaError(dir: string, found: { readonly code: "newer" | "foreign"; readonly message: string }): StoreError {
  return { code: found.code, message: `${storeFile(dir)}: ${found.message}` };
}

function corrupt(dir: string, finding: string): StoreError {
  return { code: "corrupt", message: `${storeFile(dir)} is damaged: ${finding}` };
}

function toStoreError(dir: string, error: unknown): StoreError {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB") return corrupt(dir, message);
  if (fullCodes.includes(code) || code === "ENOSPC") {
    return { code: "full", message: `${storeFile(dir)} cannot be opened, because its disk is full: ${message}` };
  }
  if (code.startsWith("SQLITE_") || "errno" in Object(error)) {
    return { code: "unusable", message: `${storeFile(dir)} cannot be opened: ${message}` };
  }
  throw error;
}
