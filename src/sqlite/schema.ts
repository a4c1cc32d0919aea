import type { Database } from "better-sqlite3";

/** Marks a file as ours: "edge" in ASCII. */
const applicationId = 0x65_64_67_65;
/** A minor version only adds, so that an older program goes on reading; a major one may change anything. */
const major = 1;

/** What each minor version adds, from 1.1 on. */
function additions(): readonly string[] {
  return [];
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

CREATE TABLE npu_allocations (
  device TEXT PRIMARY KEY, uid TEXT NOT NULL, container TEXT NOT NULL,
  allocated_wall REAL NOT NULL, allocated_mono REAL NOT NULL, allocated_boot TEXT NOT NULL
) STRICT;
`;

export type SchemaVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: "newer" | "foreign"; readonly message: string };

/** Reads which schema a file has: null for an empty file. Does not write. */
export function readSchema(db: Database): SchemaVerdict | null {
  const id = Number(db.pragma("application_id", { simple: true }));
  const version = Number(db.pragma("user_version", { simple: true }));
  const tables = Number(db.prepare("SELECT count(*) FROM sqlite_master").pluck().get());
  if (id === 0 && version === 0 && tables === 0) return null;
  if (id !== applicationId) {
    return { ok: false, code: "foreign", message: "The file is a database of some other program" };
  }
  const fileMajor = Math.floor(version / 1_000);
  if (fileMajor === major) return { ok: true };
  const message = `The database has schema ${fileMajor}.${version % 1_000}, this program knows ${major}.${additions().length}`;
  return { ok: false, code: "newer", message };
}

/** Makes the tables of a new file, adds what an older minor version lacks, and leaves a newer minor one as it is. */
export function bringSchema(db: Database): SchemaVerdict {
  const found = readSchema(db);
  if (found?.ok === false) return found;
  const minor = found === null ? null : Number(db.pragma("user_version", { simple: true })) % 1_000;
  if (minor !== null && minor >= additions().length) return { ok: true };
  db.transaction(() => {
    if (minor === null) {
      db.exec(firstSchema);
      db.pragma(`application_id = ${applicationId}`);
    }
    for (const addition of additions().slice(minor ?? 0)) db.exec(addition);
    db.pragma(`user_version = ${major * 1_000 + additions().length}`);
  }).immediate();
  return { ok: true };
}
