// core/admission/rules: the rules of admission: one row for each field and relation.

import * as v from "valibot";
import { type Predicate, predicateOf } from "./predicate.ts";

/**
 * When a field must be there. In a graceful delete of an unknown pod, each present field is judged by itself, and only
 * "always" must be there (decisions.md 24: a pod must be deletable whatever has changed since).
 */
export type Presence = "always" | "update" | "optional";

/** One row of the rule table: what one field may hold, whatever the others hold. */
export interface FieldRule {
  /** The path without brackets; the row of a list's elements ends in `.item`. */
  readonly id: string;
  /** Canonical names; `[]` stands for every element of a list. */
  readonly path: string;
  /** What would pass, in words that fit after "expected". */
  readonly expectation: string;
  /** Where the rule comes from: the Pod Update document, a decision, or the reference (protocol.md). */
  readonly source: string;
  readonly presence: Presence;
  readonly schema: v.GenericSchema;
  /** Whether a value passes the schema. */
  readonly passes: Predicate;
  /** Its values are never quoted. */
  readonly secret: boolean;
  /** The only keys of a map whose value this is; null where the keys are the sender's. */
  readonly keys: readonly string[] | null;
}

/** A row for an optional field; `null` and `""` count as absent (decisions.md 10: serializers write values that ask for nothing). */
export function optional(path: string, schema: v.GenericSchema, expectation: string, source: string): FieldRule {
  const id = path.replace(/\[\]$/, ".item").replaceAll("[]", "");
  const passes = predicateOf(schema);
  return { id, path, expectation, source, presence: "optional", schema, passes, secret: false, keys: null };
}

/** A row for a field that a pod update must have. */
export function required(path: string, schema: v.GenericSchema, expectation: string, source: string): FieldRule {
  return { ...optional(path, schema, expectation, source), presence: "update" };
}

/** A row for a field without which a message says nothing, not even what to delete. */
export function essential(path: string, schema: v.GenericSchema, expectation: string, source: string): FieldRule {
  return { ...optional(path, schema, expectation, source), presence: "always" };
}

/** The same row for a field in which people write passwords. */
export function secret(rule: FieldRule): FieldRule {
  return { ...rule, secret: true };
}

/** The same row for a map with these keys only: another key is told by itself. */
export function keyed(rule: FieldRule, keys: readonly string[]): FieldRule {
  return { ...rule, keys };
}

/** A field that Kubernetes knows and this device rejects (decisions.md 3: without it another pod would start). */
export function forbidden(path: string, source: string): FieldRule {
  return optional(path, v.never(), "not supported; leave it out", source);
}

/** The same, but a value without effect counts as absent (decisions.md 10: serializers write values that ask for nothing). */
export function forbiddenBut(path: string, harmless: false | readonly [] | object, source: string): FieldRule {
  // One issue for the whole value: what is inside does not matter.
  const text = JSON.stringify(harmless);
  const schema = v.custom((value) => isEmptyLike(value) && JSON.stringify(value) === text);
  return optional(path, schema, `not supported; leave it out or write ${text}`, source);
}

function isEmptyLike(value: unknown): boolean {
  return value === false || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
}

/** Rows for several forbidden fields of one object. */
export function allForbidden(parent: string, names: readonly string[], source: string): readonly FieldRule[] {
  return names.map((name) => forbidden(`${parent}.${name}`, source));
}
