import * as v from "valibot";

/** Whether a value passes. */
export type Predicate = (value: unknown) => boolean;

/** The parts of valibot's schemas that are common in the rules. */
type Part =
  | v.StringSchema<undefined>
  | v.NumberSchema<undefined>
  | v.BooleanSchema<undefined>
  | v.NeverSchema<undefined>
  | v.CustomSchema<unknown, undefined>
  | v.LiteralSchema<v.Literal, undefined>
  | v.PicklistSchema<readonly string[], undefined>
  | v.RegexAction<string, undefined>
  | v.MaxLengthAction<string, number, undefined>
  | v.IntegerAction<number, undefined>
  | v.MinValueAction<number, number, undefined>
  | v.MaxValueAction<number, number, undefined>
  | v.CheckAction<unknown, undefined>;

/**
 * Says the same of a value as `v.is` with the schema, without the objects that valibot makes for its issues: nearly every value
 * is right, and those that are not are asked about again. What it does not know is left to valibot.
 */
export function predicateOf(schema: v.GenericSchema): Predicate {
  const parts = "pipe" in schema ? (schema.pipe as readonly Part[]) : [schema as unknown as Part];
  const predicates: Predicate[] = [];
  for (const part of parts) {
    const predicate = partOf(part);
    if (predicate === null) return (value) => v.is(schema, value);
    predicates.push(predicate);
  }
  const [first, second, ...others] = predicates;
  if (first === undefined || others.length > 0) return (value) => predicates.every((passes) => passes(value));
  return second === undefined ? first : (value) => first(value) && second(value);
}

/** A later part is asked only for what the ones before it let pass, so that its type is known. */
function partOf(part: Part): Predicate | null {
  if ("pipe" in part) return predicateOf(part as unknown as v.GenericSchema);
  switch (part.type) {
    case "string":
      return isText;
    case "number":
      return isNumber;
    case "boolean":
      return isBoolean;
    case "never":
      return isNothing;
    case "custom":
      return part.check;
    case "literal":
      return (value) => value === part.literal;
    case "picklist":
      return (value) => part.options.includes(value as string);
    case "regex":
      return (value) => part.requirement.test(value as string);
    case "max_length":
      return (value) => (value as string).length <= part.requirement;
    case "integer":
      return Number.isInteger;
    case "min_value":
      return (value) => (value as number) >= part.requirement;
    case "max_value":
      return (value) => (value as number) <= part.requirement;
    case "check":
      return part.requirement;
    default:
      return null;
  }
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && !Number.isNaN(value);
}

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

function isNothing(): boolean {
  return false;
}
