// `npm run docs` writes the rules of admission into docs/admission-rules.md, between two markers.
import { readFileSync, writeFileSync } from "node:fs";
import { featureGates } from "../src/core/admission/feature-gates.ts";
import { type ExplainedRule, everyRule } from "../src/core/admission/rule-index.ts";
import { table } from "./table.ts";

const file = "docs/admission-rules.md";
const start = "<!-- rules: written by npm run docs -->";
const end = "<!-- end of rules -->";
const forbidden = "not supported; leave it out";

/** The text with every rule of the program between its markers; throws when they are not there. */
export function withRules(text: string): string {
  const [before, rest] = [text.indexOf(start), text.indexOf(end)];
  if (before < 0 || rest < before) throw new Error(`No ${start} … ${end} to write between`);
  return `${text.slice(0, before + start.length)}\n\n${rulesSection()}\n\n${text.slice(rest)}`;
}

function rulesSection(): string {
  const rows = everyRule.filter((rule) => rule.expectation !== forbidden && !isOver(rule));
  const absent = everyRule.filter((rule) => rule.expectation === forbidden);
  const cells = rows.map(({ path, expectation, source }) => [`\`${path}\``, expectation, source].map(withoutPipes));
  return [
    `${rows.length} rules say what a field may hold, in the order in which they apply:`,
    table(["field", "expected", "source"], cells),
    `${absent.length} rules reject a field that Kubernetes knows and this device does not support:`,
    byParent(absent).join("\n"),
  ].join("\n\n");
}

/** A gate that is on rejects nothing; its row stays for a build that turns it off. */
function isOver({ id }: ExplainedRule): boolean {
  return Object.entries(featureGates).some(([feature, on]) => on && id === `notYet.${feature}`);
}

function withoutPipes(cell: string): string {
  return cell.replaceAll("|", "\\|");
}

/** One line for all rejected fields of one object. */
function byParent(rules: readonly ExplainedRule[]): readonly string[] {
  const groups = new Map<string, readonly string[]>();
  for (const { path, source } of rules) {
    const dot = path.lastIndexOf(".");
    const key = `\`${path.slice(0, dot)}\` (${source})`;
    groups.set(key, [...(groups.get(key) ?? []), `\`${path.slice(dot + 1)}\``]);
  }
  return [...groups].map(([key, names]) => `- ${key}: ${names.join(", ")}`);
}

/** Writes the table. */
export function writeRulesTable(): void {
  writeFileSync(file, withRules(readFileSync(file, "utf8")));
}
