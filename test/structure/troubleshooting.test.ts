import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ts from "typescript";

const page = readFileSync("docs/troubleshooting.md", "utf8");
const source = (file: string): ts.SourceFile =>
  ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);

function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node);
  ts.forEachChild(node, (child) => visit(child, look));
}

/** A literal as a person reads it; what is filled in becomes `edge logs NAME`, the only thing that is. */
function textOf(node: ts.Node): string | null {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return null;
  return [node.head.text, ...node.templateSpans.map(({ literal }) => `\`edge logs NAME\`${literal.text}`)].join("");
}

/** The members of that name in an object, and the literals in them. */
function literalsOf(file: string, member: string): readonly string[] {
  const found: string[] = [];
  visit(source(file), (node) => {
    if (!ts.isPropertyAssignment(node) || node.name.getText() !== member) return;
    visit(node.initializer, (inner) => {
      const text = textOf(inner);
      if (text !== null) found.push(text);
    });
  });
  return found;
}

const nextSteps = "src/core/pod/next-step.ts";
const podFolders = ["src/core/pod", "src/agent/pods"];
const reasons = podFolders.flatMap((folder) =>
  readdirSync(folder).flatMap((name) => literalsOf(join(folder, name), "reason")),
);
/** Reasons of conditions and of events, which no STATUS shows. */
const elsewhere = [
  "ContainersNotReady",
  "PodCompleted",
  "PodFailed",
  "Deleted",
  "Drift",
  "EngineWarning",
  "Exited",
  "Pulled",
  "Started",
  "Starting",
  "Killing",
];
/** What `edge status` and kubectl make of phases; an accepted pod has a first status, so that none is Pending. */
const summarized = ["Running", "Completed", "NotReady", "Terminating", "Error", "OOMKilled"];
const words = new Set(
  [...reasons, ...literalsOf(nextSteps, "words"), ...summarized].filter((one) => /^[A-Z]/.test(one)),
);

test("every STATUS word has its row in docs/troubleshooting.md", () => {
  const missing = [...words].filter((word) => !elsewhere.includes(word) && !page.includes(`| \`${word}\` `));
  assert.deepEqual(missing, []);
  assert.ok(words.size > 20, `${words.size} words`);
});

test("every next step of edge pod stands in docs/troubleshooting.md", () => {
  const steps = literalsOf(nextSteps, "step");
  assert.deepEqual(
    steps.filter((step) => !page.includes(step)),
    [],
  );
  assert.ok(steps.length > 15, `${steps.length} steps`);
});

test("a word that no STATUS shows is left out for a reason that exists", () => {
  assert.deepEqual(
    elsewhere.filter((word) => !reasons.includes(word)),
    [],
  );
});

/** The golden screens, by name; wrapped lines are joined. */
const screens = new Map(
  readdirSync("test/screens")
    .filter((file) => file.endsWith(".txt"))
    .map((file) => [file.slice(0, -4), readFileSync(join("test/screens", file), "utf8")]),
);

/** The rows of a section's table: the texts of its cells. */
function rowsOf(section: string): readonly (readonly string[])[] {
  const text = page.slice(page.indexOf(`## ${section}`)).split("\n## ", 1)[0] ?? "";
  const rows = text.split("\n").filter((line) => line.startsWith("| "));
  return rows.slice(2).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test("every STATUS word of docs/troubleshooting.md has a golden screen", () => {
  const shown = new Set(
    [...screens.values()].flatMap((screen) => [...screen.matchAll(/^\S+ +\d+\/\d+ +(\w+)/gm)].map(([, word]) => word)),
  );
  const documented = rowsOf("STATUS words of a pod").map(([word = ""]) => word.replaceAll("`", ""));
  assert.deepEqual(
    documented.filter((word) => !shown.has(word)),
    [],
  );
  assert.ok(documented.length > 20, `${documented.length} words`);
});

test("every next step of docs/troubleshooting.md has a golden screen", () => {
  const texts = [...screens.values()].map((screen) => screen.replace(/\s+/g, " "));
  const steps = rowsOf("What to do, by the words of the reason").map(([, step = ""]) => step.split("`edge logs NAME`"));
  assert.deepEqual(
    steps.filter((parts) => !texts.some((text) => parts.every((part) => text.includes(part)))),
    [],
  );
  assert.ok(steps.length > 20, `${steps.length} steps`);
});

test("every fault of docs/troubleshooting.md that a command shows has a golden screen of its name", () => {
  const faults = rowsOf("Faults and what the screen says").filter(([, command]) => command?.startsWith("`edge "));
  assert.deepEqual(
    faults.flatMap(([fault = ""]) => (screens.has(fault.toLowerCase().replaceAll(" ", "-")) ? [] : [fault])),
    [],
  );
  assert.ok(faults.length > 10, `${faults.length} faults`);
});
