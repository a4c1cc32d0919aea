import ipaddr from "ipaddr.js";
import * as v from "valibot";
import { isObject } from "../../base/json-keys.ts";
import { parseQuantity } from "../../pod/quantity.ts";

/** Any JSON object. */
export const anObject: v.GenericSchema = v.custom<object>(isObject);

/** Text that matches an expression. Every expression here is linear: no part of it can match in two ways. */
export function text(pattern: RegExp): v.GenericSchema<string> {
  return v.pipe(v.string(), v.regex(pattern));
}

/** Text of at most so many characters, whatever they are. */
export function shortText(length: number): v.GenericSchema<string> {
  return v.pipe(v.string(), v.maxLength(length));
}

/** A whole number within bounds, both included. */
export function whole(least: number, most: number): v.GenericSchema<number> {
  return v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
}

/** A list of so many elements; what they are is the next row's business. */
export function list(least: number, most: number): v.GenericSchema {
  return v.custom<unknown[]>((value) => Array.isArray(value) && value.length >= least && value.length <= most);
}

/**
 * A map whose keys and values pass, each of which is told by itself when it does not. Not `v.record`: that one leaves out
 * `constructor` and its like without a word.
 */
export function mapOf(
  entries: number,
  isKey: (key: string) => boolean,
  isValue: (value: unknown) => boolean,
): v.GenericSchema {
  return v.pipe(
    anObject,
    v.check((value) => Object.keys(value as object).length <= entries),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const input = dataset.value as Readonly<Record<string, unknown>>;
      for (const [key, value] of Object.entries(input)) {
        if (isKey(key) && isValue(value)) continue;
        addIssue({ input: value, path: [{ type: "object", origin: "value", input, key, value }] });
      }
    }),
  );
}

/** A map of text to text of at most so many characters. */
export function textMap(entries: number, isKey: (key: string) => boolean, longest: number): v.GenericSchema {
  return mapOf(entries, isKey, (value) => typeof value === "string" && value.length <= longest);
}

const pathPattern = /^\/[a-z0-9A-Z_./-]+$/;

/** A path as the Pod Update document writes it: absolute, at most 1,024 characters, no two dots in a row. */
export const aPath: v.GenericSchema<string> = v.pipe(
  v.string(),
  v.maxLength(1024),
  v.regex(pathPattern),
  v.check((value) => !value.includes("..")),
);
export const pathWords = "an absolute path of 2 to 1024 characters of a-z A-Z 0-9 _ . / -, without '..'";

/** A Kubernetes quantity that is not negative; a JSON number counts as one. */
export function isQuantity(value: unknown): boolean {
  return (parseQuantity(value) ?? -1n) >= 0n;
}

/**
 * IPv4 in four decimal parts, strictly: no octal, no short forms. Neither all 0 nor all 255 (Pod Update), nor one that
 * no interface can have (decisions.md 15: a port is published at its address only).
 */
export const hostAddress: v.GenericSchema<string> = v.pipe(
  v.string(),
  v.check((value) => {
    if (!ipaddr.IPv4.isValidFourPartDecimal(value)) return false;
    return !["unspecified", "broadcast", "multicast", "linkLocal"].includes(ipaddr.IPv4.parse(value).range());
  }),
);

/** Any IP address in its plain form, without a zone. */
export const anyAddress: v.GenericSchema<string> = v.pipe(
  v.string(),
  v.maxLength(64),
  v.check((value) => ipaddr.IPv4.isValidFourPartDecimal(value) || (!value.includes("%") && ipaddr.IPv6.isValid(value))),
);

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,30})?(?:Z|[+-](\d\d):(\d\d))$/;

/** RFC 3339, with days that exist. */
export const timestamp: v.GenericSchema<string> = v.pipe(v.string(), v.check(isRfc3339));

function isRfc3339(value: string): boolean {
  const match = rfc3339.exec(value);
  if (match === null) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offsetHour = 0, offsetMinute = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return false;
  return hour < 24 && minute < 60 && second < 60 && offsetHour < 24 && offsetMinute < 60;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
