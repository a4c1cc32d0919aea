import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isLockedForWriting } from "../../../src/linux/locks.ts";
import { acquireRunLock } from "../../../src/sqlite/lock.ts";

test("the agent's lock is visible only while it is held", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "edge-locks-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const [mine, other] = [join(dir, "lock"), join(dir, "other")];
  writeFileSync(other, "");
  assert.equal(isLockedForWriting(mine), false, "no such file");
  const lock = acquireRunLock(dir);
  assert.ok(lock.ok);
  assert.equal(isLockedForWriting(mine), true);
  assert.equal(isLockedForWriting(other), false);
  assert.equal(isLockedForWriting(mine, join(dir, "no-list")), false);
  lock.release();
  assert.equal(isLockedForWriting(mine), false);
});

test("a reader of the run lock is not taken for an agent", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "edge-locks-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "lock");
  const lock = acquireRunLock(dir);
  assert.ok(lock.ok);
  t.after(lock.release);
  const list = join(dir, "list");
  writeFileSync(list, "1: POSIX  ADVISORY  READ 1 00:01:5 0 EOF\n2: FLOCK  ADVISORY  WRITE 1 00:01:5 0 EOF\n");
  assert.equal(isLockedForWriting(file, list), false);
});
