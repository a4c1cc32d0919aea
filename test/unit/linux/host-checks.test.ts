import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { cgroupInput, folderInput, nearestExisting } from "../../../src/linux/host-checks.ts";

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), "edge-footing-"));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

test("cgroups of version 2 have the controllers of cgroup.controllers", (t) => {
  const fs = folder(t);
  writeFileSync(join(fs, "cgroup.controllers"), "cpuset cpu io memory pids\n");
  assert.deepEqual(cgroupInput(fs, fs), { version: 2, controllers: ["cpuset", "cpu", "io", "memory", "pids"] });
});

test("cgroups of version 1 have the enabled and mounted controllers", (t) => {
  const fs = folder(t);
  const rows = ["cpu\t3\t10\t1", "memory\t0\t1\t0", "pids\t5\t10\t1", "rdma\t9\t1\t1"];
  writeFileSync(join(fs, "cgroups"), ["#subsys_name\thierarchy\tnum_cgroups\tenabled", ...rows, ""].join("\n"));
  for (const name of ["cpu", "memory", "pids"]) mkdirSync(join(fs, name));
  assert.deepEqual(cgroupInput(fs, fs), { version: 1, controllers: ["cpu", "pids"] });
});

test("cgroups that are not mounted have no version", (t) => {
  assert.deepEqual(cgroupInput(folder(t), "/nowhere"), { version: null, controllers: [] });
});

test("missing folders are checked by their future place and not created", (t) => {
  const data = join(folder(t), "a", "b");
  const facts = folderInput({ dir: data, runDir: "/dev/shm/edge-never-made" });
  assert.deepEqual(facts, {
    data,
    dataIsOther: false,
    dataReadOnly: false,
    run: "/dev/shm/edge-never-made",
    runInMemory: true,
  });
  assert.equal(existsSync(data), false);
  assert.equal(nearestExisting(data), join(data, "..", ".."));
});

test("a file or dangling link in place of the data folder is reported", (t) => {
  const made = folder(t);
  writeFileSync(join(made, "file"), "");
  symlinkSync("/nowhere", join(made, "link"));
  const isOther = (dir: string) => folderInput({ dir, runDir: "/run" }).dataIsOther;
  assert.deepEqual(
    ["file", "link", "none", "file/below", ""].map((name) => isOther(join(made, name))),
    [...[true, true, false, true, false]],
  );
});

test("a run folder that is not in memory is reported", () => {
  assert.equal(folderInput({ dir: "/tmp", runDir: "/proc/edge" }).runInMemory, false);
});
