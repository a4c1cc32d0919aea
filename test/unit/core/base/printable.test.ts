import assert from "node:assert/strict";
import { test } from "node:test";
import { main } from "../../../../src/cli/program.ts";
import { printable, printableOutput, printableValue } from "../../../../src/core/base/printable.ts";
import { jsonLog } from "../../../../src/linux/log.ts";

/** What draws on a terminal, turns the order of text, or takes no place. */
const hostile = [
  ...["\x1b", "\r", "\b", "\0", "\x7f", "\x9b", "\x85", "\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u2028"],
  ...["\u00ad", "\u3164", "\u2060", "\u{e0041}", "\ud800"],
];

test("a hostile character is shown as its JSON escape", () => {
  for (const character of hostile) {
    const shown = printable(`a${character}b`);
    assert.match(shown, /^a(?:\\[a-z0-9]+)+b$/, JSON.stringify(shown));
    assert.equal(JSON.parse(`"${shown}"`), `a${character}b`);
  }
});

test("ordinary text is printed unchanged", () => {
  for (const text of ["Zürich, 東京", "a\\b", "“quoted” — 10 µs", "😀"]) assert.equal(printable(text), text);
});

test("output keeps its own lines and colors, and no other control characters", () => {
  const colours = "\x1b[32mgreen\x1b[39m\tand\n\x1b[31mred\x1b[39m";
  assert.equal(printableOutput(colours), colours);
  for (const sequence of ["\x1b[2J", "\x1b]0;title\x07", "\x1b[8m", "\x9b31m", "\x1bc"]) {
    assert.doesNotMatch(printableOutput(sequence), /\p{Cc}/u);
  }
});

test("every text of a value is cleaned, including line ends", () => {
  const value = { a: ["x\ny", 1, null], b: { c: "\x1b" } };
  assert.deepEqual(printableValue(value), { a: ["x\\ny", 1, null], b: { c: "\\u001b" } });
});

test("everything that the command line prints is clean, including its arguments", async () => {
  const said: string[] = [];
  const io = { out: (line: string) => said.push(line), err: (line: string) => said.push(line) };
  for (const args of [
    ["no\x1b[2J\u202esuch"],
    ["validate", "/none\x1b]0;x\x07\x7f"],
    ["validate", "--explain", "\x9b"],
  ]) {
    await main(args, io);
  }
  assert.ok(said.length >= 3);
  assert.doesNotMatch(said.join("").replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
});

test("a line of the log is clean and valid JSON", () => {
  const lines: string[] = [];
  jsonLog(
    (line) => lines.push(line),
    () => "info",
  ).write("info", "Event", { why: "a\x7f\x9b\u202eb\n" });
  assert.match(lines.join(""), /^[\x20-\x7e]+\n$/);
  assert.equal((JSON.parse(lines[0] ?? "") as { why: string }).why, "a\x7f\x9b\u202eb\n");
});
