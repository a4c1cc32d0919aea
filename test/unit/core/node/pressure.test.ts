import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { heldBy, judgePressure } from "../../../../src/core/node/pressure.ts";
import type { DiskUsage, NodeUsage } from "../../../../src/core/node/usage.ts";

const mebibyte = 1024 * 1024;
const disk = (percent: number, inodePercent = 50): DiskUsage => ({
  totalBytes: 1_000,
  freeBytes: percent * 10,
  inodes: { total: 1_000, free: inodePercent * 10 },
});
const memory = (mebibytes: number) => ({ totalBytes: 512 * mebibyte, availableBytes: mebibytes * mebibyte });
const processes = (percent: number) => ({ running: 1_000 - percent * 10, most: 1_000 });
const roomy: NodeUsage = {
  memory: memory(200),
  dataDisk: disk(50),
  engineDisk: disk(50),
  processes: processes(50),
};
const unknown: NodeUsage = { memory: null, dataDisk: null, engineDisk: null, processes: null };

/** The conditions after one look at each usage, as letters: True, False, Unknown for memory, disk and process ids. */
function after(...usages: readonly Partial<NodeUsage>[]): string {
  let conditions: ReturnType<typeof judgePressure> = [];
  for (const usage of usages) conditions = judgePressure(conditions, { ...roomy, ...usage }, 0);
  return conditions.map(({ status }) => status[0]).join("");
}

describe("judgePressure()", () => {
  const rows: readonly (readonly [string, readonly Partial<NodeUsage>[], string])[] = [
    ["room for all", [{}], "FFF"],
    ["memory at the threshold", [{ memory: memory(100) }], "FFF"],
    ["memory below the threshold", [{ memory: memory(99) }], "TFF"],
    ["memory back above it, but not by a quarter", [{ memory: memory(99) }, { memory: memory(124) }], "TFF"],
    ["memory back above it by a quarter", [{ memory: memory(99) }, { memory: memory(125) }], "FFF"],
    ["memory that was never short, between both", [{ memory: memory(124) }], "FFF"],
    ["the data folder's disk at the threshold", [{ dataDisk: disk(10) }], "FFF"],
    ["the data folder's disk below the threshold", [{ dataDisk: disk(9.9) }], "FTF"],
    ["the engine's disk at the threshold", [{ engineDisk: disk(15) }], "FFF"],
    ["the engine's disk below the threshold", [{ engineDisk: disk(14.9) }], "FTF"],
    ["one disk back and the other not", [{ dataDisk: disk(9), engineDisk: disk(9) }, { dataDisk: disk(9) }], "FTF"],
    [
      "both disks back",
      [
        { dataDisk: disk(9), engineDisk: disk(9) },
        { dataDisk: disk(12.5), engineDisk: disk(18.75) },
      ],
      "FFF",
    ],
    ["inodes of the data folder", [{ dataDisk: disk(50, 4) }], "FTF"],
    ["inodes of the engine", [{ engineDisk: disk(50, 4) }], "FTF"],
    ["a file system without a number of inodes", [{ dataDisk: { ...disk(50), inodes: null } }], "FFF"],
    ["process ids at the threshold", [{ processes: processes(10) }], "FFF"],
    ["process ids below the threshold", [{ processes: processes(9) }], "FFT"],
    ["values that cannot be read", [unknown], "UUU"],
    ["one readable disk of two", [{ engineDisk: null }], "FFF"],
    ["one readable disk of two that is full", [{ dataDisk: null, engineDisk: disk(1) }], "FTF"],
    ["memory that was short and cannot be read any more", [{ memory: memory(1) }, unknown], "UUU"],
    [
      "memory that was short and can be read again, between both",
      [{ memory: memory(1) }, unknown, { memory: memory(110) }],
      "FFF",
    ],
    ["a shortage of everything", [{ memory: memory(0), dataDisk: disk(0), processes: processes(0) }], "TTT"],
  ];
  for (const [name, usages, expected] of rows) it(`judges ${name}`, () => assert.equal(after(...usages), expected));

  it("keeps the time of the last change, and a message without changing numbers", () => {
    const first = judgePressure([], { ...roomy, engineDisk: disk(14) }, 1_000);
    const second = judgePressure(first, { ...roomy, engineDisk: disk(13) }, 2_000);
    assert.deepEqual(second, first);
    assert.deepEqual(second[1], {
      type: "DiskPressure",
      status: "True",
      reason: "NodeHasDiskPressure",
      since: 1_000,
      message: "less than 15 % of the engine's disk left",
    });
    const between = judgePressure(second, { ...roomy, engineDisk: disk(16) }, 3_000);
    assert.deepEqual(between, first);
    const [, over] = judgePressure(between, roomy, 4_000);
    assert.deepEqual([over?.status, over?.reason, over?.since], ["False", "NodeHasNoDiskPressure", 4_000]);
  });
});

describe("heldBy()", () => {
  it("names every condition, and none if nothing is short or known", () => {
    assert.equal(heldBy(judgePressure([], roomy, 0)), null);
    assert.equal(heldBy(judgePressure([], unknown, 0)), null);
    const both = judgePressure([], { ...roomy, memory: memory(1), dataDisk: disk(1, 1) }, 0);
    assert.deepEqual(heldBy(both), {
      reason: "MemoryPressure",
      message:
        "The node has MemoryPressure (less than 100 MiB of memory left) and DiskPressure (less than 10 % of the data folder's disk left, less than 5 % of the data folder's inodes left); a new pod starts when that has ended",
    });
  });
});
