import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../", import.meta.url);
const [, section = ""] = readFileSync(new URL("docs/lifecycle.md", root), "utf8").split(
  "## Differences from the kubelet\n",
);
const [table = ""] = section.split("\n## ");
const rows = table
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| kubelet ") && !line.startsWith("| ---"));

test("lifecycle.md has a table of differences from the kubelet", () =>
  assert.ok(rows.length >= 10, `${rows.length} rows`));

for (const row of rows) {
  const cells = row.split("|").map((cell) => cell.trim());
  const [, file = "", name = ""] = /^`([^`]+)`: (.+)$/.exec(cells[4] ?? "") ?? [];
  test(`the difference "${cells[1]}" names its test`, () => {
    assert.deepEqual([cells.length, cells.slice(1, 5).filter((cell) => cell === "")], [6, []]);
    assert.ok(readFileSync(new URL(file, root), "utf8").includes(name), `${file} has no test "${name}"`);
  });
}
