import type { LinkError } from "./link-error.ts";

/**
 * How eagerly to dial again.
 * - soon: full jitter over a delay that doubles from 1 s to 60 s, so that a thousand devices come back spread out
 * - spread: 5 to 30 s, what the registry of close codes asks for after 1012
 * - later: anywhere in the next minute
 * - denied: 30 to 60 s. What was wrong with us once is wrong a second later; a mended file is tried at once
 */
export type Pace = "soon" | "spread" | "later" | "denied";

const firstMs = 1_000;
const capMs = 60_000;
const maxRetryAfterSeconds = 3_600;

/** The pace after a close code (RFC 6455 §7.4.1 and the IANA registry). Codes that are not named: soon. */
const closePaces: Readonly<Record<number, Pace>> = {
  /** Policy violation: it is about this device. */
  1008: "denied",
  /** Service restart. */
  1012: "spread",
  /** Try again later. */
  1013: "later",
};

/** The pace after the center closed an open connection. 4000 to 4999 are the center's own words against this device. */
export function paceOfClose(code: number): Pace {
  if (code >= 4000 && code <= 4999) return "denied";
  return closePaces[code] ?? "soon";
}

/** The pace after a dial that failed. */
export function paceOfError({ code, status }: LinkError): Pace {
  switch (code) {
    case "credentials":
    case "tls":
      return "denied";
    case "refused":
      return status === 429 ? "later" : "soon";
    case "unreachable":
    case "timeout":
    case "protocol":
    case "aborted":
      return "soon";
    default:
      return code satisfies never;
  }
}

/**
 * How long to wait before dialling again.
 * @param failures dials in a row that brought no lasting connection; the first try comes within a second
 * @param random a number in [0, 1)
 * @param retryAfterSeconds what the center asked for, where it did, an hour at most. Jitter of at least half of it
 *   (and at most a minute) comes on top: those who were told the same second must not return in it
 * @returns milliseconds
 */
export function reconnectDelayMs(pace: Pace, failures: number, random: number, retryAfterSeconds = 0): number {
  const asked = Math.min(retryAfterSeconds, maxRetryAfterSeconds) * 1000;
  const [least, spread] = windowOf(pace, failures);
  return Math.max(asked, least) + Math.floor(random * Math.max(spread, Math.min(asked / 2, capMs)));
}

function windowOf(pace: Pace, failures: number): readonly [least: number, spread: number] {
  switch (pace) {
    case "soon":
      return [0, Math.min(firstMs * 2 ** Math.min(Math.max(0, failures - 1), 6), capMs)];
    case "spread":
      return [5_000, 25_000];
    case "later":
      return [0, capMs];
    case "denied":
      return [capMs / 2, capMs / 2];
    default:
      return pace satisfies never;
  }
}
