import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { readSerialNumber } from "../../../src/linux/serial-number.ts";

/** A kernel that shows these files. */
function kernel(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "edge-serial-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const board = "sys/firmware/devicetree/base/serial-number";
const pc = "sys/class/dmi/id/product_serial";
const machine = { "etc/machine-id": "0123456789abcdef0123456789abcdef\n" };

test("the serial number of a board comes from its device tree", (t) => {
  assert.equal(readSerialNumber(kernel(t, { [board]: "2102312TEST\0", [pc]: "other\n" })), "2102312TEST");
});

test("the serial number of a PC comes from DMI, also if the device tree has a placeholder", (t) => {
  assert.equal(readSerialNumber(kernel(t, { [pc]: "PC-77\n" })), "PC-77");
  assert.equal(readSerialNumber(kernel(t, { [board]: "0000000000000000\0", [pc]: "PC-77\n" })), "PC-77");
});

test("the machine id is not used as a serial number", (t) => {
  assert.equal(readSerialNumber(kernel(t, machine)), null);
  assert.equal(readSerialNumber(kernel(t, { ...machine, [pc]: "Default string\n" })), null);
});
