import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";

const sources = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
const folders = [...new Set(sources.map((name) => dirname(name)))].filter((folder) => folder !== ".").sort();

/** Folder to its sentence and main file, as a document has them in a table. */
function described(document: string): ReadonlyMap<string, { readonly sentence: string; readonly main: string }> {
  const rows = document.matchAll(/^\| `([\w/-]+)\/` +\| (.*?) +\| `([\w.-]+)` +\|$/gm);
  return new Map([...rows].map(([, folder = "", sentence = "", main = ""]) => [folder, { sentence, main }]));
}

/** What is wrong with how a document describes these folders. */
function problems(document: string, wanted: readonly string[]): readonly string[] {
  const rows = described(document);
  const missing = wanted.filter((folder) => !rows.has(folder)).map((folder) => `${folder} is missing`);
  const extra = [...rows.keys()]
    .filter((folder) => !wanted.includes(folder))
    .map((folder) => `${folder} does not exist`);
  const different = [...rows].flatMap(([folder, { sentence, main }]) => {
    const file = join("src", folder, main);
    const first = existsSync(file) ? readFileSync(file, "utf8").split("\n")[0] : `${file} does not exist`;
    return first === `// ${folder}: ${sentence}.` ? [] : [`${folder}: ${first}`];
  });
  return [...missing, ...extra, ...different];
}

describe("docs/architecture.md", () => {
  const document = readFileSync("docs/architecture.md", "utf8");

  test("lists every folder of src with the first sentence of its main file", () => {
    assert.deepEqual(problems(document, folders), []);
  });

  test("is reported if a folder has no row or another sentence", () => {
    assert.deepEqual(problems(document, [...folders, "planted"]), ["planted is missing"]);
    assert.equal(problems(document.replace("the engine port on Docker", "something else"), folders).length, 1);
  });

  test("has walks of at most eight steps", () => {
    const walks = document.slice(document.indexOf("## Four walks"), document.indexOf("## What always holds"));
    const parts = walks.split("### ").slice(1);
    assert.equal(parts.length, 4);
    for (const part of parts) assert.ok((part.match(/^\d+\. /gm) ?? []).length <= 8, part.split("\n")[0]);
  });
});
