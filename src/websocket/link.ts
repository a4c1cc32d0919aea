// websocket: the link port on WebSocket.

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import WebSocket, { type ClientOptions } from "ws";
import { historyHeader } from "../core/protocol/event-history.ts";
import type { LinkError } from "../core/protocol/link-error.ts";
import type { Connection, DialResult, Link, LinkHandlers } from "../ports/link.ts";
import { boundedCompression } from "./compression.ts";
import { openConnection } from "./connection.ts";
import type { LoadedCredentials } from "./credentials.ts";
import { answerError, dialError } from "./errors.ts";
import { proxyFor } from "./proxy.ts";
import { openTunnel, tlsThrough } from "./tunnel.ts";

export interface LinkOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For all of it: name, connection, TLS and upgrade. */
  readonly handshakeTimeoutMs: number;
  /** Bytes of the largest message taken; a larger one closes the connection with 1009. */
  readonly maxPayload: number;
  /** The name the center's certificate must carry, where it is not the one in the address. */
  readonly serverName?: string | undefined;
  /** Offers to compress messages; off unless it is asked for, since it takes memory and time. */
  readonly compression?: boolean;
  /** `center.proxy`; without it the environment says which, if any. */
  readonly proxy?: string | null;
  /** Read anew at each dial. */
  readonly credentials: () => LoadedCredentials;
}

/** How long a peer may take to answer a close. */
const closeTimeoutMs = 1_500;

/** The link to the center over WebSocket. */
export function websocketLink(options: LinkOptions): Link {
  return {
    dial: (handlers, signal) => dial(options, handlers, signal),
    credentials() {
      const { version, problem, certificates } = options.credentials();
      return { version, problem, certificates };
    },
  };
}

async function dial(options: LinkOptions, handlers: LinkHandlers, signal: AbortSignal): Promise<DialResult> {
  if (signal.aborted) return { ok: false, error: givenUp };
  const credentials = options.credentials();
  const { problem, proxyAuthorization } = credentials;
  if (problem !== null) return { ok: false, error: { code: "credentials", message: problem } };
  const found = proxyFor(options.url, options.proxy ?? null);
  if (!found.ok) return found;
  const late = AbortSignal.timeout(options.handshakeTimeoutMs);
  if (found.proxy === null) return upgrade({ options, credentials, tunnel: null, late }, handlers, signal);
  const wanted = { proxy: found.proxy, authorization: proxyAuthorization, url: options.url };
  const opened = await openTunnel(wanted, AbortSignal.any([signal, late]));
  if (signal.aborted) return { ok: false, error: givenUp };
  if (!opened.ok) return opened;
  return upgrade({ options, credentials, tunnel: opened.stream, late }, handlers, signal);
}

interface Dialling {
  readonly options: LinkOptions;
  readonly credentials: LoadedCredentials;
  /** Through a proxy, to the center; null without one. */
  readonly tunnel: Socket | null;
  /** Ends the dial. */
  readonly late: AbortSignal;
}

function upgrade(
  { options, credentials, tunnel, late }: Dialling,
  handlers: LinkHandlers,
  signal: AbortSignal,
): Promise<DialResult> {
  const about = { tls: options.url.startsWith("wss:"), wall: Date.now(), certificates: credentials.certificates };
  const inner = { url: options.url, tls: credentials.tls, serverName: options.serverName ?? null };
  let socket: WebSocket;
  try {
    socket = new WebSocket(options.url, {
      ...clientOptions(options, credentials),
      ...(tunnel !== null && { createConnection: tlsThrough(tunnel, inner) }),
    });
  } catch (error) {
    tunnel?.destroy();
    // An address or a header that cannot be.
    return Promise.resolve({ ok: false, error: dialError(error, about) });
  }
  const { promise, resolve } = Promise.withResolvers<DialResult>();
  const settle = (result: DialResult): void => {
    late.removeEventListener("abort", expire);
    signal.removeEventListener("abort", abort);
    socket.off("unexpected-response", answered);
    socket.off("open", opened);
    socket.off("error", failed);
    resolve(result);
  };
  const fail = (error: LinkError): void => {
    settle({ ok: false, error });
    // Ending a socket that never opened is an error to ws, once more.
    socket.on("error", () => {});
    socket.terminate();
    tunnel?.destroy();
  };
  const abort = (): void => fail(givenUp);
  let stream: Socket | null = null;
  let asksHistory = false;
  const upgraded = (answer: IncomingMessage): void => {
    stream = answer.socket;
    asksHistory = answer.headers[historyHeader.name] === historyHeader.value;
  };
  const answered = (_: unknown, answer: IncomingMessage): void => fail(answerError(answer.statusCode, answer.headers));
  const failed = (error: Error): void => fail(dialError(error, about));
  const opened = (): void => {
    const connection: Connection = openConnection(socket, handlers, { asksHistory, stream });
    settle({ ok: true, connection });
  };
  const expire = (): void => fail({ code: "timeout", message: `No connection after ${options.handshakeTimeoutMs} ms` });
  late.addEventListener("abort", expire, { once: true });
  signal.addEventListener("abort", abort, { once: true });
  socket.on("unexpected-response", answered);
  socket.once("upgrade", upgraded);
  socket.on("open", opened);
  socket.on("error", failed);
  return promise;
}

const givenUp: LinkError = { code: "aborted", message: "The dial was canceled" };

function clientOptions(
  { headers, maxPayload, serverName, compression = false }: LinkOptions,
  credentials: LoadedCredentials,
): ClientOptions {
  const { authorization, tls } = credentials;
  // Not in the types of ws yet.
  const closing: object = { closeTimeout: closeTimeoutMs };
  return {
    headers: { ...headers, ...(authorization !== null && { authorization }) },
    maxPayload,
    perMessageDeflate: compression ? boundedCompression : false,
    followRedirects: false,
    minVersion: "TLSv1.2",
    // Said outright: NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would turn it off else.
    rejectUnauthorized: true,
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    ...(serverName !== undefined && { servername: serverName }),
    ...closing,
  };
}
