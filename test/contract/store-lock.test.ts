import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { acquireDataLock, acquireRunLock, runLockHeld } from "../../src/sqlite/lock.ts";
import { child, folder } from "./store-folder.ts";

const needsRoot = process.getuid?.() === 0 ? false : "needs root";

describe("acquireRunLock()", () => {
  it("gives the lock to one process, and SIGKILL releases it", async (t) => {
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

  it("keeps the lock when its own process asks for it again", async (t) => {
    const dir = folder(t);
    const lock = acquireRunLock(dir);
    assert.ok(lock.ok);
    assert.equal(runLockHeld(dir), true);
    assert.deepEqual(acquireRunLock(dir), { ok: false });
    assert.equal((await child(t, "lock", dir)).line, "refused");
    lock.release();
  });

  it("takes a lock that a user without read permission can see but not take", { skip: needsRoot }, async (t) => {
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

  it("takes another lock than acquireDataLock(), also in the same folder", (t) => {
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
