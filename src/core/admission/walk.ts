import * as v from "valibot";
import { closest, unknownName } from "../base/closest.ts";
import { isObject } from "../base/json-keys.ts";
import type { Detail, Findings, RuleText } from "./findings.ts";
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
  const { fields } = shape;
  const values: unknown[] = [];
  // Made only when needed: a large pod has thousands of objects, and next to none with a field twice.
  let twice: Set<Field> | null = null;
  let mistyped: Set<Field> | null = null;
  const sent: readonly unknown[] = Object.values(source);
  Object.keys(source).forEach((key, index) => {
    const value = sent[index];
    const field = shape.byName.get(key) ?? shape.byFolded.get(key.toLowerCase());
    if (field !== undefined && values[field.order] === undefined) {
      values[field.order] = value ?? null;
      if (key !== field.name) noteSpelling(walk, field, key);
    } else if (field === undefined) {
      const meant = noteUnknown(walk, shape, key, value);
      if (meant !== null) mistyped = (mistyped ?? new Set<Field>()).add(meant);
    } else {
      twice ??= new Set();
      // A field has thousands of spellings: one of them is told.
      if (!twice.has(field)) noteTwice(walk, field, value, `${firstSpelling(field, source)} and ${key}`);
      twice.add(field);
    }
  });
  // Now in the order of the table. What is neither there nor asked for has no place in the list.
  for (const { order } of shape.asked) if (values[order] === undefined) values[order] = undefined;
  const passed: [string, unknown][] = [];
  values.forEach((value, order) => {
    const field = fields[order];
    // What is there under a mistyped name is not missing, too.
    if (field === undefined || (value === undefined && mistyped?.has(field) === true)) return;
    const kept = walk.findings.isFull() ? undefined : walkField(walk, field, value);
    if (kept !== undefined) passed.push([field.name, kept]);
  });
  return Object.fromEntries(passed);
}

function walkField(walk: Walk, { name, shape }: Field, value: unknown): unknown {
  return isAbsent(value) ? walkAbsent(walk, shape, name, value) : walkValue(walk, shape, name, value);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

function walkAbsent(walk: Walk, { rule }: Shape, name: string, value: unknown): undefined {
  if (rule !== null && isAsked(rule.presence, walk.occasion)) {
    walk.findings.violation(rule, [...walk.path, name], value);
  }
}

function isAsked(presence: Presence, occasion: Occasion): boolean {
  return presence === "always" || (presence === "update" && occasion === "update");
}

/** What passed of the value of a field or of an element; undefined when it did not. */
function walkValue(walk: Walk, shape: Shape, step: string | number, value: unknown): unknown {
  const { rule, element, fields } = shape;
  const passed = rule === null || rule.passes(value);
  if (passed && element === null && fields.length === 0) return value;
  walk.path.push(step);
  if (rule !== null && !passed) reportViolation(walk, rule, value);
  const inner = walkInner(walk, shape, value, passed);
  walk.path.pop();
  return passed ? inner : undefined;
}

function walkInner(walk: Walk, shape: Shape, value: unknown, passed: boolean): unknown {
  const { element, fields } = shape;
  // A list that is too long is gone through all the same: every violation at once.
  if (element !== null) return Array.isArray(value) ? walkElements(walk, element, value) : undefined;
  return passed && fields.length > 0 && isObject(value) ? walkObject(walk, shape, value) : value;
}

function walkElements(walk: Walk, element: Shape, list: readonly unknown[]): unknown[] {
  const kept: unknown[] = [];
  // A list of objects keeps an empty one in the place of what was none, a list of texts an empty text.
  const none = element.fields.length > 0 ? {} : "";
  for (let index = 0; index < list.length && !walk.findings.isFull(); index += 1) {
    const item = list[index];
    kept.push(isRight(element, item) ? item : (walkValue(walk, element, index, item) ?? none));
  }
  return kept;
}

/**
 * Whether all of a value is right as it stands, under canonical names: then there is nothing to note, and it is what passed.
 * Nearly every element of a list is.
 */
function isRight(shape: Shape, value: unknown): boolean {
  const { rule, element, fields } = shape;
  if (rule !== null && !rule.passes(value)) return false;
  if (element !== null) return Array.isArray(value) && value.every((item) => isRight(element, item));
  return fields.length === 0 || (isObject(value) && isRightObject(shape, value));
}

function isRightObject({ byName, asked }: Shape, source: object): boolean {
  const values: readonly unknown[] = Object.values(source);
  let missing = asked.length;
  const areRight = Object.keys(source).every((key, index) => {
    const field = byName.get(key);
    if (field === undefined || isAbsent(values[index])) return false;
    if (asked.includes(field)) missing -= 1;
    return isRight(field.shape, values[index]);
  });
  return areRight && missing === 0;
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
    const wrong = inner.length === 0 ? value : issue.input;
    walk.findings.violation(rule, [...walk.path, ...inner], wrong, detailOf(rule, inner, wrong));
  }
}

/** What a violation of a row says in place of the row's expectation. */
function detailOf(rule: FieldRule, inner: readonly (string | number)[], wrong: unknown): Detail | undefined {
  const [key] = inner;
  if (typeof key === "string" && rule.keys?.includes(key) === false) {
    const meant = closest(key, rule.keys);
    const known = meant === null ? `; expected ${rule.keys.join(", ")}` : "";
    return { sentence: (where) => `${unknownName("resource", where, meant)}${known}` };
  }
  // YAML reads 1000, true and 1.5 as what they look like.
  const isBare = inner.length === 0 && (typeof wrong === "number" || typeof wrong === "boolean");
  if (isBare && rule.passes(String(wrong)))
    return `expected text; write it in quotes${rule.secret ? "" : `: "${wrong}"`}`;
  return undefined;
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

/** In a message any case counts (decisions.md 2: the documents themselves write both); a file of a person is read by other programs, too. */
function noteSpelling({ findings, path, unknownFields }: Walk, { name }: Field, key: string): void {
  const at = [...path, name];
  findings.spelled(at, key);
  if (unknownFields === "rejected") findings.warning(at, `is read as ${name}; Kubernetes does not accept it`);
}

function firstSpelling({ name }: Field, source: object): string | undefined {
  return Object.keys(source).find((key) => key.toLowerCase() === name.toLowerCase());
}

function noteTwice(walk: Walk, field: Field, value: unknown, both: string): void {
  walk.findings.violation(twiceRule, [...walk.path, field.name], value, `expected one spelling of it, not ${both}`);
}
