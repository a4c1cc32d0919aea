import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readMachine } from "../../../src/linux/machine.ts";

test("a machine has processors, memory, a kernel, and a host name if one is set", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "machine-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "os-release");
  const rows = [
    ['ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', "Debian GNU/Linux 12 (bookworm)"],
    ["PRETTY_NAME='EulerOS 2.0'\n", "EulerOS 2.0"],
    ["PRETTY_NAME=Plain\nID=x\n", "Plain"],
    ["NAME=x\n", "Linux"],
  ] as const;
  for (const [text, expected] of rows) {
    writeFileSync(file, text);
    assert.equal(readMachine(file).osImage, expected);
  }
  const { cpus, memoryBytes, osImage, kernelVersion, architecture } = readMachine(join(folder, "none"));
  assert.equal(osImage, "Linux");
  assert.ok(cpus > 0 && memoryBytes > 0 && /^\d+\.\d+/.test(kernelVersion));
  assert.ok(["amd64", "arm64"].includes(architecture));
});
