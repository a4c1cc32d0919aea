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
/** What `edge status` and kubectl make of phases. */
const summarized = ["Running", "Completed", "NotReady", "Pending", "Terminating", "Error", "OOMKilled"];
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
