import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { isObject } from "../core/base/json-keys.ts";
import type { Violation, Warning } from "../core/base/violation.ts";
import type { Config } from "../core/config/config.ts";
import type { PodId } from "../core/pod/spec.ts";
import { noRightSentence } from "../linux/file-rights.ts";

/** The agent's socket. */
export function controlPath(runDir: string): string {
  return join(runDir, "edge.sock");
}

export interface AgentRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body?: string;
}

/** What the agent answers to a change that it was asked for (api.md). */
export type AgentAnswer =
  | {
      readonly kind: "done";
      readonly message: string;
      readonly warnings: readonly Warning[];
      readonly pod: PodId | null;
    }
  | {
      readonly kind: "refused";
      readonly code: string;
      readonly violations: readonly Violation[];
      readonly warnings: readonly Warning[];
    }
  /** There was no answer; the sentence says why and what to do. */
  | { readonly kind: "unanswered"; readonly message: string };

const answerMs = 30_000;
/** Of an answer; one that lists every violation of the largest pod is far below it. */
const mostAnswerBytes = 16 * 1024 * 1024;

/** Asks the agent of this device. Never throws. */
export async function askAgent(
  { data }: { readonly data: Pick<Config["data"], "runDir"> },
  request: AgentRequest,
): Promise<AgentAnswer> {
  const path = controlPath(data.runDir);
  try {
    return answerOf(JSON.parse(await exchange(path, request)) as unknown);
  } catch (error) {
    return { kind: "unanswered", message: whyUnanswered(path, error as NodeJS.ErrnoException) };
  }
}

function exchange(socketPath: string, { method, path, query = {}, body = "" }: AgentRequest): Promise<string> {
  const search = new URLSearchParams(query).toString();
  const signal = AbortSignal.timeout(answerMs);
  const target = search === "" ? path : `${path}?${search}`;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = { "content-length": Buffer.byteLength(body) };
  const outgoing = httpRequest({ socketPath, method, path: target, headers, signal }, (incoming) => {
    const parts: Buffer[] = [];
    let length = 0;
    incoming.on("data", (part: Buffer) => {
      length += part.length;
      if (length > mostAnswerBytes) incoming.destroy(new Error("its answer is too long"));
      else parts.push(part);
    });
    incoming.on("end", () => resolve(Buffer.concat(parts).toString("utf8")));
    incoming.on("error", reject);
  });
  outgoing.on("error", reject);
  outgoing.end(body);
  return promise;
}

function answerOf(value: unknown): AgentAnswer {
  if (!isObject(value)) return { kind: "unanswered", message: "The agent's answer cannot be read" };
  // An agent of another version may leave the warnings out.
  const warnings = "warnings" in value && Array.isArray(value.warnings) ? (value.warnings as readonly Warning[]) : [];
  if ("violations" in value && Array.isArray(value.violations)) {
    const code = "code" in value ? String(value.code) : "";
    return { kind: "refused", code, violations: value.violations as readonly Violation[], warnings };
  }
  const { message, pod } = value as { readonly message?: unknown; readonly pod?: PodId };
  return { kind: "done", message: String(message), warnings, pod: pod ?? null };
}

function whyUnanswered(path: string, { code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return `The agent is not running: nothing answers at ${path}. Start it: systemctl start edge`;
    case "EACCES":
    case "EPERM":
      return noRightSentence(path, { verb: "use", joinable: true });
    default:
      return `The agent at ${path} did not answer: ${message}. See its log: journalctl -u edge`;
  }
}
