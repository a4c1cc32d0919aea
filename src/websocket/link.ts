import type { IncomingMessage } from "node:http";
import WebSocket, { type ClientOptions } from "ws";
import { historyHeader } from "../core/protocol/history.ts";
import type { Connection, DialResult, Link, LinkError, LinkHandlers } from "../ports/link.ts";
import { openConnection } from "./connection.ts";
import { answerError, dialError } from "./errors.ts";

export interface LinkOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For all of it: name, connection, TLS and upgrade. */
  readonly handshakeTimeoutMs: number;
  /** Bytes of the largest message taken; a larger one closes the connection with 1009. */
  readonly maxPayload: number;
  /** Read anew at each dial, so that it may be a getter that looks at the files again. */
  readonly tls?: LinkTls | undefined;
}

/** PEM texts. */
export interface LinkTls {
  /** Whose certificates are believed; the system's authorities when absent. */
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  /** The name the centre's certificate must carry, where it is not the one in the address. */
  readonly serverName?: string | undefined;
}

/** How long a peer may take to answer a close. */
const closeTimeoutMs = 1_500;

/** The link to the centre over WebSocket. */
export function websocketLink(options: LinkOptions): Link {
  return { dial: (handlers, signal) => dial(options, handlers, signal) };
}

function dial(options: LinkOptions, handlers: LinkHandlers, signal: AbortSignal): Promise<DialResult> {
  if (signal.aborted) return Promise.resolve({ ok: false, error: givenUp });
  const tls = options.url.startsWith("wss:");
  let socket: WebSocket;
  try {
    socket = new WebSocket(options.url, clientOptions(options));
  } catch (error) {
    // An address or a header that cannot be, or keys that cannot be read.
    return Promise.resolve({ ok: false, error: dialError(error, { tls }) });
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
  const answered = (_: unknown, answer: IncomingMessage): void => fail(answerError(answer.statusCode, answer.headers));
  const failed = (error: Error): void => fail(dialError(error, { tls }));
  let asksHistory = false;
  const upgraded = ({ headers }: IncomingMessage): void => {
    asksHistory = headers[historyHeader.name] === historyHeader.value;
  };
  const opened = (): void => {
    const connection: Connection = openConnection(socket, handlers, { asksHistory });
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

function clientOptions({ headers, maxPayload, tls }: LinkOptions): ClientOptions {
  // Not in the types of ws yet.
  const closing: object = { closeTimeout: closeTimeoutMs };
  return {
    headers: { ...headers },
    maxPayload,
    // Compression costs memory for each connection, and lets a small message be a large one.
    perMessageDeflate: false,
    followRedirects: false,
    ...(tls && {
      ...(tls.ca !== undefined && { ca: tls.ca }),
      ...(tls.cert !== undefined && { cert: tls.cert }),
      ...(tls.key !== undefined && { key: tls.key }),
      ...(tls.serverName !== undefined && { servername: tls.serverName }),
    }),
    ...closing,
  };
}
