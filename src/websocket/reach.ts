import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { LinkError } from "../core/protocol/link-error.ts";
import type { LoadedCredentials } from "./credentials.ts";
import { answerError, dialError } from "./errors.ts";

export interface ReachOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serverName: string | null;
  readonly credentials: LoadedCredentials;
}

export type Reached =
  /** `wall` is the center's own clock, null where its answer has no date. */
  { readonly ok: true; readonly wall: number | null } | { readonly ok: false; readonly error: LinkError };

/**
 * Whether the center answers this device at all: name, network, TLS of both sides and password, by a plain HTTP request
 * to the address of the link. It asks for no WebSocket: a second one under this name could cost a running agent its own.
 */
export function reachCenter(options: ReachOptions, signal: AbortSignal): Promise<Reached> {
  const { tls, authorization, problem, certificates } = options.credentials;
  if (problem !== null) return Promise.resolve({ ok: false, error: { code: "credentials", message: problem } });
  const isSecure = options.url.startsWith("wss:");
  const url = options.url.replace(/^ws/, "http");
  const { serverName } = options;
  const request = {
    agent: false,
    method: "HEAD",
    signal,
    rejectUnauthorized: true,
    minVersion: "TLSv1.2" as const,
    ...tls,
    headers: { ...options.headers, ...(authorization !== null && { authorization }), connection: "close" },
    ...(serverName !== null && { servername: serverName }),
  };
  const about = { tls: isSecure, wall: Date.now(), certificates };
  return new Promise((resolve) => {
    const fail = (error: unknown): void => {
      const late: LinkError = { code: "timeout", message: "No answer in time" };
      resolve({ ok: false, error: signal.aborted ? late : dialError(error, about) });
    };
    const answered = (answer: IncomingMessage): void => {
      answer.on("error", () => {});
      answer.resume();
      const { statusCode, headers } = answer;
      const error = answerError(statusCode, headers);
      const wall = Date.parse(headers.date ?? "");
      resolve(
        error.code === "credentials" ? { ok: false, error } : { ok: true, wall: Number.isNaN(wall) ? null : wall },
      );
    };
    try {
      const sent = isSecure ? requestHttps(url, request, answered) : requestHttp(url, request, answered);
      sent.on("error", fail);
      sent.end();
    } catch (error) {
      // A header that cannot be.
      fail(error);
    }
  });
}
