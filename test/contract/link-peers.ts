import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcp, type Socket, type Server as TcpServer } from "node:net";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type WebSocket, WebSocketServer } from "ws";
import type { LinkError } from "../../src/core/protocol/link-error.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Connection, Link } from "../../src/ports/link.ts";
import { boundedCompression } from "../../src/websocket/compression.ts";
import { noCredentials } from "../../src/websocket/credentials.ts";
import { type LinkOptions, websocketLink } from "../../src/websocket/link.ts";
import { fakeLink } from "../fakes/link.ts";

/** The other end, held by the test. */
interface Peer {
  readonly link: Link;
  received(): readonly string[];
  deliver(text: string): void;
  /** Without a code: as a network that goes away. */
  cut(code?: number, reason?: string): void;
  autoPong(on: boolean): void;
  pong(payload: string): void;
  /** From now on nothing is read and nothing answered. */
  freeze(): void;
  refuse(): void;
  hang(): void;
  /** From now on connections are asked for history. */
  askHistory(): void;
}

const hour = 3_600_000;
const never = new AbortController().signal;

const realClock: Clock = {
  wall: () => Date.now(),
  mono: () => performance.now(),
  bootId: () => "boot",
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => undefined),
};

export async function fakePeer(): Promise<Peer> {
  const { link, center } = fakeLink(realClock);
  return {
    link,
    received: center.received,
    deliver: center.deliver,
    cut: center.cut,
    autoPong: center.autoPong,
    pong: center.pong,
    freeze: () => center.stall("toCenter"),
    refuse: () =>
      center.answerDials({ code: "refused", message: "The center answered 503", status: 503, retryAfterSeconds: 7 }),
    hang: () => center.answerDials("hang"),
    askHistory: () => center.askHistory(true),
  };
}

interface RealPeer extends Peer {
  readonly http: Server;
  /** What has come over the newest connection, as it was on the line. */
  bytesRead(): number;
}

export async function realPeer(t: TestContext, change: Partial<LinkOptions> = {}): Promise<RealPeer> {
  const http = createServer();
  const perMessageDeflate = change.compression ? boundedCompression : false;
  const server = new WebSocketServer({ noServer: true, autoPong: false, maxPayload: 1 << 24, perMessageDeflate });
  const received: string[] = [];
  let answer: "open" | "refuse" | "hang" = "open";
  let pongs = true;
  let peer: WebSocket | undefined;
  const raw: Socket[] = [];
  http.on("connection", (socket) => raw.push(socket));
  http.on("upgrade", (request, socket, head) => {
    if (answer === "hang") return;
    if (answer === "refuse") {
      socket.end("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    server.handleUpgrade(request, socket, head, (client) => {
      peer = client;
      client.on("error", () => {});
      client.on("message", (data) => received.push(String(data)));
      client.on("ping", (payload) => pongs && client.pong(payload));
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  t.after(async () => {
    for (const socket of raw) socket.destroy();
    http.close();
  });
  const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/websocket/n/events`;
  const link = websocketLink({
    url,
    headers: {},
    credentials: () => noCredentials,
    handshakeTimeoutMs: hour,
    maxPayload: 1_048_576,
    ...change,
  });
  return {
    http,
    link,
    bytesRead: () => raw.at(-1)?.bytesRead ?? 0,
    received: () => received,
    deliver: (text) => peer?.send(text),
    cut: (code, reason) => (code === undefined ? raw.at(-1)?.resetAndDestroy() : peer?.close(code, reason)),
    autoPong(on) {
      pongs = on;
    },
    pong: (payload) => peer?.pong(payload),
    freeze: () => peer?.pause(),
    refuse() {
      answer = "refuse";
    },
    hang() {
      answer = "hang";
    },
    askHistory: () => void server.on("headers", (headers) => headers.push("Edge-History: 1")),
  };
}

interface Heard {
  readonly connection: Connection;
  readonly messages: string[];
  readonly pongs: string[];
  readonly closed: { code: number; reason: string }[];
  /** Everything, in order. */
  readonly calls: string[];
}

export async function connect({ link }: { readonly link: Link }): Promise<Heard> {
  const heard = {
    messages: [] as string[],
    pongs: [] as string[],
    closed: [] as Heard["closed"],
    calls: [] as string[],
  };
  const result = await link.dial(
    {
      message(text) {
        heard.messages.push(text);
        heard.calls.push("message");
      },
      pong(payload) {
        heard.pongs.push(payload);
        heard.calls.push("pong");
      },
      closed(why) {
        heard.closed.push({ ...why });
        heard.calls.push("closed");
      },
    },
    never,
  );
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(heard.calls, [], "nothing is handed over before the connection is");
  return { ...heard, connection: result.connection };
}

export async function dialFails(link: Link, signal: AbortSignal = never): Promise<LinkError> {
  const unheard = () => assert.fail("A handler was called without a connection");
  const result = await link.dial({ message: unheard, pong: unheard, closed: unheard }, signal);
  if (result.ok) assert.fail("The dial should have failed");
  return result.error;
}

export async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, `Waited in vain for ${what}`);
    await sleep(5);
  }
}

export function optionsFor(port: number): LinkOptions {
  return {
    url: `ws://127.0.0.1:${port}/`,
    headers: {},
    credentials: () => noCredentials,
    handshakeTimeoutMs: hour,
    maxPayload: 1_048_576,
  };
}

export async function listening(t: TestContext, server: TcpServer): Promise<number> {
  const sockets: Socket[] = [];
  server.on("connection", (socket) => sockets.push(socket));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Takes the connection and sends these bytes behind the answer to the upgrade, in a chunk of their own. */
export async function rawPeer(t: TestContext, hex: string): Promise<{ readonly link: Link; request(): string }> {
  let asked = "";
  const server = createTcp((socket) => {
    socket.on("error", () => {});
    socket.once("data", async (request) => {
      asked = String(request);
      const key = /Sec-WebSocket-Key: (.*)\r\n/i.exec(asked)?.[1];
      const accept = hash(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      await sleep(50);
      socket.write(Buffer.from(hex, "hex"));
    });
  });
  return { link: websocketLink(optionsFor(await listening(t, server))), request: () => asked };
}

export function hash(text: string): string {
  return createHash("sha1").update(text).digest("base64");
}
