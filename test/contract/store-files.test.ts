import assert from "node:assert/strict";
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import SqliteDatabase from "better-sqlite3";
import { openDatabase, writer } from "../../src/sqlite/database.ts";
import { openStore, openStoreReadOnly, recoverStore } from "../../src/sqlite/store.ts";
import { child, filled, folder, opened } from "./store-folder.ts";
import { desired, history, moment, pod } from "./store-samples.ts";

function failsToOpen(dir: string): { readonly code: string; readonly message: string } {
  const result = openStore({ dir });
  if (result.ok) assert.fail("The store should not have opened");
  return result.error;
}

describe("openStore()", () => {
  it("keeps committed data after SIGKILL, and drops the transaction in progress", async (t) => {
    const dir = folder(t);
    const { line, kill } = await child(t, "store", dir);
    assert.equal(line, "in the middle");
    await kill();
    const store = opened(dir);
    assert.equal(store.getMeta("committed"), "full");
    assert.equal(store.getMeta("also"), "normal");
    store.close();
  });

  it("uses synchronous=FULL after a reopen and between transactions", (t) => {
    const dir = filled(t);
    const db = openDatabase(dir);
    const level = () => db.pragma("synchronous", { simple: true });
    const [normal, full] = [1, 2];
    assert.equal(level(), full);
    const { transaction, write } = writer(db);
    assert.equal(transaction("normal", level), normal);
    assert.equal(level(), full);
    assert.equal(write(level), normal, "a write alone is a normal transaction");
    assert.equal(
      transaction("full", () => write(level)),
      full,
      "a write in a full transaction is full",
    );
    const fail = () =>
      transaction("normal", () => {
        throw new Error("undone");
      });
    assert.throws(fail, /undone/);
    assert.equal(level(), full);
    assert.equal(db.pragma("journal_mode", { simple: true }), "wal");
    assert.equal(db.pragma("secure_delete", { simple: true }), 1);
    db.close();
  });

  it("gives only its owner access to its files and folder", (t) => {
    const dir = folder(t);
    const store = opened(dir);
    store.setMeta("a", "1");
    assert.deepEqual(readdirSync(dir).sort(), ["device.key", "store.db", "store.db-shm", "store.db-wal"]);
    for (const name of readdirSync(dir)) assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name);
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    store.close();
    chmodSync(dir, 0o755);
    chmodSync(join(dir, "store.db"), 0o644);
    opened(dir).close();
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    assert.equal(statSync(join(dir, "store.db")).mode & 0o777, 0o600);
  });

  it("does not write if nothing changed", (t) => {
    const dir = folder(t);
    const store = opened(dir);
    const writeAll = () => {
      store.setMeta("a", "1");
      store.desiredPods.put(desired("a"));
      store.histories.put("uid-a", { app: history });
      store.configMaps.put("settings", { a: "1" }, moment);
      store.credentials.put("registry", "{}", moment);
      store.configMaps.delete("never");
      store.statuses.put(pod("a").id, { phase: "Running" });
      store.statuses.delete("never");
      store.histories.delete("never");
      store.terminatingPods.delete(99);
      store.outbox.release([99]);
      store.transaction("full", () => store.getMeta("a"));
    };
    writeAll();
    const before = [statSync(join(dir, "store.db-wal")).size, statSync(join(dir, "store.db")).size];
    for (let i = 0; i < 50; i += 1) writeAll();
    assert.deepEqual([statSync(join(dir, "store.db-wal")).size, statSync(join(dir, "store.db")).size], before);
    store.close();
  });

  it("leaves no readable secret or config map in the folder", (t) => {
    const dir = folder(t);
    const store = opened(dir);
    const readable = (word: string) => readdirSync(dir).filter((name) => readFileSync(join(dir, name)).includes(word));
    store.transaction("full", () => {
      store.credentials.put("registry", '{"auths":{"r":{"password":"s3cret-one"}}}', moment);
      store.configMaps.put("settings", { "app.conf": "s3cret-two" }, moment);
    });
    assert.deepEqual(readable("s3cret"), [], "while it is open, the log included");
    store.credentials.delete("registry");
    store.close();
    assert.deepEqual(readable("s3cret"), [], "once it is closed");
  });

  it("drops entries sealed with a lost key, and stores new ones", (t) => {
    const dir = folder(t);
    const store = opened(dir);
    store.credentials.put("registry", "{}", moment);
    store.configMaps.put("settings", { a: "1" }, moment);
    store.close();
    rmSync(join(dir, "device.key"));
    const again = opened(dir);
    assert.deepEqual([again.credentials.get("registry"), again.configMaps.get("settings")], [null, null]);
    assert.equal(again.configMaps.put("settings", { a: "1" }, moment), true);
    assert.deepEqual(again.configMaps.get("settings"), { a: "1" });
    again.close();
  });

  it("opens a newer minor version and rejects a newer major one", (t) => {
    const dir = filled(t);
    setPragma(dir, "user_version = 1007");
    const store = opened(dir);
    assert.equal(store.getMeta("install"), "1");
    store.setMeta("install", "2");
    store.close();
    setPragma(dir, "user_version = 2000");
    const error = failsToOpen(dir);
    assert.equal(error.code, "newer");
    assert.match(error.message, /schema 2\.0, this program knows 1\.1/);
    assert.equal(openStoreReadOnly(dir).ok, false);
    setPragma(dir, "user_version = 1007");
    opened(dir).close();
  });

  it("opens a large database without reading all of it into memory", (t) => {
    const dir = folder(t);
    const store = opened(dir);
    store.transaction("normal", () => {
      for (let n = 0; n < 32; n += 1) store.outbox.append("record", "x".repeat(1_048_576));
    });
    store.close();
    const before = process.memoryUsage().arrayBuffers;
    opened(dir).close();
    const taken = process.memoryUsage().arrayBuffers - before;
    assert.ok(taken < 8 * 1_048_576, `${taken} bytes`);
  });

  it("rejects a database of another program", (t) => {
    const dir = filled(t);
    setPragma(dir, "application_id = 5");
    assert.equal(failsToOpen(dir).code, "foreign");
  });

  for (const [how, damage] of [
    ["not a database at all", (file: string) => writeFileSync(file, "x".repeat(8_192))],
    ["cut short", (file: string) => truncateSync(file, 8_192)],
    ["all but its first page overwritten", (file: string) => overwrite(file, 4_096, statSync(file).size - 4_096)],
    ["one page of data overwritten", (file: string) => overwrite(file, statSync(file).size - 8_192, 4_096)],
  ] as const) {
    it(`reports a damaged file (${how}) and replaces it only on recoverStore()`, (t) => {
      const dir = filled(t);
      damage(join(dir, "store.db"));
      const before = readFileSync(join(dir, "store.db"));
      assert.equal(failsToOpen(dir).code, "corrupt");
      const aside = recoverStore(dir);
      assert.equal(aside, join(dir, "store.db.damaged-1"));
      assert.deepEqual(readFileSync(aside), before);
      const store = opened(dir);
      assert.deepEqual(store.desiredPods.list(), []);
      store.close();
    });
  }

  it("keeps at most three damaged files", (t) => {
    const dir = folder(t);
    assert.equal(recoverStore(dir), null);
    for (let i = 0; i < 5; i += 1) {
      opened(dir).close();
      recoverStore(dir);
    }
    assert.deepEqual(readdirSync(dir).sort(), [
      "device.key",
      "store.db.damaged-3",
      "store.db.damaged-4",
      "store.db.damaged-5",
    ]);
  });

  it("does not apply a leftover write-ahead log to a new file", async (t) => {
    const dir = folder(t);
    const { kill } = await child(t, "store", dir);
    await kill();
    assert.ok(statSync(join(dir, "store.db-wal")).size > 0);
    rmSync(join(dir, "store.db"));
    const store = opened(dir);
    assert.equal(store.getMeta("committed"), null);
    store.close();
  });

  it("reports a folder that cannot be used", (t) => {
    const dir = folder(t);
    writeFileSync(dir, "a file");
    assert.equal(failsToOpen(dir).code, "unusable");
  });
});

describe("openStoreReadOnly()", () => {
  it("reads a closed store without creating a file", (t) => {
    const dir = filled(t);
    const result = openStoreReadOnly(dir);
    assert.ok(result.ok, JSON.stringify(result));
    assert.deepEqual(result.store.desiredPods.list(), [desired("a")]);
    assert.equal(result.store.events.list({ limit: 3 }).length, 3);
    assert.deepEqual(readdirSync(dir).sort(), ["device.key", "store.db"]);
    result.store.close();
    assert.deepEqual(readdirSync(dir).sort(), ["device.key", "store.db"]);
  });

  it("reads the store of a killed process, including data only in the write-ahead log", async (t) => {
    const dir = folder(t);
    const { kill } = await child(t, "store", dir);
    const alive = openStoreReadOnly(dir);
    assert.ok(alive.ok);
    assert.equal(alive.store.getMeta("committed"), "full");
    alive.store.close();
    await kill();
    const before = readdirSync(dir);
    const dead = openStoreReadOnly(dir);
    assert.ok(dead.ok);
    assert.equal(dead.store.getMeta("also"), "normal");
    dead.store.close();
    assert.deepEqual(readdirSync(dir), before);
  });

  it("reports a missing store and does not create one", (t) => {
    const dir = folder(t);
    const result = openStoreReadOnly(dir);
    assert.equal(!result.ok && result.error.code, "missing");
    assert.equal(existsSync(dir), false);
  });

  it("reports a damaged file", (t) => {
    const dir = filled(t);
    writeFileSync(join(dir, "store.db"), "x".repeat(8_192));
    const result = openStoreReadOnly(dir);
    assert.equal(!result.ok && result.error.code, "corrupt");
  });
});

function setPragma(dir: string, pragma: string): void {
  const db = new SqliteDatabase(join(dir, "store.db"));
  db.pragma(pragma);
  db.close();
}

function overwrite(file: string, at: number, bytes: number): void {
  const open = openSync(file, "r+");
  writeSync(open, Buffer.alloc(bytes, 0x5a), 0, bytes, at);
  closeSync(open);
}
