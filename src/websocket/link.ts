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

function dial(options: LinkOptions, handlers: LinkHandlers, signal: AbortSignal): Promise<DialResult> {
  if (signal.aborted) return Promise.resolve({ ok: false, error: givenUp });
  const credentials = options.credentials();
  const { problem } = credentials;
  if (problem !== null) return Promise.resolve({ ok: false, error: { code: "credentials", message: problem } });
  const about = { tls: options.url.startsWith("wss:"), wall: Date.now(), certificates: credentials.certificates };
  let socket: WebSocket;
  try {
    socket = new WebSocket(options.url, clientOptions(options, credentials));
  } catch (error) {
    // An address or a header that cannot be.
    return Promise.resolve({ ok: false, error: dialError(error, about) });
  }
  const { promise, resolve } = Promise.withResolvers<DialResult>();
  const settle = (result: DialResult): void => {
    clearTimeout(deadline);
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
  const late: LinkError = { code: "timeout", message: `No connection after ${options.handshakeTimeoutMs} ms` };
  const deadline = setTimeout(() => fail(late), options.handshakeTimeoutMs);
  signal.addEventListener("abort", abort, { once: true });
  socket.on("unexpected-response", answered);
  socket.once("upgrade", upgraded);
  socket.on("open", opened);
  socket.on("error", failed);
  return promise;
}

const givenUp: LinkError = { code: "aborted", message: "Dialling was given up" };

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
