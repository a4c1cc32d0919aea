import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isSafe } from "redos-detector";
import ts from "typescript";

interface Found {
  readonly where: string;
  readonly expression: RegExp;
}

/** More than this to go through one text are a mistake in the expression, though they be bounded. */
const mostWays = 64;
const folder = "src";

/** Of the device and its owner: the configuration and its files, the name of the system, what the loader says of SQLite. And names of images, which are at most 512 characters. */
const notOurs = [
  "core/config/config.ts",
  "websocket/credentials.ts",
  "linux/machine.ts",
  "sqlite/addon.ts",
  "docker/image.ts",
];
/** Made of the program's own words and numbers. */
const madeHere = ["src/linux/locks.ts", "src/linux/usage.ts", "src/core/base/printable.ts"];

function expressionsOf(file: string): readonly Found[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const found: Found[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const [, pattern = "", flags = ""] = /^\/(.*)\/([a-z]*)$/s.exec(node.text) ?? [];
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      found.push({ where: `${file}:${line + 1} ${node.text}`, expression: new RegExp(pattern, flags) });
    }
    assert.ok(
      madeHere.includes(file) || !(ts.isNewExpression(node) && node.expression.getText() === "RegExp"),
      `${file} makes an expression at run time, which nobody has looked at`,
    );
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Whether it goes through a text, however long, in few ways before it gives up: then it takes linear time. */
function isLinear(expression: RegExp): boolean {
  return isSafe(expression, { maxScore: mostWays, timeout: 60_000 }).safe;
}

const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
  (name) => name.endsWith(".ts") && !notOurs.includes(name),
);
const all = files.flatMap((name) => expressionsOf(join(folder, name)));

test("every regular expression of the program takes linear time", () => {
  assert.ok(all.length > 30, `${all.length} were found`);
  const slow = all.filter(({ expression }) => !isLinear(expression)).map(({ where }) => where);
  assert.deepEqual(slow, []);
});

test("a regular expression that is not linear is reported", () => {
  for (const wrong of [/^(a+)+$/, /^a*a*b$/, /(?:x|xx)+y/, /=+$/]) assert.equal(isLinear(wrong), false);
});
