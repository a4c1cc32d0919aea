import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { groupsOf } from "../../../src/linux/process-groups.ts";

test("the groups of a process are its group ids and supplementary groups, and unknown if it is gone", (t) => {
  const proc = mkdtempSync(join(tmpdir(), "edge-proc-"));
  t.after(() => rmSync(proc, { recursive: true }));
  mkdirSync(join(proc, "7"));
  writeFileSync(
    join(proc, "7", "status"),
    "Name:\tGid: 9\nUid:\t1\t1\t1\t1\nGid:\t5\t5\t5\t6\nGroups:\t5 27 \nNSpid:\t1\n",
  );
  assert.deepEqual(groupsOf(7, proc), [5, 5, 5, 6, 5, 27]);
  assert.equal(groupsOf(8, proc), null);
  assert.ok((groupsOf(process.pid) ?? []).includes(process.getgid?.() ?? -1));
});
