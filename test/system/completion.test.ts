import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { requirePackages } from "../../scripts/packages.ts";
import { completionScript, type Shell } from "../../src/cli/completion.ts";
import { edgeCommand } from "../../src/cli/program.ts";

requirePackages("shells");
const dir = mkdtempSync(join(tmpdir(), "edge-completion-"));
after(() => rmSync(dir, { recursive: true, force: true }));
mkdirSync(join(dir, "bin"));
// It names its pods only for the line that completion asks with, and for the configuration that the user names.
const program = `#!/bin/sh
case "$*" in
  "get pods -o name") printf 'pod/web\\npod/worker-1\\n' ;;
  "--config other.json get pods -o name") echo pod/wanderer ;;
esac
`;
writeFileSync(join(dir, "bin/edge"), program, { mode: 0o755 });
const env = { HOME: dir, TERM: "dumb", PATH: `${join(dir, "bin")}:${process.env["PATH"]}` };

function script(shell: Shell): string {
  const file = join(dir, `edge.${shell}`);
  const silent = { out: () => undefined, err: () => undefined };
  writeFileSync(
    file,
    completionScript(
      shell,
      edgeCommand(silent, () => undefined),
    ),
  );
  return file;
}

test("fish completes commands, options, their values and the names of pods", () => {
  const file = script("fish");
  for (const [line, expected] of [
    ["edge lo", ["logs"]],
    ["edge get ", ["pods"]],
    ["edge logs w", ["web", "worker-1"]],
    ["edge --config other.json logs w", ["wanderer"]],
    ["edge logs --all", ["--all-containers"]],
    ["edge get po -o ", ["json", "name", "wide", "yaml"]],
    ["edge wait web --for ", ["Deleted", "Ready"]],
    ["edge events --pod wo", ["worker-1"]],
    ["edge completion ", ["bash", "fish", "zsh"]],
  ] as const) {
    const args = ["--no-config", "-c", `source ${file}; complete -C ${JSON.stringify(line)}`];
    const { status, stdout, stderr } = spawnSync("fish", args, { cwd: dir, env, encoding: "utf8", timeout: 60_000 });
    assert.equal(status, 0, stderr);
    const offered = stdout.split("\n").map((text) => text.split("\t")[0] ?? "");
    assert.deepEqual(offered.filter((text) => text !== "").sort(), expected, line);
  }
});

test("zsh completes commands, options, their values and the names of pods", async () => {
  const start = `PS1='> '; autoload -U compinit; compinit -u -D; source ${script("zsh")}; bindkey '^I' complete-word`;
  // What is typed may be printed before it is completed; the patterns are those of zsh.
  const typed = [
    ["edge lo", "edge lo*gs"],
    ["edge logs w", "web *worker-1"],
    ["edge --config other.json logs w", "logs w*anderer"],
    ["edge logs --all", "logs --all*-containers"],
    ["edge get pods -o ", "json *name *wide *yaml"],
    ["edge wait web --for=R", "--for=R*eady"],
  ] as const;
  const driver = [
    "zmodload zsh/zpty",
    "zpty z zsh -f -i",
    `zpty -w z "${start}"`,
    // Each line is typed into an empty one (Ctrl-U), and followed by tab.
    ...typed.flatMap(([line, expected]) => [
      `zpty -n -w z $'\\C-u${line}\\t'`,
      `zpty -r z text '*${expected}*'`,
      `print -r -- '${line}'`,
    ]),
    "zpty -d z",
  ].join("\n");
  const zsh = spawn("zsh", ["-f", "-c", driver], { cwd: dir, env, stdio: ["ignore", "pipe", "inherit"] });
  const deadline = setTimeout(() => zsh.kill(), 60_000);
  let completed = "";
  for await (const chunk of zsh.stdout.setEncoding("utf8")) completed += String(chunk);
  clearTimeout(deadline);
  assert.equal(completed, typed.map(([line]) => `${line}\n`).join(""));
});
