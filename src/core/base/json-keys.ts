/**
 * Field names are matched without case, once, at the boundary (decisions.md 2: the center's own examples spell
 * `Volumes` and `Port`). This is the one place where that happens.
 */

/** Canonical names of an object's fields, by their lower-case form. */
export type KnownKeys = ReadonlyMap<string, string>;

export interface FoldedObject {
  /** Canonical name to value, in the order in which they were sent. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Canonical name to the sender's spelling, where it differs. */
  readonly spellings: ReadonlyMap<string, string>;
  /** Fields that came in two spellings: canonical name, and the second spelling. */
  readonly twice: readonly { readonly key: string; readonly first: string; readonly second: string }[];
  /** Keys that are none of the known ones, as sent. */
  readonly unknown: readonly string[];
}

/** Names by their lower-case form, for {@link foldObject}. */
export function knownKeys(names: readonly string[]): KnownKeys {
  return new Map(names.map((name) => [name.toLowerCase(), name]));
}

/** Reads an object's fields under their canonical names. Of a field that came twice the first one counts. */
export function foldObject(source: object, known: KnownKeys): FoldedObject {
  const values = new Map<string, unknown>();
  const spellings = new Map<string, string>();
  const twice: { key: string; first: string; second: string }[] = [];
  const unknown: string[] = [];
  const all: readonly unknown[] = Object.values(source);
  Object.keys(source).forEach((sent, index) => {
    const key = known.get(sent.toLowerCase());
    if (key === undefined) unknown.push(sent);
    else if (!values.has(key)) {
      values.set(key, all[index]);
      if (sent !== key) spellings.set(key, sent);
    } else if (!twice.some((double) => double.key === key)) {
      twice.push({ key, first: spellings.get(key) ?? key, second: sent });
    }
  });
  return { values, spellings, twice, unknown };
}

/** True for a JSON object: not null, not an array. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
