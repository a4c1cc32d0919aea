import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { heapKeeper } from "../../../src/linux/heap.ts";

const mebibyte = 1024 * 1024;

/** What a look does at each size in MiB, when a collection leaves 10. */
function looks(...sizes: readonly number[]): readonly boolean[] {
  let size = 0;
  let collections = 0;
  const look = heapKeeper({
    held: () => size * mebibyte,
    collect: () => {
      collections += 1;
      size = 10;
    },
  });
  return sizes.map((next) => {
    size = next;
    const before = collections;
    look();
    return collections > before;
  });
}

describe("the release of unused memory", () => {
  test("happens after the start, and never again while nothing grows", () => {
    assert.deepEqual(looks(14, 14, 10, 10.5, 10.5, 10.5), [false, true, false, false, false, false]);
  });

  test("happens after a burst, not during it", () => {
    assert.deepEqual(looks(14, 14, 18, 22, 24, 24, 10), [false, true, false, false, false, true, false]);
  });

  test("waits until a slowly growing heap has grown enough", () => {
    assert.deepEqual(looks(12, 12, 10.5, 10.5, 10.9, 10.9, 11, 11), [
      false,
      true,
      false,
      false,
      false,
      false,
      false,
      true,
    ]);
  });
});
