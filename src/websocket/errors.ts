import type { IncomingHttpHeaders } from "node:http";
import { ownValue } from "../core/base/own-value.ts";
import { type Certificate, certificateConcern, clockMayBeWrong } from "../core/protocol/certificate.ts";
import type { LinkError } from "../core/protocol/link-error.ts";

/** The longest wait a center can ask for: a day. */
const maxRetryAfterSeconds = 86_400;

/** What TLS says when the center does not want our certificate, or wants one: in the code, or only in the words (1.2). */
const certificateAlerts =
  /alert[ _](bad[ _]certificate|certificate|unknown[ _]ca|access[ _]denied|unsupported[ _]certificate)/i;
const certificateFindings =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|EPROTO$|INVALID_CA|HOSTNAME_MISMATCH|INVALID_PURPOSE)/;
const networkErrors = /^(ECONN|EHOST|ENET|ENOTFOUND|EAI_|EPIPE|EADDRNOTAVAIL|EACCES|EPERM|ENOENT|UND_ERR_SOCKET)/;

/** What OpenSSL and Node find wrong with the center's certificate, in words that say whose it is. */
const findingWords: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "The center's certificate has expired",
  ...wordsForEach(
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "UNABLE_TO_GET_ISSUER_CERT", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"],
    "The center's certificate is from an authority that this device does not trust",
  ),
  ...wordsForEach(
    ["SELF_SIGNED_CERT_IN_CHAIN", "DEPTH_ZERO_SELF_SIGNED_CERT", "CERT_SIGNATURE_FAILURE"],
    "The center's certificate is from an authority that this device does not trust",
  ),
  ERR_TLS_CERT_ALTNAME_INVALID: "The center's certificate is for another name",
};

function wordsForEach(codes: readonly string[], words: string): Readonly<Record<string, string>> {
  return Object.fromEntries(codes.map((code) => [code, words]));
}

/** What a dial was made with. */
export interface DialledWith {
  readonly tls: boolean;
  /** The device's clock, milliseconds since the epoch. */
  readonly wall: number;
  readonly certificates: readonly Certificate[];
}

/** Why a dial that never came to an answer failed. */
export function dialError(error: unknown, about: DialledWith): LinkError {
  const found = foundError(error, about);
  if (found.code !== "credentials" && found.code !== "tls" && !mayBeRefusal(error, about.tls)) return found;
  // The center does not say what it has against our certificate; it is no secret that it has expired.
  const concerns = about.certificates
    .map((certificate) => certificateConcern(certificate, about.wall))
    .filter((concern) => concern !== null);
  return concerns.length === 0 ? found : { ...found, message: `${found.message}; ${concerns.join("; ")}` };
}

function foundError(error: unknown, { tls, wall }: DialledWith): LinkError {
  const message = wordsOf(error);
  const code = codeOf(error);
  if (/PEM|key values mismatch|ERR_OSSL/.test(`${message} ${code}`)) return { code: "credentials", message };
  if (certificateAlerts.test(`${code} ${message}`)) return { code: "credentials", message };
  if (code === "CERT_NOT_YET_VALID") {
    return { code: "tls", message: `The center's certificate is not yet valid: ${clockMayBeWrong(wall)}` };
  }
  if (certificateFindings.test(code)) {
    const words = ownValue(findingWords, code);
    return { code: "tls", message: words === undefined ? message : `${words} (${message})` };
  }
  if (code === "ETIMEDOUT") return { code: "timeout", message };
  if (mayBeRefusal(error, tls)) {
    // Node's own server says no more than this to a certificate of another authority; it has no alert for it.
    return { code: "unreachable", message: `${message}; the center may not accept this device's certificate` };
  }
  if (networkErrors.test(code) || message === "socket hang up") return { code: "unreachable", message };
  return { code: "protocol", message };
}

function mayBeRefusal(error: unknown, tls: boolean): boolean {
  return tls && codeOf(error) === "ECONNRESET";
}

/** What it means that the center answered, but not with a WebSocket. */
export function answerError(status: number | undefined, headers: IncomingHttpHeaders): LinkError {
  const message = `The center answered ${status ?? "without a status"}`;
  const retryAfterSeconds = retryAfter(headers);
  return {
    code: status === 401 || status === 403 ? "credentials" : "refused",
    message,
    ...(status !== undefined && { status }),
    ...(retryAfterSeconds !== null && { retryAfterSeconds }),
  };
}

/** Why a proxy gave no answer to CONNECT; `proxy` is its `host:port`. */
export function proxyError(proxy: string, error: unknown): LinkError {
  const code = codeOf(error);
  if (code.startsWith("HPE_")) {
    return { code: "protocol", message: `The proxy ${proxy} does not speak HTTP: ${wordsOf(error)}` };
  }
  if (wordsOf(error) === "socket hang up") {
    return { code: "unreachable", message: `The proxy ${proxy} closed the connection without an answer` };
  }
  return { code: "unreachable", message: `The proxy ${proxy} cannot be reached: ${wordsOf(error)}` };
}

/** What it means that a proxy answered CONNECT to `target`, and opened no tunnel. */
export function proxyAnswerError(
  proxy: string,
  { target, statusCode }: { readonly target: string; readonly statusCode: number },
): LinkError {
  if (statusCode === 407) {
    return { code: "credentials", message: `The proxy ${proxy} requires a user and password that it accepts (407)` };
  }
  if (statusCode >= 200 && statusCode < 300) {
    return { code: "protocol", message: `The proxy ${proxy} sent data before this device did` };
  }
  return { code: "refused", message: `The proxy ${proxy} opened no tunnel to ${target}: it answered ${statusCode}` };
}

/** Why an open connection broke, as a close code and reason. */
export function breakReason(error: unknown): { readonly code: number; readonly reason: string } {
  const code = codeOf(error);
  const reason = wordsOf(error);
  if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") return { code: 1009, reason };
  if (code === "WS_ERR_INVALID_UTF8") return { code: 1007, reason };
  return { code: code.startsWith("WS_ERR_") ? 1002 : 1006, reason };
}

/** Seconds, or a date: that one counts from the center's own clock, for ours may stand in 1970. */
function retryAfter(headers: IncomingHttpHeaders): number | null {
  const value = headers["retry-after"];
  if (value === undefined) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.parse(headers.date ?? "")) / 1_000;
  if (Number.isNaN(seconds)) return null;
  return Math.min(Math.max(0, Math.ceil(seconds)), maxRetryAfterSeconds);
}

function wordsOf(error: unknown): string {
  // Of several addresses tried, the first says enough; the whole has no message of its own.
  if (error instanceof AggregateError && error.message === "") return wordsOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
