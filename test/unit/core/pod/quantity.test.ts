import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  bytes,
  canonicalQuantity,
  formatBinary,
  formatNanos,
  milliCpu,
  parseQuantity,
} from "../../../../src/core/pod/quantity.ts";

const canonical: readonly (readonly [unknown, string])[] = [
  ["0", "0"],
  ["-0", "0"],
  ["0.25", "250m"],
  [0.25, "250m"],
  ["+1", "1"],
  ["-1.5", "-1500m"],
  [".5", "500m"],
  ["5.", "5"],
  ["1000m", "1"],
  ["1500", "1500"],
  ["5000", "5k"],
  ["4M", "4M"],
  ["1E", "1E"],
  ["1e3", "1e3"],
  ["1E3", "1e3"],
  ["100e-2", "1"],
  ["1024Mi", "1Gi"],
  ["1.5Gi", "1536Mi"],
  ["0.5Ki", "512"],
  ["1Ki", "1Ki"],
  ["512Mi", "512Mi"],
  ["0.0001Ki", "102400u"],
  ["0.0000000001", "1n"],
  ["9u", "9u"],
];

test("quantities are written as Kubernetes writes them", () => {
  for (const [text, wanted] of canonical) assert.equal(canonicalQuantity(text), wanted, String(text));
});

test("parseQuantity rejects text that is not a quantity", () => {
  const wrong = [
    "",
    ".",
    "m",
    "1 ",
    " 1",
    "1mi",
    "1Kii",
    "0x1",
    "1e",
    "1e100",
    "--1",
    "1,5",
    "NaN",
    "∞",
    null,
    undefined,
    true,
    {},
    [],
    Number.NaN,
    Number.POSITIVE_INFINITY,
    "1".repeat(65),
    "9223372036854775808",
    "99Ei",
  ];
  for (const value of wrong) {
    assert.equal(parseQuantity(value), null, String(value));
    assert.equal(canonicalQuantity(value), null);
  }
  assert.equal(parseQuantity("9223372036854775807"), (2n ** 63n - 1n) * 1_000_000_000n);
});

test("counts of a quantity are rounded up", () => {
  assert.deepEqual(["1", "0.0001", "250m", "0", "-1"].map(milliCpu), [1000, 1, 250, 0, -1000]);
  assert.deepEqual(["6Mi", "1500m", "0", "1k"].map(bytes), [6_291_456, 2, 0, 1000]);
  assert.throws(() => bytes("x"), RangeError);
});

test("quantities are written in powers of 1,000 or 1,024", () => {
  assert.equal(formatNanos(0n), "0");
  assert.equal(formatNanos(2_500_000_000n), "2500m");
  assert.equal(formatBinary(7n * 1024n ** 3n), "7Gi");
  assert.equal(formatBinary(1023n), "1023");
  assert.equal(formatBinary(0n), "0");
});

test("a quantity that is written and read again keeps its value", () => {
  const suffix = fc.constantFrom("", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E-2");
  fc.assert(
    fc.property(fc.integer({ min: -1e6, max: 1e6 }), fc.nat(999), suffix, (whole, fraction, end) => {
      const text = `${whole}.${fraction}${end}`;
      const written = canonicalQuantity(text);
      assert.ok(written !== null);
      assert.equal(parseQuantity(written), parseQuantity(text));
      assert.equal(canonicalQuantity(written), written);
    }),
  );
});
