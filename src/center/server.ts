// center: a central node for development and tests.

import { createServer as createHttp, type IncomingMessage, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import WebSocket, { WebSocketServer } from "ws";
import { historyHeader } from "../core/protocol/event-history.ts";
import { boundedCompression } from "../websocket/compression.ts";
import { type Behaviour, type Misdeed, misbehave, readSlowly, refusal } from "./behaviour.ts";

export interface ServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** PEM texts; with them only clients that show a certificate of this CA get in. */
  readonly tls?: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** Asks devices for the history of their pods. */
  readonly history?: boolean;
}

export interface ServerHandlers {
  connected(node: string): void;
  message(node: string, text: string): void;
  disconnected(node: string, why: { readonly code: number; readonly reason: string }): void;
}

export interface LinkServer {
  readonly port: number;
  /** False when no such node is connected, or it does not read. */
  send(node: string, text: string): boolean;
  /** Ends the connection of a node; false when there is none. */
  disconnect(node: string): boolean;
  /** Treats everybody like this from now on; connections that stand are taken as they are, but for `noPong`. */
  behave(behaviour: Behaviour): void;
  /** Does this to a node; false when it is not connected. */
  misbehave(node: string, misdeed: Misdeed): boolean;
  close(): Promise<void>;
}

/** Status reports of many pods in one message. 128 containers with as much environment as they may have are 19 MB of them. */
const maxPayload = 33_554_432;
const maxNodes = 1_024;
const maxBufferedBytes = 16_777_216;
const pingPeriodMs = 15_000;

interface Client {
  readonly socket: WebSocket;
  readonly stream: Duplex;
  /** Since the last ping anything has come: a pong may stand behind a long backlog. */
  heard: boolean;
}

/** Serves any number of nodes; a node that connects again takes the place of its older connection. */
export async function listen(options: ServerOptions, handlers: ServerHandlers): Promise<LinkServer> {
  const clients = new Map<string, Client>();
  /** Connections whose upgrade is never answered. */
  const silent = new Set<Duplex>();
  let behaviour: Behaviour = { how: "well" };
  const http = serverFor(options);
  // A node that offers none gets none.
  const limits = { maxPayload, perMessageDeflate: boundedCompression, clientTracking: false, autoPong: false };
  const sockets = new WebSocketServer({ noServer: true, ...limits });
  sockets.on("headers", (headers) => {
    if (options.history === true) headers.push(`${historyHeader.name}: ${historyHeader.value}`);
  });
  http.on("request", (_, answer) => answer.writeHead(426, { connection: "close" }).end("This is a WebSocket\n"));
  http.on("upgrade", (request, stream, head) => {
    stream.on("error", () => stream.destroy());
    const node = nodeOf(request);
    if (behaviour.how === "silent") {
      silent.add(stream);
      stream.on("close", () => silent.delete(stream));
      return;
    }
    if (behaviour.how === "refuse") {
      stream.end(refusal(behaviour.status, behaviour.retryAfterSeconds));
      return;
    }
    const isFull = node !== null && !clients.has(node) && clients.size >= maxNodes;
    if (node === null || isFull) {
      stream.end(isFull ? refusal(503, 30) : refusal(404, null));
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
      socket.on("ping", (payload) => {
        if (behaviour.how !== "noPong" && socket.readyState === WebSocket.OPEN) socket.pong(payload);
      });
      if (behaviour.how === "slow") readSlowly(socket, stream);
      serve(clients, node, { socket, stream, heard: true }, handlers);
    });
  });
  http.listen(options.port, options.host);
  await new Promise<void>((resolve, reject) => {
    http.once("listening", resolve);
    http.once("error", reject);
  });
  const pings = setInterval(() => pingAll(clients), pingPeriodMs);
  return {
    port: (http.address() as AddressInfo).port,
    send(node, text) {
      const socket = clients.get(node)?.socket;
      if (socket?.readyState !== WebSocket.OPEN || socket.bufferedAmount > maxBufferedBytes) return false;
      socket.send(text);
      return true;
    },
    disconnect(node) {
      const client = clients.get(node);
      client?.socket.close(1001, "Asked to");
      return client !== undefined;
    },
    behave(next) {
      behaviour = next;
    },
    misbehave(node, misdeed) {
      const client = clients.get(node);
      if (client !== undefined) misbehave(client.socket, client.stream, misdeed);
      return client !== undefined;
    },
    async close() {
      clearInterval(pings);
      const connected = [...clients.values()];
      // What a terminated connection had read already is nobody's business any more.
      clients.clear();
      for (const { socket } of connected) socket.terminate();
      for (const stream of silent) stream.destroy();
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      http.closeAllConnections();
      await closed;
    },
  };
}

function serverFor({ tls }: ServerOptions): Server {
  if (tls === undefined) return createHttp();
  return createHttps({ ...tls, minVersion: "TLSv1.2", requestCert: true, rejectUnauthorized: true });
}

function serve(clients: Map<string, Client>, node: string, client: Client, handlers: ServerHandlers): void {
  const { socket } = client;
  const before = clients.get(node);
  clients.set(node, client);
  // A device that lost its network comes back before its old connection is known to be dead.
  before?.socket.terminate();
  socket.on("pong", () => {
    client.heard = true;
  });
  socket.on("error", () => {
    // "close" follows and says it.
  });
  socket.on("message", (data, isBinary) => {
    // Of a connection whose place was taken nothing counts: it was not confirmed, and comes again on the new one.
    if (clients.get(node) !== client) return;
    client.heard = true;
    if (isBinary) socket.close(1003, "Only text messages are understood");
    else handlers.message(node, String(data));
  });
  socket.on("close", (code, reason) => {
    if (clients.get(node) !== client) return;
    clients.delete(node);
    handlers.disconnected(node, { code, reason: String(reason) });
  });
  handlers.connected(node);
}

function pingAll(clients: ReadonlyMap<string, Client>): void {
  for (const client of clients.values()) {
    if (!client.heard) client.socket.terminate();
    client.heard = false;
    client.socket.ping();
  }
}

/** From `/websocket/<node>/events`, else from the header that KubeEdge's devices send. */
function nodeOf(request: IncomingMessage): string | null {
  const path = new URL(request.url ?? "/", "http://center").pathname;
  const named = /^\/websocket\/([A-Za-z0-9._-]{1,253})\/events\/?$/.exec(path)?.[1] ?? request.headers["node_id"];
  return typeof named === "string" && /^[A-Za-z0-9._-]{1,253}$/.test(named) ? named : null;
}
