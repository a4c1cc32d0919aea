import { isObject } from "../base/json-keys.ts";
import { ownValue } from "../base/own-value.ts";

/** Stands for the device's serial number in `node.name`, `node.serialNumber` and `center.url`: one image, many devices. */
const placeholder = "{serialNumber}";

const places = [
  ["node", "name"],
  ["node", "serialNumber"],
  ["center", "url"],
] as const;

/** What vendors leave in the firmware when they set no serial number, in lower case. */
const fillers: readonly string[] = [
  "0123456789",
  "1234567890",
  "123456789",
  "default",
  "empty",
  "invalid",
  "n.a",
  "na",
  "none",
  "null",
  "serial",
  "unknown",
  "xxxxxxxxxx",
];

/**
 * What firmware gives as a serial number, as far as it tells one device from another: 1 to 128 characters of
 * a-z A-Z 0-9 . _ -, since it goes into a name and an address. Null for anything else: "To be filled by O.E.M.", zeros.
 */
export function usableSerialNumber(text: string): string | null {
  const serial = text.replace(/\0/g, "").trim();
  const usable = /^[A-Za-z0-9._-]{1,128}$/.test(serial) && !/^[0._-]+$/.test(serial);
  return usable && !fillers.includes(serial.toLowerCase()) ? serial : null;
}

export interface Filled {
  readonly value: unknown;
  /** The places that ask for a serial number when there is none. */
  readonly missing: readonly string[];
}

/**
 * A configuration with its placeholders filled: with `node.serialNumber` where that holds one, else with the device's own.
 * @param own asked at most once, and only when a placeholder stands there
 */
export function fillSerialNumber(value: unknown, own: () => string | null): Filled {
  const asking = places.filter((place) => textAt(value, place)?.includes(placeholder) === true);
  if (asking.length === 0) return { value, missing: [] };
  const given = textAt(value, ["node", "serialNumber"]);
  const serial = given === undefined || given.includes(placeholder) ? own() : given;
  const filled = structuredClone(value) as Record<string, Record<string, string>>;
  for (const [section, key] of asking) {
    const inner = filled[section];
    // What is missing is told once; the rest of the value is still looked at.
    if (inner !== undefined) inner[key] = (inner[key] ?? "").replaceAll(placeholder, serial ?? "0");
  }
  return { value: filled, missing: serial === null ? asking.map((place) => place.join(".")) : [] };
}

function textAt(value: unknown, [section, key]: readonly [string, string]): string | undefined {
  const text = memberOf(memberOf(value, section), key);
  return typeof text === "string" ? text : undefined;
}

function memberOf(value: unknown, key: string): unknown {
  return isObject(value) ? ownValue(value as Readonly<Record<string, unknown>>, key) : undefined;
}
