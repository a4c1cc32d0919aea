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
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import SqliteDatabase from "better-sqlite3";
import { openDatabase } from "../../src/sqlite/database.ts";
import { bringSchema, currentSchema, type Schema } from "../../src/sqlite/schema.ts";
import { openStore, openStoreReadOnly } from "../../src/sqlite/store.ts";
import { desired, event, history, moment, pod, repeat, terminating } from "./store-samples.ts";

/** What later versions might look like: tables, and columns with a default. */
const next = "CREATE TABLE alarms (id INTEGER PRIMARY KEY) STRICT";
const afterNext =
  "ALTER TABLE events ADD COLUMN severity TEXT NOT NULL DEFAULT 'info'; CREATE TABLE models (name TEXT) STRICT";
const version = 1_000 + currentSchema.additions.length;
const later: Schema = { ...currentSchema, additions: [...currentSchema.additions, next, afterNext] };

function folder(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), "edge-upgrade-"));
  t.after(() => rmSync(parent, { recursive: true }));
  return join(parent, "data");
}

/** A data folder as a program of version 1.0 left it: test/samples/store-1.0.sql, which never changes. */
function ofFirstVersion(t: TestContext): string {
  const dir = folder(t);
  const sql = readFileSync(fileURLToPath(new URL("../samples/store-1.0.sql", import.meta.url)), "utf8");
  mkdirSync(dir, { mode: 0o700 });
  writeFileSync(join(dir, "device.key"), `${/^-- device\.key: (.+)$/m.exec(sql)?.[1]}\n`, { mode: 0o600 });
  const db = openDatabase(dir);
  db.exec(sql);
  db.close();
  return dir;
}

/** Every kind of thing that the first version kept. */
function holdsAll(dir: string): void {
  const opened = openStore({ dir });
  assert.ok(opened.ok, JSON.stringify(opened));
  const { store } = opened;
  const two = desired("b", { generation: 1, pod: pod("b", "app:2.0") });
  assert.deepEqual(store.desiredPods.list(), [desired("a"), two]);
  assert.deepEqual(store.desiredPods.previous("websocket", "b"), pod("b"));
  assert.deepEqual(store.terminatingPods.list(), [terminating("c", { seq: 1 })]);
  assert.equal(store.deletedPods.version("uid-d"), "7");
  assert.deepEqual(store.histories.get("uid-a"), { app: history });
  assert.deepEqual(store.statuses.get(pod("a").id.uid)?.status, { phase: "Running" });
  assert.equal(store.replies.repeated(repeat("m1")), "OK");
  assert.deepEqual(
    store.outbox.list(0, 10).map(({ kind, text }) => [kind, text]),
    [
      ["reply", '{"content":"OK"}'],
      ["record", "{}"],
    ],
  );
  assert.deepEqual(store.configMaps.get("settings"), { a: "1" });
  assert.equal(store.credentials.get("registry"), '{"auths":{}}');
  assert.deepEqual(
    store.events.list({ limit: 10 }).map(({ reason, count }) => [reason, count]),
    [["Started", 2]],
  );
  assert.deepEqual(store.npus.holders(), []);
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
  it("opens a database of version 1.0 with all its data and upgrades it", (t) => {
    const dir = ofFirstVersion(t);
    assert.equal(versionOf(dir), 1_000);
    holdsAll(dir);
    assert.equal(versionOf(dir), version);
    holdsAll(dir);
  });

  it("opens a database of version 1.0 that already has the table of NPUs", (t) => {
    const dir = ofFirstVersion(t);
    const db = openDatabase(dir);
    for (const addition of currentSchema.additions) db.exec(addition);
    db.close();
    holdsAll(dir);
  });

  it("reads a database of version 1.0 without changing it", (t) => {
    const dir = ofFirstVersion(t);
    for (const withLog of [false, true]) {
      const log = withLog ? openDatabase(dir) : null;
      log?.exec("INSERT INTO facts VALUES ('late', '1')");
      const opened = openStoreReadOnly(dir);
      assert.ok(opened.ok, JSON.stringify(opened));
      assert.equal(opened.store.desiredPods.list().length, 2);
      assert.deepEqual(opened.store.npus.holders(), []);
      assert.equal(opened.store.getMeta("late"), withLog ? "1" : null);
      opened.store.close();
      log?.close();
      assert.equal(versionOf(dir), 1_000);
    }
  });

  it("computes the hashes of a pod that an older version stored without them", (t) => {
    const dir = ofFirstVersion(t);
    const db = openDatabase(dir);
    db.exec("UPDATE desired_pods SET pod = json_remove(pod, '$.hashes')");
    db.close();
    holdsAll(dir);
  });

  it("applies every missing schema version in order and loses no data", (t) => {
    const dir = ofFirstVersion(t);
    assert.deepEqual(bring(dir, { ...later, additions: later.additions.slice(0, -1) }), { ok: true });
    assert.equal(versionOf(dir), version + 1);
    assert.deepEqual(bring(dir, later), { ok: true });
    assert.equal(versionOf(dir), version + 2);
    holdsAll(dir);
  });

  it("stays at the last complete schema version if the next one fails", (t) => {
    const dir = ofFirstVersion(t);
    const additions = [...later.additions.slice(0, -1), `${afterNext}; CREATE TABLE events (id INTEGER)`];
    const broken = { ...later, additions };
    assert.throws(() => bring(dir, broken), /table events already exists/);
    assert.equal(versionOf(dir), version + 1);
    holdsAll(dir);
    assert.deepEqual(bring(dir, later), { ok: true }, "nothing of the second one was left behind");
    assert.equal(versionOf(dir), version + 2);
  });

  it("creates a new file version by version", (t) => {
    const dir = folder(t);
    assert.deepEqual(bring(dir, later), { ok: true });
    assert.equal(versionOf(dir), version + 2);
  });
});

describe("an older program on a newer database", () => {
  it("reads and writes a newer minor version and keeps columns that it does not know", (t) => {
    const dir = ofFirstVersion(t);
    bring(dir, later);
    holdsAll(dir);
    const opened = openStore({ dir });
    assert.ok(opened.ok);
    opened.store.events.append({ ...event, reason: "Killing" }, moment);
    opened.store.close();
    const db = new SqliteDatabase(join(dir, "store.db"));
    assert.deepEqual(db.prepare("SELECT severity FROM events").pluck().all(), ["info", "info"]);
    assert.equal(db.pragma("user_version", { simple: true }), version + 2);
    db.close();
  });

  it("rejects a newer major version without changing any file or mode", (t) => {
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
      /schema 2\.3, this program knows 1\.1; nothing was changed, install the program that made it/,
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
  it("keeps its mode, and its group may read the store but not the key", (t) => {
    const group = process.getuid?.() === 0 ? 12_345 : (process.getgid?.() ?? 0);
    const dir = folder(t);
    mkdirSync(dir);
    chownSync(dir, process.getuid?.() ?? 0, group);
    chmodSync(dir, 0o750);
    const opened = openStore({ dir });
    assert.ok(opened.ok);
    opened.store.setMeta("a", "1");
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
