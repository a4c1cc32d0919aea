import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { installProgram } from "../../scripts/programs.ts";
import { main } from "../../src/cli/program.ts";
import { liveDevice, liveStatus, podRow } from "../samples/live-device.ts";

/** A device with three pods, and what bash offers there behind the words of a line. */
async function device(t: TestContext) {
  const live = liveDevice(t);
  live.publish(liveStatus([podRow("web"), podRow("worker-1"), podRow("web", { namespace: "mef-user", uid: "2" })]));
  const dir = dirname(live.config);
  const script = join(dir, "completion.bash");
  assert.equal(await main(["completion", "bash"], live.io), 0);
  writeFileSync(script, live.lines.join("\n"));
  mkdirSync(join(dir, "bin"));
  const program = `#!/bin/sh\nexec ${installProgram("node", dir).join(" ")} "$@"\n`;
  writeFileSync(join(dir, "bin/edge"), program, { mode: 0o755 });
  const run = `set -u; source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _edge; printf '%s\\n' "\${COMPREPLY[@]}"`;
  function offers(...words: readonly string[]): readonly string[] {
    const env = { ...process.env, PATH: `${join(dir, "bin")}:${process.env["PATH"]}` };
    const args = ["--norc", "-c", run, "bash", script, "edge", ...words];
    const { status, stdout, stderr } = spawnSync("bash", args, { cwd: dir, env, encoding: "utf8", timeout: 60_000 });
    assert.equal(status, 0, stderr);
    return stdout.split("\n").filter((line) => line !== "");
  }
  return { ...live, offers };
}

test("bash completes commands and options of edge", async (t) => {
  const { offers } = await device(t);
  for (const [words, expected] of [
    [["lo"], ["logs"]],
    [["get", ""], ["pods"]],
    [["config", "s"], ["schema"]],
    [["logs", "--all"], ["--all-containers"]],
    [["logs", "web", "--js"], ["--json"]],
    [
      ["get", "po", "-o", ""],
      ["wide", "json", "yaml", "name"],
    ],
    [["wait", "web", "--for", "R"], ["Ready"]],
    [["wait", "web", "--for", "=", "D"], ["Deleted"]],
    [
      ["wait", "web", "--for", "="],
      ["Ready", "Deleted"],
    ],
    [["--config", "get", "comp"], ["completion"]],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [["install", "--root", "b"], ["bin"]],
    [["validate", "edge.c"], ["edge.config.json"]],
    [["status", "w"], []],
  ] as const) {
    assert.deepEqual(offers(...words), expected, words.join(" "));
  }
});

test("bash completes the names of the pods that are here", async (t) => {
  const { config, offers } = await device(t);
  const named = ["--config", config];
  assert.deepEqual(offers(...named, "logs", "w"), ["websocket/web", "worker-1"]);
  assert.deepEqual(offers("events", "--config", "=", config, "--pod", "wo"), ["worker-1"]);
  assert.deepEqual(offers(...named, "describe", "mef"), ["mef-user/web"]);
  assert.deepEqual(offers("--config", join(dirname(config), "none.json"), "logs", ""), []);
});
