import * as v from "valibot";
import { isObject } from "../base/json-keys.ts";
import type { Findings, RuleText } from "./findings.ts";
import type { FieldRule, Presence } from "./rules/row.ts";
import type { Field, Shape } from "./shape.ts";
import { meantField, type UnknownFields, unknownFieldRule, unknownFieldSentence } from "./unknown-fields.ts";

/** Which rows ask for a field to be there: all of them in an update, the essential ones in a graceful delete. */
export type Occasion = "update" | "delete";

export const twiceRule: RuleText = { id: "field.twice", expectation: "one spelling of a field" };

interface Walk {
  readonly findings: Findings;
  readonly occasion: Occasion;
  readonly unknownFields: UnknownFields;
  readonly root: Shape;
  readonly path: (string | number)[];
}

/**
 * Judges every field by its row and gives back those that passed, under their canonical names; of a list, every element,
 * so that indices stay. Each part of the message is looked at once.
 */
export function walkFields(
  content: unknown,
  shape: Shape,
  findings: Findings,
  occasion: Occasion,
  unknownFields: UnknownFields = "ignored",
): object {
  if (!isObject(content)) {
    findings.violation({ id: "content", expectation: "an object" }, [], content);
    return {};
  }
  return walkObject({ findings, occasion, unknownFields, root: shape, path: [] }, shape, content);
}

function walkObject(walk: Walk, shape: Shape, source: object): object {
  const values: unknown[] = [];
  // Made only when needed: a large pod has thousands of objects, and next to none with a field twice.
  let twice: Set<Field> | null = null;
  let mistyped: Set<Field> | null = null;
  for (const [key, value] of Object.entries(source)) {
    const field = shape.byName.get(key) ?? shape.byFolded.get(key.toLowerCase());
    if (field === undefined) {
      const meant = noteUnknown(walk, shape, key, value);
      if (meant !== null) mistyped = (mistyped ?? new Set()).add(meant);
    } else if (values[field.order] !== undefined) {
      twice ??= new Set();
      // A field has thousands of spellings: one of them is told.
      if (!twice.has(field)) noteTwice(walk, field, value, `${firstSpelling(field, source)} and ${key}`);
      twice.add(field);
    } else {
      values[field.order] = value ?? null;
      if (key !== field.name) walk.findings.spelled([...walk.path, field.name], key);
    }
  }
  const passed: [string, unknown][] = [];
  for (const field of shape.fields) {
    if (walk.findings.isFull()) break;
    const value = values[field.order];
    // What is there under a mistyped name is not missing, too.
    if (value === undefined && mistyped?.has(field) === true) continue;
    walk.path.push(field.name);
    const kept = isAbsent(value) ? walkAbsent(walk, field.shape, value) : walkValue(walk, field.shape, value);
    walk.path.pop();
    if (kept !== undefined) passed.push([field.name, kept]);
  }
  return Object.fromEntries(passed);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

function walkAbsent(walk: Walk, shape: Shape, value: unknown): undefined {
  if (shape.rule !== null && isAsked(shape.rule.presence, walk.occasion)) {
    walk.findings.violation(shape.rule, walk.path, value);
  }
}

function isAsked(presence: Presence, occasion: Occasion): boolean {
  return presence === "always" || (presence === "update" && occasion === "update");
}

/** What passed of a value; undefined when it did not. */
function walkValue(walk: Walk, shape: Shape, value: unknown): unknown {
  const { rule, element } = shape;
  const passed = rule === null || v.is(rule.schema, value);
  if (rule !== null && !passed) reportViolation(walk, rule, value);
  if (element !== null) {
    // A list that is too long is gone through all the same: every violation at once.
    if (!Array.isArray(value)) return undefined;
    const kept = walkElements(walk, element, value);
    return passed ? kept : undefined;
  }
  if (!passed) return undefined;
  return shape.fields.length > 0 && isObject(value) ? walkObject(walk, shape, value) : value;
}

function walkElements(walk: Walk, element: Shape, list: readonly unknown[]): unknown[] {
  const kept: unknown[] = [];
  for (let index = 0; index < list.length && !walk.findings.isFull(); index += 1) {
    walk.path.push(index);
    // A list of objects keeps an empty one in the place of what was none, a list of texts an empty text.
    const value = walkValue(walk, element, list[index]);
    kept.push(value ?? (element.fields.length > 0 ? {} : ""));
    walk.path.pop();
  }
  return kept;
}

/** One violation for the field, or one for each part of a map that does not pass. */
function reportViolation(walk: Walk, rule: FieldRule, value: unknown): void {
  const seen = new Set<string>();
  const parsed = v.safeParse(rule.schema, value);
  // Asked only for what did not pass.
  const issues = parsed.issues as readonly v.BaseIssue<unknown>[];
  for (const issue of issues) {
    const inner = (issue.path ?? []).map((item) => (typeof item.key === "number" ? item.key : String(item.key)));
    const key = inner.join("\n");
    if (seen.has(key)) continue;
    seen.add(key);
    walk.findings.violation(rule, [...walk.path, ...inner], inner.length === 0 ? value : issue.input);
  }
}

/** Gives the field that was meant, if it is rejected and one is close. */
function noteUnknown(
  { findings, path, unknownFields, root }: Walk,
  shape: Shape,
  key: string,
  value: unknown,
): Field | null {
  const at = [...path, key];
  if (unknownFields === "ignored") {
    findings.warning(at, "is not a field this device knows; it is ignored");
    return null;
  }
  if (findings.isFull()) return null;
  const meant = meantField(key, shape);
  const sentence = (where: string) => unknownFieldSentence(key, where, meant, root);
  // A mistyped "value" of a variable may hold a password, as the right one does.
  findings.violation({ ...unknownFieldRule, secret: shape.rule?.secret === true }, at, value, { sentence });
  return meant;
}

function firstSpelling({ name }: Field, source: object): string | undefined {
  return Object.keys(source).find((key) => key.toLowerCase() === name.toLowerCase());
}

function noteTwice(walk: Walk, field: Field, value: unknown, both: string): void {
  walk.findings.violation(twiceRule, [...walk.path, field.name], value, `expected one spelling of it, not ${both}`);
}
