import assert from "node:assert/strict";
import { test } from "node:test";
import { createStepRun, report } from "../../../src/cli/installation.ts";
import { exitCodes } from "../../../src/cli/output.ts";
import type { Step } from "../../../src/linux/install/install-steps.ts";

function stepOf(what: string, carryOut: () => void): Step {
  return { what, change: "create", isDone: () => false, carryOut };
}

function printed() {
  const out: string[] = [];
  const err: string[] = [];
  const io = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line) };
  return { out, err, io };
}

const options = { root: "/image", dryRun: false, json: false };

test("a step that fails ends the run with the step, the reason and what to do", () => {
  const done: string[] = [];
  const run = createStepRun(options);
  run.carryOut([
    stepOf("/image/etc/edge", () => done.push("folder")),
    stepOf("/image/usr/local/bin/edge", () => {
      throw new Error("EROFS: read-only file system, open '/image/usr/local/bin/edge'");
    }),
    stepOf("/image/never", () => done.push("after the failure")),
  ]);
  run.carryOut([stepOf("/image/never", () => done.push("after the failure"))]);
  const { out, err, io } = printed();
  assert.equal(report(options, { run, notes: ["Next: start it"] }, io), exitCodes.no);
  assert.deepEqual(done, ["folder"]);
  assert.deepEqual(out, ["created        /etc/edge"]);
  assert.deepEqual(err, [
    "/usr/local/bin/edge failed: EROFS: read-only file system, open '/usr/local/bin/edge'",
    "The steps above stay as they are. Correct the cause and run the command again: finished steps are skipped.",
  ]);
});

test("the JSON of a run names the step that failed", () => {
  const run = createStepRun(options);
  run.carryOut([
    stepOf("/image/etc/edge", () => {
      throw new Error("EACCES");
    }),
  ]);
  const { out, io } = printed();
  report({ ...options, json: true }, { run, notes: [] }, io);
  assert.deepEqual(JSON.parse(out.join("")), {
    dryRun: false,
    steps: [],
    notes: [],
    failed: { what: "/etc/edge", reason: "EACCES" },
  });
});
