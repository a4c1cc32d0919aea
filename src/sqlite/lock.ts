import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import SqliteDatabase, { type Database } from "better-sqlite3";
import { loadAddon } from "./addon.ts";

export type RunLock = { readonly ok: true; readonly release: () => void } | { readonly ok: false };

/**
 * Takes the lock that says an agent runs on this folder; it goes with the process, however that ends. Node has no file
 * locks, SQLite has: nothing is ever written to the file, it is only held exclusively. Waits a moment, because somebody
 * who looks whether it is held holds it too while looking.
 */
export function acquireRunLock(runDir: string): RunLock {
  mkdirSync(runDir, { recursive: true, mode: 0o755 });
  return acquire(lockFile(runDir));
}

/** The same for the data folder, which must be there: two agents with run folders of their own must not share one. */
export function acquireDataLock(dataDir: string): RunLock {
  return acquire(dataLockFile(dataDir));
}

/** What `acquireDataLock` holds: not the name of the other one, for both folders may be the same. */
export function dataLockFile(dataDir: string): string {
  return join(dataDir, "agent.lock");
}

function acquire(file: string): RunLock {
  makePrivate(file);
  const db = new SqliteDatabase(file, { ...loadAddon(), timeout: 1_000 });
  try {
    // Without a journal file beside it: there is nothing to roll back. OFF is refused by SQLite as built here.
    db.pragma("journal_mode = MEMORY");
    db.exec("BEGIN EXCLUSIVE");
    return { ok: true, release: () => db.close() };
  } catch (error) {
    db.close();
    if (isBusy(error)) return { ok: false };
    throw error;
  }
}

/** Whether an agent runs on this folder. Any user may ask: who cannot read the file looks for it among the kernel's locks. */
export function runLockHeld(runDir: string): boolean {
  let db: Database;
  try {
    db = new SqliteDatabase(lockFile(runDir), { ...loadAddon(), readonly: true, fileMustExist: true, timeout: 0 });
  } catch (error) {
    if (codeOf(error) === "SQLITE_CANTOPEN" || error instanceof TypeError) return isListed(lockFile(runDir));
    throw error;
  }
  try {
    db.prepare("SELECT count(*) FROM sqlite_master").get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    db.close();
  }
}

function lockFile(runDir: string): string {
  return join(runDir, "lock");
}

/**
 * Whoever could read it could hold it as a reader, and keep the agent from starting. Only ever opened when it is new:
 * closing any descriptor of a file drops all locks that the process has on it, also those of a lock taken before.
 */
function makePrivate(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    chmodSync(file, 0o600);
  }
}

/** False for a file that is not there, and where the kernel shows no locks. */
function isListed(file: string): boolean {
  try {
    const { dev, ino } = statSync(file, { bigint: true });
    const hex = (part: bigint): string => part.toString(16).padStart(2, "0");
    const major = hex((dev >> 8n) & 0xfffn);
    const minor = hex((dev & 0xffn) | ((dev >> 12n) & 0xfff00n));
    return readFileSync("/proc/locks", "utf8").includes(` ${major}:${minor}:${ino} `);
  } catch {
    return false;
  }
}

function isBusy(error: unknown): boolean {
  return codeOf(error).startsWith("SQLITE_BUSY");
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
