import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import type { LinkError } from "../core/protocol/link-error.ts";
import type { LoadedCredentials } from "./credentials.ts";
import { answerError, dialError } from "./errors.ts";
import { proxyFor } from "./proxy.ts";
import { openTunnel, tlsThrough } from "./tunnel.ts";

export interface ReachOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serverName: string | null;
  /** `center.proxy`; without it the environment says which, if any. */
  readonly proxy: string | null;
  readonly credentials: LoadedCredentials;
}

export type Reached =
  /** `wall` is the center's own clock, null where its answer has no date. */
  { readonly ok: true; readonly wall: number | null } | { readonly ok: false; readonly error: LinkError };

/**
 * Whether the center answers this device at all: name, network, TLS of both sides and password, by a plain HTTP request
 * to the address of the link. It asks for no WebSocket: a second one under this name could cost a running agent its own.
 */
export async function reachCenter(options: ReachOptions, signal: AbortSignal): Promise<Reached> {
  const { problem, proxyAuthorization } = options.credentials;
  if (problem !== null) return { ok: false, error: { code: "credentials", message: problem } };
  const found = proxyFor(options.url, options.proxy);
  if (!found.ok) return found;
  if (found.proxy === null) return ask(options, null, signal);
  const wanted = { proxy: found.proxy, authorization: proxyAuthorization, url: options.url };
  const opened = await openTunnel(wanted, signal);
  if (!opened.ok) return opened;
  const reached = await ask(options, opened.stream, signal);
  opened.stream.destroy();
  return reached;
}

/** `tunnel` leads through a proxy to the center; null without one. */
function ask(options: ReachOptions, tunnel: Socket | null, signal: AbortSignal): Promise<Reached> {
  const { tls, authorization, certificates } = options.credentials;
  const isSecure = options.url.startsWith("wss:");
  const url = options.url.replace(/^ws/, "http");
  const { serverName } = options;
  const inner = { url: options.url, tls, serverName };
  const request = {
    // With an agent Node asks no createConnection.
    ...(tunnel === null ? { agent: false } : { createConnection: tlsThrough(tunnel, inner) }),
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
