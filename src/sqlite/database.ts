import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import SqliteDatabase, { type Database } from "better-sqlite3";
import { storeError } from "../core/base/store-failure.ts";
import { loadAddon } from "./addon.ts";

/** Where the store lives in the data folder. */
export function storeFile(dir: string): string {
  return join(dir, "store.db");
}

/** A database and the one way to write to it. */
export interface Writer {
  readonly db: Database;
  transaction<T>(durability: "full" | "normal", work: () => T): T;
  /** For one write: part of the transaction it stands in, else one of its own. */
  write<T>(work: () => T): T;
  /** Calls `undone` after each transaction that was undone: what is kept in memory is then read again. */
  onUndo(undone: () => void): void;
}

/**
 * Opens the file of an agent that need not be running, to read. Makes no file: a database that was closed properly has no
 * log beside it, and SQLite would make one, so then it is read from memory.
 */
export function openToRead(file: string): Database {
  return existsSync(`${file}-wal`)
    ? new SqliteDatabase(file, { ...loadAddon(), readonly: true, fileMustExist: true, timeout: 1_000 })
    : new SqliteDatabase(withoutLog(readFileSync(file)), { ...loadAddon(), readonly: true });
}

/** The first bytes of a file that has no log beside it, so that they are true; null when it has one. */
export function headerWithoutLog(file: string): Buffer | null {
  if (existsSync(`${file}-wal`)) return null;
  const header = Buffer.alloc(100);
  const opened = openSync(file, "r");
  try {
    return header.subarray(0, readSync(opened, header));
  } finally {
    closeSync(opened);
  }
}

/** A copy in memory, which may be changed whatever the original may. */
export function copyInMemory(db: Database): Database {
  return new SqliteDatabase(withoutLog(db.serialize()), loadAddon());
}

/** The header of a database says that it has a log; one that is only memory cannot have one. */
function withoutLog(file: Buffer): Buffer {
  if (file.length >= 20) file.fill(1, 18, 20);
  return file;
}

/** Opens the file for writing, made if it is not there, for nobody but its owner to see. */
export function openDatabase(dir: string): Database {
  makePrivate(dir);
  // A busy reader (`edge status` as root) holds the file for milliseconds; a second is plenty.
  const db = new SqliteDatabase(storeFile(dir), { ...loadAddon(), timeout: 1_000 });
  try {
    setPragmas(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function setPragmas(db: Database): void {
  // Of a new file only. Every commit writes whole pages, and of most rows one changes at a time: half of SQLite's page
  // is nearly half the flash. A quarter saves little more, for then a pod's status takes several.
  db.pragma("page_size = 2048");
  db.pragma("journal_mode = WAL");
  // A reopened WAL database stands at NORMAL, whatever it was before: an "OK" would not be on disk.
  db.pragma("synchronous = FULL");
  db.pragma("foreign_keys = ON");
  db.pragma("secure_delete = ON");
  db.pragma("trusted_schema = OFF");
  db.pragma("temp_store = MEMORY");
  // KiB, by SQLite's own choice 2000: the kernel keeps the same pages once more, and may take those away.
  db.pragma("cache_size = -256");
  // The WAL goes into the database when it has 4 MiB, each page once however often it was written since; the file goes
  // back to that size after it has once been larger.
  db.pragma("wal_autocheckpoint = 2000");
  db.pragma("journal_size_limit = 4194304");
}

/**
 * For nobody but its owner; a folder of mode 0750, which is how `edge install` makes it, is for its group to read as well.
 * Any other mode is taken back.
 */
function makePrivate(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const { mode, uid, gid } = statSync(dir);
  const isShared = (mode & 0o777) === 0o750;
  if (!isShared && (mode & 0o777) !== 0o700) chmodSync(dir, 0o700);
  const fileMode = isShared ? 0o640 : 0o600;
  const file = storeFile(dir);
  if (existsSync(file)) {
    if ((statSync(file).mode & 0o777) !== fileMode) chmodSync(file, fileMode);
  } else {
    // SQLite gives its log the mode and the owner of the database, so only this file has to be made by hand.
    closeSync(openSync(file, "wx", fileMode));
    const folder = openSync(dir, "r");
    fsyncSync(folder);
    closeSync(folder);
  }
  if (isShared && statSync(file).gid !== gid) chownSync(file, uid, gid);
}

/** The transactions of one database. */
export function writer(db: Database): Writer {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const rollback = db.prepare("ROLLBACK");
  const undoListeners: (() => void)[] = [];
  let working = false;

  function transaction<T>(durability: "full" | "normal", work: () => T): T {
    if (working) throw new Error("A transaction cannot stand in another one");
    // It cannot be changed inside a transaction; between them it always stands at FULL.
    if (durability === "normal") db.pragma("synchronous = NORMAL");
    working = true;
    try {
      begin.run();
      const result = work();
      if (isPromise(result)) throw new TypeError("A transaction cannot wait: its work returned a promise");
      commit.run();
      return result;
    } catch (error) {
      // A full disk makes SQLite undo it by itself.
      if (db.inTransaction) rollback.run();
      for (const undone of undoListeners) undone();
      throw error;
    } finally {
      working = false;
      if (durability === "normal" && db.open) db.pragma("synchronous = FULL");
    }
  }

  return {
    db,
    transaction,
    write(work) {
      if (!working) return transaction("normal", work);
      // A full disk undoes a transaction in its middle: what comes after must not stand alone.
      if (!db.inTransaction) throw storeError("full", "The transaction was undone by the disk");
      return work();
    },
    onUndo: (undone) => undoListeners.push(undone),
  };
}

function isPromise(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
