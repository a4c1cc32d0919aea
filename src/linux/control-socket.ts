import { chmodSync, chownSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { maxMessageBytes } from "../core/protocol/limits.ts";
import type { ControlRequest, ControlResponse, ControlSocket } from "../ports/control.ts";

export interface ControlSocketOptions {
  /** Its folder exists. What stands there is replaced. */
  readonly path: string;
  /** If this folder is shared with its group (mode 0750, as `edge install` makes it), the socket is, too. */
  readonly sharedLike: string;
  /** For a request from its first byte to its last, and for a response that nobody reads; 10 s if absent. */
  readonly timeoutMs?: number;
}

/** A client that holds more connections than this keeps others out, for as long as one may take. */
const mostConnections = 32;
const usualTimeoutMs = 10_000;
const mostHeaderBytes = 8_192;

/** HTTP with JSON on a unix socket: for its owner, and for the group of the data folder if that is shared. */
export function controlSocket(options: ControlSocketOptions): ControlSocket {
  return {
    async serve(handle, signal) {
      const failed = Promise.withResolvers<never>();
      const server = serverFor(handle, failed.reject, options.timeoutMs ?? usualTimeoutMs);
      server.on("error", failed.reject);
      const closed = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      try {
        await Promise.race([listen(server, options), failed.promise]);
        if (!signal.aborted) await Promise.race([closed, failed.promise]);
      } finally {
        server.close();
        server.closeAllConnections();
        rmSync(options.path, { force: true });
      }
    },
  };
}

/** Nobody can connect before it has its mode: it is made in a folder of its own, and then moved to its place. */
async function listen(server: Server, { path, sharedLike }: ControlSocketOptions): Promise<void> {
  const folder = mkdtempSync(join(dirname(path), ".sock-"));
  try {
    const first = join(folder, "s");
    await new Promise<void>((resolve) => server.listen(first, resolve));
    const { mode, uid, gid } = statSync(sharedLike);
    const isShared = (mode & 0o777) === 0o750;
    if (isShared && statSync(first).gid !== gid) chownSync(first, uid, gid);
    chmodSync(first, isShared ? 0o660 : 0o600);
    renameSync(first, path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Handle = (request: ControlRequest) => ControlResponse;

/** @param onBug hears what `handle` throws: nothing that a client sends should make it do that */
function serverFor(handle: Handle, onBug: (error: unknown) => void, timeoutMs: number): Server {
  const options = { maxHeaderSize: mostHeaderBytes, connectionsCheckingInterval: 1_000 };
  const server = createServer(options, (incoming, response) => {
    respond(incoming, response, handle, onBug).catch(() => response.destroy());
  });
  server.maxConnections = mostConnections;
  server.requestTimeout = timeoutMs;
  server.headersTimeout = timeoutMs;
  server.setTimeout(timeoutMs, (socket) => socket.destroy());
  return server;
}

async function respond(
  incoming: IncomingMessage,
  response: ServerResponse,
  handle: Handle,
  onBug: (error: unknown) => void,
): Promise<void> {
  const body = await readBody(incoming);
  const { status, body: answer } = body === null ? tooLarge : answerTo(incoming, body, handle, onBug);
  const text = `${JSON.stringify(answer)}\n`;
  // One request a connection: an idle one would hold a place.
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    connection: "close",
  });
  response.end(text);
}

function answerTo(
  { method = "", url = "/" }: IncomingMessage,
  body: string,
  handle: Handle,
  onBug: (error: unknown) => void,
): ControlResponse {
  const { pathname, searchParams } = new URL(url, "http://edge");
  try {
    return handle({ method, path: pathname, query: new Map(searchParams), body });
  } catch (error) {
    onBug(error);
    return bug;
  }
}

const bug = apiError(500, "internal", "the agent failed on this because of a bug; its log has the details");
const tooLarge = apiError(413, "tooLarge", `the body is over ${maxMessageBytes} bytes`);

function apiError(status: number, code: string, message: string): ControlResponse {
  return { status, body: { code, violations: [{ path: "", rule: `api.${code}`, message, value: null }] } };
}

/** Null when it is longer than a message may be: the rest is not read. */
async function readBody(incoming: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxMessageBytes) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
