import type { FieldRule } from "./rules/row.ts";

/** The rule table as a tree, so that a message is gone through once. */
export interface Shape {
  readonly rule: FieldRule | null;
  /** In the order of the table. */
  readonly fields: readonly Field[];
  /** Those that some message must have. */
  readonly asked: readonly Field[];
  readonly byName: ReadonlyMap<string, Field>;
  readonly byFolded: ReadonlyMap<string, Field>;
  readonly element: Shape | null;
}

export interface Field {
  readonly name: string;
  /** Place among its siblings: violations are told in the order of the document. */
  readonly order: number;
  readonly shape: Shape;
}

interface Draft {
  rule: FieldRule | null;
  readonly fields: Map<string, Draft>;
  element: Draft | null;
}

/** Builds the tree of a rule table. Two rows for one path are a bug in the table. */
export function shapeOf(rules: readonly FieldRule[]): Shape {
  const root = emptyDraft();
  for (const rule of rules) {
    const draft = descend(root, rule.path);
    if (draft.rule !== null) throw new Error(`Two rules for ${rule.path}`);
    draft.rule = rule;
  }
  return freeze(root);
}

function emptyDraft(): Draft {
  return { rule: null, fields: new Map(), element: null };
}

function descend(root: Draft, path: string): Draft {
  let draft = root;
  for (const part of path.split(".")) {
    const isList = part.endsWith("[]");
    const name = isList ? part.slice(0, -2) : part;
    const next = draft.fields.get(name) ?? emptyDraft();
    draft.fields.set(name, next);
    draft = next;
    if (isList) {
      draft.element ??= emptyDraft();
      draft = draft.element;
    }
  }
  return draft;
}

function freeze(draft: Draft): Shape {
  const fields = [...draft.fields].map(([name, child], order) => ({ name, order, shape: freeze(child) }));
  return {
    rule: draft.rule,
    fields,
    asked: fields.filter(({ shape: { rule } }) => rule !== null && rule.presence !== "optional"),
    byName: new Map(fields.map((field) => [field.name, field])),
    byFolded: new Map(fields.map((field) => [field.name.toLowerCase(), field])),
    element: draft.element === null ? null : freeze(draft.element),
  };
}
