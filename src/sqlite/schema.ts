import type { Database } from "better-sqlite3";

/** Marks a file as ours: "edge" in ASCII. */
const applicationId = 0x65_64_67_65;
/** Of what shape a database is, major.minor, and how it comes to be. */
export interface Schema {
  readonly major: number;
  /** The tables of major.0. It never changes once a device has it. */
  readonly first: string;
  /**
   * What each minor version adds, from major.1 on: tables, indexes, columns with a default. Nothing that an older program
   * would stumble over, since that goes on using the file; whatever else is wanted takes a new major version.
   */
  readonly additions: readonly string[];
}

/** Every time that matters is kept three ways (Moment): wall, mono and the boot that mono belongs to. */
const firstSchema = `
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE desired_pods (
  namespace TEXT NOT NULL, name TEXT NOT NULL, uid TEXT NOT NULL,
  pod TEXT NOT NULL,
  previous_pod TEXT,
  generation INTEGER NOT NULL,
  accepted_wall REAL NOT NULL, accepted_mono REAL NOT NULL, accepted_boot TEXT NOT NULL,
  message_id TEXT NOT NULL, content_hash TEXT NOT NULL,
  PRIMARY KEY (namespace, name)
) STRICT;

CREATE TABLE leaving_pods (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('deleted', 'superseded')),
  namespace TEXT NOT NULL, name TEXT NOT NULL, uid TEXT NOT NULL,
  pod TEXT,
  generation INTEGER NOT NULL,
  grace_seconds INTEGER NOT NULL,
  since_wall REAL NOT NULL, since_mono REAL NOT NULL, since_boot TEXT NOT NULL,
  accepted_wall REAL NOT NULL, accepted_mono REAL NOT NULL, accepted_boot TEXT NOT NULL,
  deletion_timestamp TEXT NOT NULL,
  message_id TEXT NOT NULL,
  gone INTEGER NOT NULL
) STRICT;

CREATE TABLE deleted_pods (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  uid TEXT NOT NULL UNIQUE,
  resource_version TEXT NOT NULL
) STRICT;

-- PodHistory as JSON: attempts, terminations, back-off and pinned image ids, with their moments.
CREATE TABLE histories (uid TEXT PRIMARY KEY, history TEXT NOT NULL) STRICT;

CREATE TABLE statuses (
  uid TEXT PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL
) STRICT;

CREATE TABLE replies (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id TEXT NOT NULL, operation TEXT NOT NULL, resource TEXT NOT NULL, content_hash TEXT NOT NULL,
  reply TEXT NOT NULL,
  UNIQUE (message_id, operation, resource, content_hash)
) STRICT;

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('reply', 'record')),
  text TEXT NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_records ON outbox (id) WHERE kind = 'record';

CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- No index and no AUTOINCREMENT: each would be one more page written for every event.
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at_wall REAL NOT NULL, at_mono REAL NOT NULL, at_boot TEXT NOT NULL,
  first_wall REAL NOT NULL, count INTEGER NOT NULL, told INTEGER NOT NULL, untold_wall REAL NOT NULL,
  type TEXT NOT NULL, pod TEXT NOT NULL, container TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;

-- Sealed by secrets.ts; key_id says with which key.
CREATE TABLE credentials (
  name TEXT PRIMARY KEY, resource_version TEXT NOT NULL,
  key_id TEXT NOT NULL, sealed BLOB NOT NULL,
  updated_wall REAL NOT NULL, updated_mono REAL NOT NULL, updated_boot TEXT NOT NULL
) STRICT;
CREATE TABLE config_maps (
  name TEXT PRIMARY KEY, resource_version TEXT NOT NULL,
  key_id TEXT NOT NULL, sealed BLOB NOT NULL,
  updated_wall REAL NOT NULL, updated_mono REAL NOT NULL, updated_boot TEXT NOT NULL
) STRICT;
`;

/** 1.1. Some files of 1.0 have it already: for a time it was among the first tables. */
const npuHolders = `
CREATE TABLE IF NOT EXISTS npu_holders (
  npu TEXT PRIMARY KEY,
  namespace TEXT NOT NULL, name TEXT NOT NULL, uid TEXT NOT NULL, container TEXT NOT NULL
) STRICT;
`;

export const currentSchema: Schema = { major: 1, first: firstSchema, additions: [npuHolders] };

export type SchemaVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: "newer" | "foreign"; readonly message: string };

/** Reads which schema a file has: null for an empty file. Does not write. */
export function readSchema(db: Database, { major, additions }: Schema = currentSchema): SchemaVerdict | null {
  const id = Number(db.pragma("application_id", { simple: true }));
  const version = Number(db.pragma("user_version", { simple: true }));
  const tables = Number(db.prepare("SELECT count(*) FROM sqlite_master").pluck().get());
  if (id === 0 && version === 0 && tables === 0) return null;
  if (id !== applicationId) {
    return { ok: false, code: "foreign", message: "The file is a database of another program" };
  }
  return judgeVersion(version, { major, additions });
}

/** Whether a file of ours that has this user_version is for this program. */
export function judgeVersion(
  version: number,
  { major, additions }: Pick<Schema, "major" | "additions"> = currentSchema,
): SchemaVerdict {
  const fileMajor = Math.floor(version / 1_000);
  if (fileMajor === major) return { ok: true };
  const message = `The database has schema ${fileMajor}.${version % 1_000}, this program knows ${major}.${additions.length}; nothing was changed, install the program that made it`;
  return { ok: false, code: "newer", message };
}

/** The user_version of a database of ours by its first bytes, null when it is not ours; what is in its log is not seen. */
export function versionInHeader(header: Buffer): number | null {
  return header.length >= 72 && header.readUInt32BE(68) === applicationId ? header.readUInt32BE(60) : null;
}

/**
 * Makes the tables of a new file, adds what an older minor version lacks, and leaves a newer minor one as it is. Each
 * version is one transaction: whatever cuts it short, the file has one version or the next.
 */
export function bringSchema(db: Database, schema: Schema = currentSchema): SchemaVerdict {
  const found = readSchema(db, schema);
  if (found?.ok === false) return found;
  const setVersion = (minor: number) => db.pragma(`user_version = ${schema.major * 1_000 + minor}`);
  if (found === null) {
    const make = () => {
      db.exec(schema.first);
      db.pragma(`application_id = ${applicationId}`);
      setVersion(0);
    };
    db.transaction(make).immediate();
  }
  const minor = minorOf(db);
  for (const [index, addition] of schema.additions.entries()) {
    if (index < minor) continue;
    const add = () => {
      db.exec(addition);
      setVersion(index + 1);
    };
    db.transaction(add).immediate();
  }
  return { ok: true };
}

/** Whether a file that `readSchema` is content with is of an older minor version than this program. */
export function isOlder(db: Database, { additions }: Schema = currentSchema): boolean {
  return minorOf(db) < additions.length;
}

function minorOf(db: Database): number {
  return Number(db.pragma("user_version", { simple: true })) % 1_000;
}
