import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { installProgram } from "../../scripts/programs.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-output-"));
after(() => rmSync(folder, { recursive: true }));
const program = installProgram("node", folder).join(" ");

/** What a shell line leaves on standard error, and the exit code of the program in it. */
function shell(line: string): { readonly said: string; readonly code: string } {
  const script = `set -o pipefail; edge() { ${program} "$@"; }; ${line}; echo "code $?"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8", timeout: 60_000 });
  return { said: stderr, code: stdout.trim().split("\n").at(-1) ?? "" };
}

test("a command ends silently when the reader of its output has gone", () => {
  const { said, code } = shell("edge config schema | true");
  assert.equal(said, "");
  assert.ok(["code 0", "code 1"].includes(code), code);
});

test("a command reports a full disk behind standard output and fails", () => {
  const { said, code } = shell("edge config schema > /dev/full");
  assert.match(said, /^edge: standard output cannot be written: .*ENOSPC.*\n$/);
  assert.equal(code, "code 1");
});

test("a command keeps its exit code if standard error cannot be written", () => {
  assert.equal(shell("edge no-such-command 2> /dev/full").code, "code 2");
});
