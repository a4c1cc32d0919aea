import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mask, unmask } from "../../../src/websocket/mask.ts";

const key = Uint8Array.of(0x12, 0x34, 0x56, 0x78);
const alignments = [0, 1, 2, 3];
const lengths = [0, 1, 2, 3, 4, 5, 7, 8, 47, 48, 1_001];

function bytes(length: number): Uint8Array {
  return new Uint8Array(length).map((_, index) => (index * 37) & 255);
}

/** RFC 6455, 5.3: octet i is XORed with octet i modulo 4 of the key. */
function byRfc(source: Uint8Array): Uint8Array {
  return source.map((byte, index) => byte ^ (key[index % 4] ?? 0));
}

/** A copy that begins at this place of its memory, modulo 4. */
function placed(source: Uint8Array, alignment: number): Uint8Array {
  const copy = new Uint8Array(source.length + 8).subarray(alignment, alignment + source.length);
  copy.set(source);
  return copy;
}

describe("a frame of a WebSocket", () => {
  test("is masked as RFC 6455 has it, wherever it begins and ends in memory", () => {
    for (const length of lengths) {
      for (const alignment of alignments) {
        for (const offset of [0, 2, 6, 8, 14]) {
          const source = placed(bytes(length), alignment);
          const output = new Uint8Array(length + 20);
          mask(source, key, output, offset, length);
          const expected = new Uint8Array(length + 20);
          expected.set(byRfc(source), offset);
          assert.deepEqual(output, expected, `${length} bytes from ${alignment} to ${offset}`);
        }
      }
    }
  });

  test("is unmasked in place", () => {
    for (const length of lengths) {
      for (const alignment of alignments) {
        const plain = bytes(length);
        const frame = placed(byRfc(plain), alignment);
        unmask(frame, key);
        assert.deepEqual(frame, placed(plain, alignment));
      }
    }
  });
});
