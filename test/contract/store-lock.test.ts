import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { acquireDataLock, acquireRunLock, runLockHeld } from "../../src/sqlite/lock.ts";
import { child, folder } from "./store-folder.ts";

const needsRoot = process.getuid?.() === 0 ? false : "needs root";

describe("acquireRunLock()", () => {
  it("is held by one process, seen by others, and dies with SIGKILL", async (t) => {
    const dir = folder(t);
    assert.equal(runLockHeld(dir), false);
    const { line, kill } = await child(t, "lock", dir);
    assert.equal(line, "held");
    assert.equal(runLockHeld(dir), true);
    assert.deepEqual(acquireRunLock(dir), { ok: false });
    assert.equal(statSync(join(dir, "lock")).mode & 0o777, 0o600);
    await kill();
    assert.equal(runLockHeld(dir), false);
    const lock = acquireRunLock(dir);
    assert.ok(lock.ok);
    assert.equal((await child(t, "lock", dir)).line, "refused");
    lock.release();
    assert.equal(runLockHeld(dir), false);
  });

  it("survives that its own process looks and tries again", async (t) => {
    const dir = folder(t);
    const lock = acquireRunLock(dir);
    assert.ok(lock.ok);
    assert.equal(runLockHeld(dir), true);
    assert.deepEqual(acquireRunLock(dir), { ok: false });
    assert.equal((await child(t, "lock", dir)).line, "refused");
    lock.release();
  });

  it("is seen by a user who cannot read it, and so cannot hold it", { skip: needsRoot }, async (t) => {
    const dir = folder(t);
    chmodSync(join(dir, ".."), 0o755);
    mkdirSync(dir, { mode: 0o755 });
    // As an older version left it.
    writeFileSync(join(dir, "lock"), "", { mode: 0o644 });
    const lock = acquireRunLock(dir);
    assert.ok(lock.ok);
    assert.equal((await child(t, "ask", dir)).line, "held, and not to be read");
    lock.release();
    assert.equal((await child(t, "ask", dir)).line, "free, and not to be read");
  });

  it("is another one than that of the data folder, which may be the same", (t) => {
    const dir = folder(t);
    const [run, data] = [acquireRunLock(dir), acquireDataLock(dir)];
    assert.ok(run.ok && data.ok);
    assert.deepEqual(acquireDataLock(dir), { ok: false });
    data.release();
    const again = acquireDataLock(dir);
    assert.ok(again.ok);
    again.release();
    run.release();
  });

  it("leaves one empty file", (t) => {
    const dir = folder(t);
    const lock = acquireRunLock(dir);
    assert.ok(lock.ok);
    assert.deepEqual(readdirSync(dir), ["lock"]);
    lock.release();
    assert.equal(statSync(join(dir, "lock")).size, 0);
  });
});
