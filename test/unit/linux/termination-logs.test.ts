import assert from "node:assert/strict";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { terminationLogs } from "../../../src/linux/termination-logs.ts";

const log = { uid: "u1", container: "app", attempt: 0 };

function dataFolder(t: TestContext): string {
  const dataDir = mkdtempSync(join(tmpdir(), "edge-logs-"));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  return dataDir;
}

const setUp = (t: TestContext) => terminationLogs(dataFolder(t));

test("a new termination log is empty and writable for everyone, and logs of earlier attempts are removed", (t) => {
  const logs = setUp(t);
  logs.create(log);
  writeFileSync(logs.path(log), "left over");
  logs.create(log);
  assert.equal(logs.read(log, 4096), "");
  assert.equal(statSync(logs.path(log)).mode & 0o777, 0o666);
  const next = { ...log, attempt: 1 };
  logs.create(next);
  logs.create({ ...log, container: "side" });
  assert.deepEqual(readdirSync(dirname(logs.path(log))), ["1"]);
});

test("an empty termination log is not written again", (t) => {
  const logs = setUp(t);
  logs.create(log);
  const before = statSync(logs.path(log), { bigint: true });
  logs.create(log);
  const after = statSync(logs.path(log), { bigint: true });
  assert.deepEqual([after.ino, after.mtimeNs, after.ctimeNs], [before.ino, before.mtimeNs, before.ctimeNs]);
});

test("the end of a termination log is read as text, up to the requested length", (t) => {
  const logs = setUp(t);
  assert.equal(logs.read(log, 4096), "", "there is none yet");
  logs.create(log);
  writeFileSync(logs.path(log), `${"x".repeat(10_000)}the end`);
  assert.equal(logs.read(log, 7), "the end");
  assert.equal(logs.read(log, 4096).length, 4096);
  writeFileSync(logs.path(log), "größer");
  assert.equal(logs.read(log, 5), "ßer", "half a character at the front is left out");
  writeFileSync(logs.path(log), Buffer.from([0x61, 0xff, 0x62]));
  assert.equal(logs.read(log, 4096), "a\uFFFDb");
  assert.equal(logs.read(log, 0), "");
});

test("a termination log that has grown is emptied, a sparse one is not", (t) => {
  const logs = setUp(t);
  const side = { ...log, container: "side" };
  logs.create(log);
  logs.create(side);
  const fd = openSync(logs.path(log), "r+");
  t.after(() => closeSync(fd));
  const page = Buffer.alloc(128 * 1024, "x");
  writeFileSync(fd, page);
  writeFileSync(logs.path(side), "short");
  truncateSync(logs.path(side), 1024 ** 3);
  logs.trim();
  assert.equal(statSync(logs.path(log)).size, 0);
  assert.equal(statSync(logs.path(side)).size, 1024 ** 3);
  // The writer goes on where it was.
  writeFileSync(fd, "after it");
  assert.ok(statSync(logs.path(log)).blocks * 512 <= 64 * 1024);
  assert.equal(logs.read(log, 4096), "after it");
});

test("every termination log is emptied: of this agent, of one before, and one that nobody has created", (t) => {
  const dir = dataFolder(t);
  const before = { ...log, container: "before" };
  terminationLogs(dir).create(before);
  const logs = terminationLogs(dir);
  const stranger = { ...log, container: "stranger" };
  const grow = (grown: typeof log): void => writeFileSync(logs.path(grown), Buffer.alloc(128 * 1024, "x"));
  const size = (grown: typeof log): number => statSync(logs.path(grown)).size;
  grow(before);
  logs.trim();
  assert.equal(size(before), 0);
  logs.create(log);
  grow(log);
  logs.trim();
  assert.equal(size(log), 0);
  mkdirSync(join(logs.path(stranger), ".."), { recursive: true });
  grow(stranger);
  rmSync(logs.path(before));
  for (let n = 0; n < 60; n += 1) logs.trim();
  assert.equal(size(stranger), 0);
});
