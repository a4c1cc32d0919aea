import { counted } from "../base/counted.ts";
import { shorten } from "../base/shorten.ts";
import type { Violation, Warning } from "../base/violation.ts";
import type { FieldRule } from "./rules/row.ts";
import type { Shape } from "./shape.ts";

/** Canonical names and indices, from the pod down. */
export type Path = readonly (string | number)[];

/** What follows after "NAME is VALUE; ", or a whole sentence in its place, which may begin with the field's path. */
export type Detail = string | { readonly sentence: string | ((where: string) => string) };

/** What a violation is told with; a row of any table. */
export type RuleText = Pick<FieldRule, "id" | "expectation"> & { readonly secret?: boolean };

/** Takes down what is wrong with a message, and gives it back in the order of the document and in the sender's words. */
export interface Findings {
  /** Something is wrong at `path`; `detail` says more than the row's expectation does. */
  violation(rule: RuleText, path: Path, value: unknown, detail?: Detail): void;
  warning(path: Path, message: string): void;
  /** Remembers how the sender spelled the last name of a path. */
  spelled(path: Path, sent: string): void;
  /** Whether something is wrong at or below `path`. */
  isWrong(path: Path): boolean;
  /** Enough is wrong to stop looking. */
  isFull(): boolean;
  violations(): readonly Violation[];
  warnings(): readonly Warning[];
}

/** Beyond these nobody reads on, and a hostile message must not fill the memory. */
const mostViolations = 1000;
const mostWarnings = 100;
const longestQuote = 64;
const longestValue = 256;

interface Found {
  readonly rule: RuleText;
  readonly path: Path;
  readonly value: unknown;
  readonly detail: Detail | undefined;
}

/** Starts taking down findings about messages of this shape. */
export function findingsOf(shape: Shape): Findings {
  const found: Found[] = [];
  const noted: { readonly path: Path; readonly message: string }[] = [];
  const spellings = new Map<string, string>();
  const format = (path: Path) => formatPath(path, spellings);
  const ordered = <T extends { readonly path: Path }>(list: readonly T[]): readonly T[] =>
    list
      .map((item) => ({ item, rank: rankOf(item.path, shape) }))
      .sort((a, b) => compareRanks(a.rank, b.rank))
      .map(({ item }) => item);
  return {
    violation: (rule, path, value, detail) => {
      if (found.length < mostViolations) found.push({ rule, path: [...path], value, detail });
    },
    warning: (path, message) => {
      if (noted.length < mostWarnings) noted.push({ path: [...path], message });
    },
    spelled: (path, sent) => {
      spellings.set(path.join("\n"), sent);
    },
    isWrong: (path) => found.some((one) => path.every((part, index) => part === one.path[index])),
    isFull: () => found.length >= mostViolations,
    violations: () => ordered(found).map((item) => violationOf(item, format(item.path))),
    warnings: () =>
      ordered(noted).map(({ path, message }) => ({ path: format(path), message: `${format(path)} ${message}` })),
  };
}

function violationOf({ rule, path, value, detail }: Found, where: string): Violation {
  const name = where === "" ? "The content" : where;
  return {
    path: where,
    rule: rule.id,
    message: sentenceOf(rule, name, value, detail),
    value: path.length === 0 || rule.secret === true ? null : trimmed(value),
  };
}

/** How an expectation begins that a field does not meet whatever its value is. */
const unsupported = "not supported";
/** How an expectation begins that says what to do by itself. */
const advice = "leave it out";

function sentenceOf(rule: RuleText, name: string, value: unknown, detail: Detail | undefined): string {
  if (typeof detail === "object") return typeof detail.sentence === "string" ? detail.sentence : detail.sentence(name);
  if (detail === undefined && rule.expectation.startsWith(unsupported)) return `${name} is ${rule.expectation}`;
  const expected = rule.expectation.startsWith(advice) ? rule.expectation : `expected ${rule.expectation}`;
  return `${name} is ${describe(value, rule.secret === true)}; ${detail ?? expected}`;
}

/** A value in a sentence. What may be a secret is never quoted, what is long is cut. */
export function describe(value: unknown, secret: boolean): string {
  if (value === undefined || value === null) return "missing";
  if (value === "") return "empty";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object") return "an object";
  if (typeof value === "string" && secret) return `a text of ${counted(value.length, "character")} (not shown)`;
  if (secret) return `a ${typeof value} (not shown)`;
  if (typeof value === "string") return JSON.stringify(shorten(value, longestQuote));
  return String(value);
}

function trimmed(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === "string") return shorten(value, longestValue);
  return typeof value === "object" && value !== null ? describe(value, false) : value;
}

function formatPath(path: Path, spellings: ReadonlyMap<string, string>): string {
  let text = "";
  for (const [index, part] of path.entries()) {
    if (typeof part === "number") text += `[${part}]`;
    else {
      const sent = shorten(spellings.get(path.slice(0, index + 1).join("\n")) ?? part, 128);
      text += text === "" ? sent : `.${sent}`;
    }
  }
  return text;
}

/** One number or name a step: places in the table, indices, and for what has no row its own name. */
type Rank = readonly (number | string)[];

function rankOf(path: Path, root: Shape): Rank {
  const rank: (number | string)[] = [];
  let shape: Shape | null = root;
  for (const part of path) {
    if (typeof part === "number") {
      rank.push(part);
      shape = shape?.element ?? null;
    } else {
      const field: { readonly order: number; readonly shape: Shape } | undefined = shape?.byName.get(part);
      rank.push(field?.order ?? part);
      shape = field?.shape ?? null;
    }
  }
  return rank;
}

function compareRanks(a: Rank, b: Rank): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) return 1;
    if (left === right) continue;
    // What has no row comes last.
    if (typeof left !== typeof right) return typeof left === "number" ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return a.length - b.length;
}
