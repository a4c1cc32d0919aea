import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { discardedFolders } from "../../../src/linux/discarded-folders.ts";

const parent = mkdtempSync(join(tmpdir(), "edge-discarded-"));
after(() => rmSync(parent, { recursive: true }));

test("a deep folder is moved away at once, and timers fire while it is removed", async () => {
  const root = join(parent, "pod");
  mkdirSync(root);
  const script = "for (let i = 0; i < 600; i += 1) { require('fs').mkdirSync('d'); process.chdir('d'); }";
  execFileSync(process.execPath, ["-e", script], { cwd: root });
  const discarded = discardedFolders([parent]);
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, 1);
  discarded.discard(root);
  assert.deepEqual(readdirSync(parent), [".discarded-pod.0"]);
  mkdirSync(root);
  discarded.discard(root);
  await discarded.settled();
  clearInterval(timer);
  assert.deepEqual(readdirSync(parent), []);
  assert.ok(ticks > 1, `${ticks} timers ran`);
});

test("leftovers of an earlier process are removed, and nothing else", async () => {
  mkdirSync(join(parent, ".discarded-pod.3", "inside"), { recursive: true });
  mkdirSync(join(parent, "kept"));
  writeFileSync(join(parent, ".discarded-pod.3", "inside", "file"), "");
  const discarded = discardedFolders([parent, join(parent, "nowhere")]);
  discarded.discard(join(parent, "nothing"));
  await discarded.settled();
  assert.deepEqual(readdirSync(parent), ["kept"]);
});
