import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { removeTree } from "../../../src/linux/remove-tree.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-tree-"));
after(() => rmSync(folder, { recursive: true }));

test("a tree of 850 folders below each other is removed, and the files in it", async () => {
  const root = join(folder, "deep");
  mkdirSync(root);
  const script =
    "for (let i = 0; i < 850; i += 1) { require('fs').mkdirSync('d'); process.chdir('d'); require('fs').writeFileSync('f', ''); }";
  execFileSync(process.execPath, ["-e", script], { cwd: root });
  mkdirSync(join(root, ".deep-0"));
  writeFileSync(join(root, ".deep-1"), "");
  await removeTree(root);
  assert.ok(!existsSync(root));
});

test("links are removed and not followed, and a missing tree is no error", async () => {
  const kept = join(folder, "kept");
  mkdirSync(kept);
  writeFileSync(join(kept, "file"), "");
  const root = join(folder, "links");
  mkdirSync(join(root, "a"), { recursive: true });
  symlinkSync(kept, join(root, "a", "link"));
  symlinkSync("/nowhere", join(root, "broken"));
  await removeTree(root);
  await removeTree(root);
  assert.ok(!existsSync(root));
  assert.ok(existsSync(join(kept, "file")));
  symlinkSync(kept, root);
  await removeTree(root);
  assert.ok(!existsSync(root));
  assert.ok(existsSync(join(kept, "file")));
});

test("a folder of many entries is emptied", async () => {
  const root = join(folder, "wide");
  mkdirSync(root);
  for (let index = 0; index < 1_000; index += 1) writeFileSync(join(root, String(index)), "");
  await removeTree(root);
  assert.ok(!existsSync(root));
});
