import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { describe, test } from "node:test";

const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { encoding: "utf8" })
  .split("\n")
  .filter((file) => file !== "" && existsSync(file));
/** Every file and folder under each of its names: from the root down, and without the folders above it. */
const names = new Set(
  tracked.flatMap((file) => {
    const parts = file.split("/");
    const paths = parts.map((_, last) => parts.slice(0, last + 1));
    return paths.flatMap((path) => path.map((_, first) => path.slice(first).join("/")));
  }),
);
const documents = tracked.filter((file) => file.endsWith(".md"));

/** The comments of a source, or a document itself, without the ends of lines. */
function prose(file: string, text: string): readonly string[] {
  const flat = (part: string): string => part.replaceAll(/\n\s*(?:\*|\/\/)?\s*/g, " ");
  if (file.endsWith(".md")) return text.split(/\n(?=#|\n|\|)/).map(flat);
  const parts = text.match(/"(?:\\.|[^"\\\n])*"|\/\*[\s\S]*?\*\/|\/\/.*(?:\n\s*\/\/.*)*/g) ?? [];
  return parts.filter((part) => part.startsWith("/")).map(flat);
}

function documentText(name: string): string {
  const file = documents.find((one) => basename(one) === name);
  return file === undefined ? "" : readFileSync(file, "utf8");
}

const headingsOf = (name: string): readonly string[] =>
  [...documentText(name).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);

/** The anchor that a Markdown viewer gives to a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

function brokenFiles(part: string): readonly string[] {
  const files = part.match(/(?<![\w/.@:~*<-])(?:\.\.\/)*[\w.-]+(?:\/[\w.-]+)*\.(?:ts|md|sh|grit|patch|sql)\b/g) ?? [];
  const folders = part.match(/(?<![\w/.@:-])(?:src|test|scripts|docs|agent|core(?!\/v\d))\/[\w./-]+/g) ?? [];
  const all = [...files, ...folders].map((name) => name.replace(/^(?:\.\.\/)+/, "").replace(/[./]+$/, ""));
  return [...new Set(all)].filter((name) => !names.has(name));
}

/** Links of Markdown, and sections cited as `lifecycle.md, Delete`, `decisions.md 41` or `protocol.md §1.1`. */
function brokenSections(file: string, part: string): readonly string[] {
  const wrong: string[] = [];
  for (const [link, path = "", anchor] of part.matchAll(/\]\(([\w./-]+\.md)?(?:#([^)]*))?\)/g)) {
    const target = path === "" ? file : normalize(join(dirname(file), path));
    if (!tracked.includes(target)) wrong.push(link);
    else if (anchor !== undefined && !headingsOf(basename(target)).map(anchorOf).includes(anchor)) wrong.push(link);
  }
  for (const [, name = "", cited = ""] of part.matchAll(/([\w-]+\.md)\)?, "?(?=`?[A-Z])([^.;:)"]*)/g)) {
    if (!headingsOf(name).some((heading) => cited.startsWith(heading))) wrong.push(`${name}, ${cited}`);
  }
  for (const [, name = "", number = ""] of part.matchAll(/([\w-]+\.md) (§[\d.]*\d)/g)) {
    if (!documentText(name).includes(`${number} `)) wrong.push(`${name} ${number}`);
  }
  for (const number of decisionsCited(part)) {
    if (!new RegExp(`^\\| ${number} +\\|`, "m").test(documentText("decisions.md")))
      wrong.push(`decisions.md ${number}`);
  }
  return wrong;
}

const decisionList = /decisions\.md (\d+(?:(?:, | and | to )\d+)*)/g;

function decisionsCited(part: string): readonly string[] {
  return [...part.matchAll(decisionList)].flatMap(([, list = ""]) => list.match(/\d+/g) ?? []);
}

/** A number alone sends the reader away, so a comment says why in words of its own: `(decisions.md 22: the reason)`. */
function bareDecisions(file: string, part: string): readonly string[] {
  if (file.endsWith(".md")) return [];
  const ends = [...part.matchAll(decisionList)].map((found) => part.slice(found.index + found[0].length));
  const isReason = /^: (?:[^\s)]+ ){4}/;
  return ends.filter((end) => !isReason.test(end)).map(() => `${part} needs the reason in five words`);
}

function broken(file: string, text: string): readonly string[] {
  return prose(file, text).flatMap((part) =>
    [...brokenFiles(part), ...brokenSections(file, part), ...bareDecisions(file, part)].map((one) => `${file}: ${one}`),
  );
}

describe("comments and documents", () => {
  test("name only files, sections and decisions that exist", () => {
    const own = "test/structure/pointers.test.ts";
    const files = tracked.filter((file) => /\.(?:ts|md)$/.test(file) && file !== own);
    assert.deepEqual(
      files.flatMap((file) => broken(file, readFileSync(file, "utf8"))),
      [],
    );
  });

  for (const [title, comment] of [
    ["a file that is not there", "// See core/pod/no-such-plan.ts."],
    ["a folder that is not there", "// All of them stand in src/no-such-room/."],
    ["a section that is not there", "/** Never removed (lifecycle.md, No such section). */"],
    ["a section over the end of a line", "/**\n * Never removed (lifecycle.md,\n * No such section).\n */"],
    ["a section number that is not there", "// As the wire has it: protocol.md §9.9."],
    ["a decision that is not there", "// At most ten (decisions.md 999: more do not fit into the store)."],
    ["a decision without a reason", "/** The limit: decisions.md 31. */"],
  ] as const) {
    test(`${title} is found in a comment`, () => assert.equal(broken("src/some.ts", `${comment}\n`).length, 1));
  }

  test("a link to a heading that is not there is found in a document", () => {
    assert.equal(broken("docs/some.md", "See [delete](lifecycle.md#no-such-heading).").length, 1);
    assert.deepEqual(broken("docs/some.md", "See [delete](lifecycle.md#delete)."), []);
  });
});
