import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { hasSubmounts } from "../../../src/linux/submounts.ts";

test("submounts of a folder are found in every table, without the folder's own mount", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "edge-mounts-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const table = (name: string, ...points: readonly string[]): string => {
    const lines = points.map(
      (point, index) => `${index + 30} 1 8:1 / ${point} rw,noatime shared:1 - ext4 /dev/sda1 rw`,
    );
    writeFileSync(join(dir, name), `${lines.join("\n")}\n`);
    return join(dir, name);
  };
  const tables = [table("1", "/", "/srv", "/srv/my\\040disk/x"), table("self", "/", "/opt/a/b")];
  const found = (folder: string): boolean => hasSubmounts(folder, tables);
  for (const folder of ["/", "/srv", "/srv/my disk", "/opt", "/opt/a"]) assert.equal(found(folder), true, folder);
  for (const folder of ["/srv/my disk/x", "/sr", "/opt/a/b", "/srv/my"]) assert.equal(found(folder), false, folder);
  assert.equal(hasSubmounts("/sr", [...tables, join(dir, "none")]), true, "a table that cannot be read says nothing");
});
