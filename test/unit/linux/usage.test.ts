import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readUsage } from "../../../src/linux/usage.ts";

function proc(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "usage-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "sys/kernel"), { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  return folder;
}

const meminfo = "MemTotal:        2048 kB\nMemFree:   1 kB\nMemAvailable:    512 kB\n";

test("memory and processes are read from the kernel", (t) => {
  const files = { meminfo, loadavg: "0.1 0.2 0.3 2/345 6789\n", "sys/kernel/pid_max": "32768\n" };
  const read = (more: object) => readUsage({ dataDir: "/", engineRoot: null, proc: proc(t, { ...files, ...more }) });
  const { memory, processes } = read({});
  assert.deepEqual(memory, { totalBytes: 2_097_152, availableBytes: 524_288 });
  assert.deepEqual(processes, { running: 345, most: 32_768 });
  assert.equal(read({ "sys/kernel/threads-max": "1000\n" }).processes?.most, 1_000);
});

test("an unreadable or invalid number is unknown", (t) => {
  const odd = {
    meminfo: "MemTotal:        2048 kB\n",
    loadavg: "nonsense\n",
    "sys/kernel/pid_max": "many\n",
  };
  for (const folder of [proc(t, odd), "/nowhere"]) {
    const usage = readUsage({ dataDir: "/nowhere/at/all", engineRoot: "/nowhere/else", proc: folder });
    assert.deepEqual(usage, { memory: null, dataDisk: null, engineDisk: null, processes: null });
  }
  assert.equal(readUsage({ dataDir: "/proc", engineRoot: null }).dataDisk, null, "a file system without blocks");
});

test("this machine provides every number", () => {
  const { memory, dataDisk, engineDisk, processes } = readUsage({ dataDir: tmpdir(), engineRoot: "/" });
  assert.ok(memory !== null && memory.availableBytes > 0 && memory.availableBytes <= memory.totalBytes);
  assert.ok(processes !== null && processes.running > 0 && processes.running < processes.most);
  for (const disk of [dataDisk, engineDisk]) assert.ok(disk !== null && disk.freeBytes <= disk.totalBytes);
});
