import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { type LogLine, logLines } from "../../../src/docker/logs.ts";

const frame = (stream: 1 | 2, text: string | Buffer): Buffer => {
  const body = Buffer.from(text);
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
};

async function linesOf(bytes: Buffer, cuts: readonly number[] = []): Promise<readonly LogLine[]> {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
  const lines: LogLine[] = [];
  for await (const line of logLines(Readable.from(chunks, { objectMode: true }))) lines.push(line);
  return lines;
}

test("lines of a log are whole and in order, however the frames are split", async () => {
  const bytes = Buffer.concat([
    frame(1, "first\nsec"),
    frame(2, "error ü\n"),
    frame(1, "ond\n\n"),
    frame(1, "without an end"),
  ]);
  const expected: readonly LogLine[] = [
    { stream: "stdout", line: "first" },
    { stream: "stderr", line: "error ü" },
    { stream: "stdout", line: "second" },
    { stream: "stdout", line: "" },
    { stream: "stdout", line: "without an end" },
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { maxLength: 8 }), async (cuts) => {
      assert.deepEqual(await linesOf(bytes, cuts), expected);
    }),
  );
});

test("a log without a newline does not fill the memory", async () => {
  const pieces = Array.from({ length: 40 }, () => frame(1, "x".repeat(10_000)));
  const lines = await linesOf(Buffer.concat(pieces));
  assert.ok(lines.length > 1 && lines.every(({ line }) => line.length <= 65_536));
  assert.equal(lines.map(({ line }) => line).join("").length, 400_000);
});
