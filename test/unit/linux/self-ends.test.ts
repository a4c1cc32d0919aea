import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { selfEnds } from "../../../src/linux/self-ends.ts";
import { virtualClock } from "../../fakes/clock.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-ends-"));
after(() => rmSync(folder, { recursive: true }));
const log = { write: () => {} };

test("the newest three ends of the process are kept over a start", () => {
  const clock = virtualClock();
  const ends = selfEnds(folder, clock, log);
  for (const why of ["one", "two", "three", "four"]) ends.add(why, ["websocket/a"]);
  const next = selfEnds(folder, clock, log);
  assert.deepEqual(
    next.all().map(({ why, busy, bootId }) => [why, busy, bootId]),
    ["two", "three", "four"].map((why) => [why, ["websocket/a"], clock.bootId()]),
  );
});

test("a damaged or foreign file of ends is ignored", () => {
  for (const text of ["", "{", "[]", '{"ends":7}', '{"ends":[{"why":1}]}', "x".repeat(100_000)]) {
    writeFileSync(join(folder, "self-ended.json"), text);
    assert.deepEqual(selfEnds(folder, virtualClock(), log).all(), []);
  }
});

test("an end by a full heap is counted at the next start", () => {
  const program = `
    import { selfEnds } from "./src/linux/self-ends.ts";
    const clock = { bootId: () => "boot-1", mono: () => 5 };
    selfEnds(${JSON.stringify(folder)}, clock, { write() {} });
    const all = [];
    while (true) all.push(new Array(1000).fill(all.length));`;
  const args = ["--max-old-space-size=20", "--input-type=module", "--eval", program];
  const { signal, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.equal(signal, "SIGABRT", stderr);
  assert.ok(existsSync(join(folder, "fatal-error.json")));
  const ends = selfEnds(folder, virtualClock(), log).all();
  assert.match(ends.at(-1)?.why ?? "", /heap|memory/i);
  assert.equal(ends.at(-1)?.busy, null);
  assert.ok(!existsSync(join(folder, "fatal-error.json")));
});
