import assert from "node:assert/strict";
import { test } from "node:test";
import { fillSerialNumber, usableSerialNumber } from "../../../../src/core/config/serial-number.ts";

const usable = [
  ["2102312TEST000000001\0", "2102312TEST000000001"],
  [" 10000000abcdef01\n", "10000000abcdef01"],
  ["A".repeat(128), "A".repeat(128)],
] as const;
for (const [text, serial] of usable) {
  test(`${JSON.stringify(text).slice(0, 40)} is a serial number`, () => assert.equal(usableSerialNumber(text), serial));
}

for (const text of [
  "",
  "\0",
  "To be filled by O.E.M.",
  "Default string",
  "None",
  "unknown",
  "0000",
  "0123456789",
  "a/b",
  "A".repeat(129),
]) {
  test(`${JSON.stringify(text).slice(0, 40)} is no serial number`, () => assert.equal(usableSerialNumber(text), null));
}

test("the placeholder is replaced at every allowed place, and the input is not changed", () => {
  const value = {
    node: { name: "edge-{serialNumber}", serialNumber: "{serialNumber}" },
    center: { url: "wss://c/{serialNumber}/x/{serialNumber}" },
    log: 1,
  };
  const before = structuredClone(value);
  assert.deepEqual(
    fillSerialNumber(value, () => "S1"),
    {
      value: { node: { name: "edge-S1", serialNumber: "S1" }, center: { url: "wss://c/S1/x/S1" }, log: 1 },
      missing: [],
    },
  );
  assert.deepEqual(value, before);
});

test("a serial number in the configuration takes precedence over the device's own", () => {
  const value = { node: { name: "{serialNumber}", serialNumber: "given" } };
  const filled = fillSerialNumber(value, () => assert.fail("not asked"));
  assert.deepEqual(filled, { value: { node: { name: "given", serialNumber: "given" } }, missing: [] });
});

test("the serial number of the device is read only for a placeholder", () => {
  for (const value of [{ node: { name: "edge-1" } }, null, [], "x", { node: [], center: { url: 5 } }]) {
    assert.deepEqual(
      fillSerialNumber(value, () => assert.fail("not asked")),
      { value, missing: [] },
    );
  }
});

test("a missing serial number is reported for every place with a placeholder", () => {
  const { missing } = fillSerialNumber(
    { node: { name: "{serialNumber}" }, center: { url: "wss://c/{serialNumber}" } },
    () => null,
  );
  assert.deepEqual(missing, ["node.name", "center.url"]);
});
