import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import SqliteDatabase from "better-sqlite3";
import { openDatabase } from "../../src/sqlite/database.ts";
import { bringSchema, currentSchema, type Schema } from "../../src/sqlite/schema.ts";
import { openStore, openStoreReadOnly } from "../../src/sqlite/store.ts";
import { desired, event, history, moment, pod } from "./store-samples.ts";

/** What later versions might look like: tables, and columns with a default. */
const oneOne = "CREATE TABLE alarms (id INTEGER PRIMARY KEY) STRICT";
const oneTwo =
  "ALTER TABLE events ADD COLUMN severity TEXT NOT NULL DEFAULT 'info'; CREATE TABLE models (name TEXT) STRICT";
const first: Schema = { ...currentSchema, additions: [] };
const later: Schema = { ...first, additions: [oneOne, oneTwo] };

function folder(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), "edge-upgrade-"));
  t.after(() => rmSync(parent, { recursive: true }));
  return join(parent, "data");
}

/** A data folder as version 1.0 left it. */
function ofFirstVersion(t: TestContext): string {
  const dir = folder(t);
  const db = openDatabase(dir);
  bringSchema(db, first);
  db.close();
  fill(dir);
  return dir;
}

function fill(dir: string): void {
  const opened = openStore({ dir });
  assert.ok(opened.ok);
  const { store } = opened;
  store.putDesiredPod(desired("a"));
  store.putHistory("uid-a", { app: history });
  store.putStatus(pod("a").id, { phase: "Running" });
  store.appendOutbox("reply", "{}");
  store.putConfigMap("settings", { a: "1" }, moment);
  store.appendEvent(event, moment);
  store.close();
}

function holdsAll(dir: string): void {
  const opened = openStore({ dir });
  assert.ok(opened.ok, JSON.stringify(opened));
  const { store } = opened;
  assert.deepEqual(store.desiredPods(), [desired("a")]);
  assert.deepEqual(store.history("uid-a"), { app: history });
  assert.deepEqual(store.status(pod("a").id.uid)?.status, { phase: "Running" });
  assert.equal(store.outboxCounts().pending, 1);
  assert.deepEqual(store.configMap("settings"), { a: "1" });
  assert.equal(store.events({ limit: 10 }).length, 1);
  store.close();
}

function bring(dir: string, schema: Schema): ReturnType<typeof bringSchema> {
  const db = openDatabase(dir);
  try {
    return bringSchema(db, schema);
  } finally {
    db.close();
  }
}

function versionOf(dir: string): number {
  const db = new SqliteDatabase(join(dir, "store.db"), { readonly: true });
  const version = Number(db.pragma("user_version", { simple: true }));
  db.close();
  return version;
}

describe("a newer program on an older database", () => {
  it("opens what version 1.0 left, with all that it held", (t) => holdsAll(ofFirstVersion(t)));

  it("adds what is missing, version by version, and loses nothing", (t) => {
    const dir = ofFirstVersion(t);
    assert.deepEqual(bring(dir, { ...first, additions: [oneOne] }), { ok: true });
    assert.equal(versionOf(dir), 1_001);
    assert.deepEqual(bring(dir, later), { ok: true });
    assert.equal(versionOf(dir), 1_002);
    holdsAll(dir);
  });

  it("stands at the last version that was added whole when one cannot be", (t) => {
    const dir = ofFirstVersion(t);
    const broken = { ...first, additions: [oneOne, `${oneTwo}; CREATE TABLE events (id INTEGER)`] };
    assert.throws(() => bring(dir, broken), /table events already exists/);
    assert.equal(versionOf(dir), 1_001);
    holdsAll(dir);
    assert.deepEqual(bring(dir, later), { ok: true }, "nothing of the second one was left behind");
    assert.equal(versionOf(dir), 1_002);
  });

  it("makes a new file version by version, too", (t) => {
    const dir = folder(t);
    assert.deepEqual(bring(dir, later), { ok: true });
    assert.equal(versionOf(dir), 1_002);
  });
});

describe("an older program on a newer database", () => {
  it("goes on with a newer minor version, reads and writes, and leaves what it does not know", (t) => {
    const dir = folder(t);
    bring(dir, later);
    fill(dir);
    holdsAll(dir);
    const db = new SqliteDatabase(join(dir, "store.db"));
    assert.deepEqual(db.prepare("SELECT severity FROM events").pluck().all(), ["info"]);
    assert.equal(db.pragma("user_version", { simple: true }), 1_002);
    db.close();
  });

  it("refuses a newer major version, and changes no file: not the log, not a mode", (t) => {
    const dir = ofFirstVersion(t);
    const left = `${dir}-left`;
    mkdirSync(left, { mode: 0o755 });
    const db = openDatabase(dir);
    db.pragma("user_version = 2003");
    assert.ok(statSync(join(dir, "store.db-wal")).size > 0, "the version stands in the log alone");
    // As a power cut leaves it.
    for (const name of ["store.db", "store.db-wal"]) copyFileSync(join(dir, name), join(left, name));
    db.close();
    for (const name of readdirSync(left)) chmodSync(join(left, name), 0o644);
    const look = () =>
      ["store.db", "store.db-wal"].map((name) => [
        readFileSync(join(left, name)).toString("hex"),
        statSync(join(left, name)).mode,
        statSync(join(left, name)).mtimeMs,
      ]);
    const before = look();
    const opened = openStore({ dir: left });
    assert.ok(!opened.ok);
    assert.equal(opened.error.code, "newer");
    assert.match(
      opened.error.message,
      /schema 2\.3, this program knows 1\.0; nothing was changed, install the program that made it/,
    );
    assert.equal(openStoreReadOnly(left).ok, false);
    assert.deepEqual(look(), before);
    assert.equal(statSync(left).mode & 0o777, 0o755);
    assert.deepEqual(
      readdirSync(left)
        .filter((name) => name !== "store.db-shm")
        .sort(),
      ["store.db", "store.db-wal"],
      "no key, no new log",
    );
  });
});

describe("a data folder of mode 0750", () => {
  it("stays so, and its group may read the store, not the key", (t) => {
    const group = process.getuid?.() === 0 ? 12_345 : (process.getgid?.() ?? 0);
    const dir = folder(t);
    mkdirSync(dir);
    chownSync(dir, process.getuid?.() ?? 0, group);
    chmodSync(dir, 0o750);
    const opened = openStore({ dir });
    assert.ok(opened.ok);
    opened.store.setFact("a", "1");
    const modes = readdirSync(dir)
      .sort()
      .map((name) => [name, (statSync(join(dir, name)).mode & 0o777).toString(8)]);
    assert.deepEqual(modes, [
      ["device.key", "600"],
      ["store.db", "640"],
      ["store.db-shm", "640"],
      ["store.db-wal", "640"],
    ]);
    for (const name of ["store.db", "store.db-wal"]) assert.equal(statSync(join(dir, name)).gid, group, name);
    opened.store.close();
    assert.equal(statSync(dir).mode & 0o777, 0o750);
  });
});
