import { ownValue } from "../core/base/own-value.ts";
import { withoutUrlSecrets } from "../core/base/shown-url.ts";
import type { EngineError, EngineErrorKind, EngineResult } from "../ports/engine.ts";

const longestMessage = 1024;
/** What is matched of a message: a registry may answer with megabytes. */
const longestJudged = 4096;

/** What Docker's own words tell apart where its status does not (it answers 500 to nearly everything). First match counts. */
type Pattern = readonly [words: RegExp, kind: EngineErrorKind, alsoWords?: RegExp];

// A full disk shows as the second text when a container starts: docker 20.10 loses the cause.
const diskFull: Pattern = [/no space left on device|unable to store init state/i, "diskFull"];

const everywhere: readonly Pattern[] = [
  diskFull,
  // containerd is down while dockerd answers.
  [/: unavailable$/i, "unavailable"],
  [/connection refused|unavailable/i, "unavailable", /containerd/i],
  [/client version /i, "unavailable", /is too (?:old|new)/i],
];

const byOperation: Readonly<Record<string, readonly Pattern[]>> = {
  create: [
    [/does not match the specified platform/i, "wrongArchitecture"],
    [/no such image/i, "imageNotFound"],
    [/that name is already in use/i, "conflict"],
  ],
  start: [
    [/port is already allocated|address already in use/i, "portInUse"],
    // Without CAP_SYS_RESOURCE runc's first process ends before it can say why; later ones say it (nsexec.c).
    [/oom_score_adj|can't get final child's PID from pipe/i, "oomScoreRefused"],
    // The sandbox has gone between the look and the start: the next look tells.
    [/cannot join /i, "conflict", / of a non running container/i],
    [/joining /i, "conflict", / namespace of container/i],
  ],
  rename: [
    [/is already in use/i, "conflict"],
    // Podman 5: the words of its database.
    [/UNIQUE constraint failed: ContainerConfig\.Name/, "conflict"],
  ],
  // Podman's words, here and for exec; docker answers 409.
  remove: [[/has dependent containers|cannot remove container/i, "conflict"]],
  exec: [[/can only create exec sessions on running containers/i, "conflict"]],
  pull: [
    // Dockerd's words for HTTP 429, with a body that it can read and without; and containerd's.
    [/\btoomanyrequests: |HTTP 429 response|: 429 Too Many Requests/i, "registryBusy"],
    // The second is containerd's, of a list that has nothing for this machine.
    [
      /no matching manifest|no match for platform in manifest|does not match the specified platform/i,
      "wrongArchitecture",
    ],
    [
      /no basic auth credentials|unauthorized|authentication required|access denied|denied:|status: 40[13]/i,
      "registryAuth",
    ],
    [/manifest unknown|name unknown|not found: |: not found$/i, "imageNotFound"],
    [/manifest for |repository /i, "imageNotFound", / not found/i],
    [
      /connection refused|connection reset|no route to host|network is unreachable|lookup |i\/o timeout/i,
      "registryUnreachable",
    ],
    [/timeout exceeded|deadline exceeded|handshake|x509|HTTP response to HTTPS/i, "registryUnreachable"],
    [/unexpected EOF|: EOF$/i, "registryUnreachable"],
  ],
};

/** No engine behind the socket, or none any more: the call was never taken, or its answer is lost. */
const unreachable = [
  "ENOENT",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "EACCES",
  "ENOTSOCK",
  "ETIMEDOUT",
  "HPE_INVALID_CONSTANT",
];

/** What went wrong, sorted into what to do about it: by status where that says something, else by Docker's words. */
export function engineError(operation: string, cause: unknown, signal: AbortSignal): EngineError {
  if (signal.aborted) return abortedError(operation, signal);
  const status = property(cause, "statusCode");
  const message = messageOf(cause);
  const code = property(cause, "code");
  if (typeof status !== "number") {
    const kind = typeof code === "string" && unreachable.includes(code) ? "unavailable" : "failed";
    return failure(operation, kind, message);
  }
  return failure(operation, kindOf(operation, status, message), message);
}

/** An error that stands in a stream which began with 200. */
export function streamedError(operation: string, message: string): EngineError {
  return failure(operation, kindOf(operation, 500, message), message);
}

/** The signal's deadline passed ("timeout"), or somebody gave up on the call ("aborted"): either way it may still happen. */
export function abortedError(operation: string, signal: AbortSignal): EngineError {
  const late = property(signal.reason, "name") === "TimeoutError";
  return failure(
    operation,
    late ? "timeout" : "aborted",
    late ? "The engine did not answer in time" : "The call was canceled",
  );
}

/** The words of a registry may hold an address with a token, and they go into events and to the center. */
export function failure(operation: string, kind: EngineErrorKind, message: string): EngineError {
  return { kind, operation, message: withoutUrlSecrets(message.slice(0, longestJudged)).slice(0, longestMessage) };
}

/** A failed call as its result. */
export function failed<T>(error: EngineError): EngineResult<T> {
  return { ok: false, error };
}

/** HTTP status of a refusal, null for everything else that can go wrong. */
export function statusOf(cause: unknown): number | null {
  const status = property(cause, "statusCode");
  return typeof status === "number" ? status : null;
}

function kindOf(operation: string, status: number, message: string): EngineErrorKind {
  // The engine hands on a registry's status and words: that they say "unavailable" tells nothing about the engine.
  const isRegistrys = operation === "pull";
  const patterns = [...(ownValue(byOperation, operation) ?? []), ...(isRegistrys ? [diskFull] : everywhere)];
  const text = message.slice(0, longestJudged);
  const found = patterns.find(([words, , alsoWords]) => words.test(text) && (alsoWords?.test(text) ?? true));
  if (found !== undefined) return found[1];
  if (status === 404) return isRegistrys ? "imageNotFound" : "notFound";
  if (isRegistrys && status !== 400) return "failed";
  if (status === 409) return "conflict";
  if (status === 503) return "unavailable";
  // Only a create is refused for what it asks; a start's 400 is a program that is not in the image, and that is worth
  // another try after the image has been fixed (kubelet: RunContainerError).
  if (status === 400) return operation === "start" ? "failed" : "invalid";
  return "failed";
}

/**
 * Whether a start failed for the program: the runtime that was to run it says so. Everything else (a port, a disk, a network,
 * a device node, a runtime that is not there itself) is of the device and may pass.
 */
export function isProgramError(startError: string): boolean {
  const text = startError.slice(0, longestJudged);
  if (!/OCI runtime/i.test(text) || /unable to retrieve OCI runtime error/i.test(text)) return false;
  if (/context (?:canceled|deadline exceeded)/i.test(text)) return false;
  return kindOf("start", 500, text) === "failed";
}

/** Docker's words without the wrapping that docker-modem puts around them. */
function messageOf(cause: unknown): string {
  const answered = property(property(cause, "json"), "message");
  if (typeof answered === "string") return answered.slice(0, longestJudged);
  const message = property(cause, "message");
  if (typeof message !== "string") return String(cause);
  // Node's word for a connection that ended in the middle of an answer.
  if (message === "aborted") return "The engine closed the connection";
  return (
    message
      .slice(0, longestJudged)
      .replace(/^\(HTTP code \d+\) .*? - /, "")
      .trim() || message
  );
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
