import { closest, unknownName } from "../base/closest.ts";
import type { RuleText } from "./findings.ts";
import type { Field, Shape } from "./shape.ts";

/** What becomes of a field that no Kubernetes has (decisions.md 3: a person who mistyped is there to read it, a center is not). */
export type UnknownFields = "ignored" | "rejected";

export const unknownFieldRule: RuleText = {
  id: "field.unknown",
  expectation: "a field that Kubernetes or this device knows, in a pod of the device itself",
};

/** The field of this object that a mistyped name meant; null if none is close. */
export function meantField(key: string, { fields }: Shape): Field | null {
  const meant = closest(
    key,
    fields.filter(isSupported).map(({ name }) => name),
  );
  return fields.find(({ name }) => name === meant) ?? null;
}

/**
 * What is wrong with a field that has no row, and what to do.
 * @param where its path
 * @param meant the field of the same object that it may be
 */
export function unknownFieldSentence(key: string, where: string, meant: Field | null, root: Shape): string {
  const sentence = unknownName("field", where, meant?.name ?? null);
  if (meant !== null) return sentence;
  const [place, ...others] = placesOf(key.toLowerCase(), root, "");
  const isElsewhere = place !== undefined && others.length === 0;
  return isElsewhere ? `${sentence}; it belongs in ${place}` : `${sentence}; leave it out`;
}

/** Paths of the objects that have a field of this name: a wrong indentation of YAML moves it. */
function placesOf(folded: string, { byFolded, fields, element }: Shape, at: string): readonly string[] {
  const field = byFolded.get(folded);
  const here = field !== undefined && isSupported(field) ? [at === "" ? "the Pod itself" : at] : [];
  const below = fields.flatMap(({ name, shape }) => placesOf(folded, shape, at === "" ? name : `${at}.${name}`));
  return [...here, ...below, ...(element === null ? [] : placesOf(folded, element, `${at}[]`))];
}

function isSupported({ shape }: Field): boolean {
  return shape.rule?.expectation.startsWith("not supported") !== true;
}
