import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcp, type Socket, type Server as TcpServer } from "node:net";
import { describe, it, type TestContext } from "node:test";
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

async function fakePeer(): Promise<Peer> {
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

async function realPeer(t: TestContext, change: Partial<LinkOptions> = {}): Promise<RealPeer> {
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

async function connect({ link }: { readonly link: Link }): Promise<Heard> {
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

async function dialFails(link: Link, signal: AbortSignal = never): Promise<LinkError> {
  const unheard = () => assert.fail("A handler was called without a connection");
  const result = await link.dial({ message: unheard, pong: unheard, closed: unheard }, signal);
  if (result.ok) assert.fail("The dial should have failed");
  return result.error;
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, `Waited in vain for ${what}`);
    await sleep(5);
  }
}

for (const [name, open] of [
  ["in memory", fakePeer],
  ["on WebSocket", realPeer],
] as const) {
  describe(`a link ${name}`, () => {
    it("carries messages both ways, in order", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      const texts = Array.from({ length: 200 }, (_, i) => `${i} ü`);
      for (const text of texts) {
        assert.equal(heard.connection.send(text), true);
        peer.deliver(text);
      }
      await until(() => heard.messages.length === 200 && peer.received().length === 200, "200 messages each way");
      assert.deepEqual(heard.messages, texts);
      assert.deepEqual(peer.received(), texts);
      heard.connection.close(1000, "");
    });

    it("says whether the center asked for history", async (t) => {
      const peer = await open(t);
      const before = await connect(peer);
      assert.equal(before.connection.asksHistory, false);
      before.connection.close(1000, "");
      await until(() => before.closed.length === 1, "the end");
      peer.askHistory();
      const after = await connect(peer);
      assert.equal(after.connection.asksHistory, true);
      after.connection.close(1000, "");
    });

    it("brings the payload of a ping back, when the peer answers pings", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      heard.connection.ping("1");
      await until(() => heard.pongs.length === 1, "a pong");
      peer.autoPong(false);
      heard.connection.ping("2");
      heard.connection.send("after");
      await until(() => peer.received().length === 1, "what was sent after the ping");
      peer.pong("9");
      await until(() => heard.pongs.length === 2, "a pong by hand");
      assert.deepEqual(heard.pongs, ["1", "9"]);
      heard.connection.close(1000, "");
    });

    it("says once that the network went away, and takes nothing more", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      peer.cut();
      await until(() => heard.closed.length === 1, "the end");
      assert.equal(heard.closed[0]?.code, 1006);
      assert.equal(heard.connection.send("x"), false);
      heard.connection.ping("x");
      heard.connection.pause();
      heard.connection.resume();
      heard.connection.close(1000, "");
      await sleep(50);
      assert.deepEqual(heard.calls, ["closed"]);
    });

    it("tells the code and reason of a peer that closes, after its last message", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      peer.deliver("last");
      peer.cut(1012, "Restart");
      await until(() => heard.closed.length === 1, "the end");
      assert.deepEqual(heard.calls, ["message", "closed"]);
      assert.deepEqual(heard.closed, [{ code: 1012, reason: "Restart" }]);
    });

    it("closes, and dials again", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      heard.connection.close(1000, "Bye");
      assert.equal(heard.connection.send("x"), false);
      await until(() => heard.closed.length === 1, "the end");
      assert.deepEqual(heard.closed, [{ code: 1000, reason: "Bye" }]);
      const again = await connect(peer);
      again.connection.send("again");
      await until(() => peer.received().includes("again"), "the second connection");
      again.connection.close(1000, "");
    });

    it("hands over nothing but the end once it closes", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      heard.connection.pause();
      peer.deliver("too late");
      await sleep(20);
      heard.connection.close(1000, "");
      await until(() => heard.closed.length === 1, "the end");
      assert.deepEqual(heard.calls, ["closed"]);
    });

    it("closes in time against a peer that never answers", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      peer.freeze();
      heard.connection.close(1000, "");
      await until(() => heard.closed.length === 1, "the end");
      assert.equal(heard.closed[0]?.code, 1006);
    });

    it("hands over nothing while paused, and all of it afterwards", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      peer.deliver("0");
      await until(() => heard.messages.length === 1, "the first message");
      heard.connection.pause();
      for (let i = 1; i <= 20; i += 1) peer.deliver(String(i));
      await sleep(100);
      assert.deepEqual(heard.messages, ["0"]);
      assert.equal(heard.connection.send("still sends"), true);
      await until(() => peer.received().length === 1, "what was sent while paused");
      heard.connection.resume();
      await until(() => heard.messages.length === 21, "the rest");
      assert.equal(heard.messages.at(-1), "20");
      heard.connection.close(1000, "");
    });

    it("counts what a peer does not take", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      assert.equal(heard.connection.bufferedBytes(), 0);
      peer.freeze();
      for (let i = 0; i < 64; i += 1) heard.connection.send("x".repeat(262_144));
      await sleep(50);
      assert.ok(heard.connection.bufferedBytes() > 262_144, String(heard.connection.bufferedBytes()));
      heard.connection.close(1000, "");
      await until(() => heard.closed.length === 1, "the end");
    });

    it("lets a newer connection stand beside an older one, each with its own end", async (t) => {
      const peer = await open(t);
      const older = await connect(peer);
      const newer = await connect(peer);
      peer.deliver("to the newer one");
      older.connection.send("from the older one");
      newer.connection.send("from the newer one");
      await until(() => newer.messages.length === 1 && peer.received().length === 2, "messages on both");
      older.connection.close(1000, "");
      await until(() => older.closed.length === 1, "the end of the older one");
      assert.deepEqual([older.messages, newer.closed], [[], []]);
      newer.connection.close(1000, "");
    });

    it("counts what has left and what has come", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      const before = heard.connection.movedBytes();
      heard.connection.send("x".repeat(5_000));
      peer.deliver("y".repeat(3_000));
      await until(() => heard.connection.movedBytes().left >= before.left + 5_000, "what has left");
      await until(() => heard.connection.movedBytes().read >= before.read + 3_000, "what has come");
      heard.connection.close(1000, "");
    });

    it("says that it was refused, and for how long to wait", async (t) => {
      const peer = await open(t);
      peer.refuse();
      const error = await dialFails(peer.link);
      assert.deepEqual(error, {
        code: "refused",
        message: "The center answered 503",
        status: 503,
        retryAfterSeconds: 7,
      });
    });

    it("gives up dialling when told to", async (t) => {
      const peer = await open(t);
      peer.hang();
      const dialler = new AbortController();
      const failed = dialFails(peer.link, dialler.signal);
      await sleep(20);
      dialler.abort();
      assert.equal((await failed).code, "aborted");
      assert.equal((await dialFails(peer.link, dialler.signal)).code, "aborted");
    });

    it("leaves an open connection alone when the dial's signal aborts", async (t) => {
      const peer = await open(t);
      const dialler = new AbortController();
      const closed: unknown[] = [];
      const nothing = () => {};
      const handlers = { message: nothing, pong: nothing, closed: (why: unknown) => closed.push(why) };
      const result = await peer.link.dial(handlers, dialler.signal);
      assert.ok(result.ok);
      dialler.abort();
      assert.equal(result.connection.send("x"), true);
      await until(() => peer.received().length === 1, "the message");
      assert.deepEqual(closed, []);
      result.connection.close(1000, "");
    });
  });
}

describe("websocketLink()", () => {
  it("takes a message of the limit and closes with 1009 over it", async (t) => {
    const peer = await realPeer(t);
    const heard = await connect(peer);
    peer.deliver("x".repeat(1_048_576));
    await until(() => heard.messages.length === 1, "a message of 1 MiB");
    peer.deliver("x".repeat(1_048_577));
    await until(() => heard.closed.length === 1, "the end");
    assert.equal(heard.closed[0]?.code, 1009);
    assert.deepEqual(heard.calls, ["message", "closed"]);
  });

  it("refuses a message over the limit by its length alone, before any of it has come", async (t) => {
    // A text frame of 2 GiB by its header; not a byte of it follows.
    const { link } = await rawPeer(t, "817f0000000080000000");
    const heard = await connect({ link });
    await until(() => heard.closed.length === 1, "the end");
    assert.equal(heard.closed[0]?.code, 1009);
  });

  it("compresses where it is asked to, in order, and a message that grows beyond the limit ends it", async (t) => {
    const peer = await realPeer(t, { compression: true });
    const heard = await connect(peer);
    const texts = ["short", "x".repeat(200_000), "also short", "y".repeat(1_000_000)];
    for (const text of texts) heard.connection.send(text);
    await until(() => peer.received().length === texts.length, "all of them");
    assert.deepEqual(peer.received(), texts);
    assert.ok(peer.bytesRead() < 50_000, `${peer.bytesRead()} bytes came for 1,200,000`);
    peer.deliver("x".repeat(1_048_576));
    await until(() => heard.messages.length === 1, "a message of 1 MiB");
    peer.deliver("x".repeat(1_048_577));
    await until(() => heard.closed.length === 1, "the end");
    assert.equal(heard.closed[0]?.code, 1009);
  });

  it("sends as it is what a center that knows no compression gets", async (t) => {
    const peer = await realPeer(t);
    const link = websocketLink({ ...optionsFor((peer.http.address() as AddressInfo).port), compression: true });
    const heard = await connect({ link });
    const text = "x".repeat(100_000);
    heard.connection.send(text);
    await until(() => peer.received().length === 1, "the message");
    assert.deepEqual(peer.received(), [text]);
    assert.ok(peer.bytesRead() > text.length);
    heard.connection.close(1000, "");
  });

  it("offers no compression, and takes none", async (t) => {
    // A text frame that says it is compressed (RSV1).
    const { link, request } = await rawPeer(t, "c10161");
    const heard = await connect({ link });
    await until(() => heard.closed.length === 1, "the end");
    assert.equal(heard.closed[0]?.code, 1002);
    assert.deepEqual(heard.messages, []);
    assert.doesNotMatch(request(), /sec-websocket-extensions/i);
  });

  it("hands over what came in one chunk with the upgrade only after the connection", async (t) => {
    const early = createTcp((socket) => {
      socket.on("error", () => {});
      socket.once("data", (request) => {
        const key = /Sec-WebSocket-Key: (.*)\r\n/i.exec(String(request))?.[1];
        const accept = hash(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
        const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
        // A text frame "a", a text frame "b" and a close frame with 1000.
        socket.write(Buffer.concat([Buffer.from(head), Buffer.from("810161810162880203e8", "hex")]));
      });
    });
    const heard = await connect({ link: websocketLink(optionsFor(await listening(t, early))) });
    await until(() => heard.closed.length === 1, "the end");
    assert.deepEqual(heard.calls, ["message", "message", "closed"]);
    assert.equal(heard.closed[0]?.code, 1000);
  });

  it("closes with 1003 on a binary message", async (t) => {
    const { link, http } = await realPeer(t);
    const server = new WebSocketServer({ noServer: true });
    let code = 0;
    http.removeAllListeners("upgrade");
    http.on("upgrade", (request, socket, head) =>
      server.handleUpgrade(request, socket, head, (client) => {
        client.on("close", (closed) => {
          code = closed;
        });
        client.send(Buffer.from([1, 2]));
      }),
    );
    const heard = await connect({ link });
    await until(() => heard.closed.length === 1 && code !== 0, "the end");
    assert.equal(heard.closed[0]?.code, 1003);
    assert.equal(code, 1003);
    assert.deepEqual(heard.calls, ["closed"]);
  });

  it("sorts what can go wrong while dialling", async (t) => {
    const closedPort = createTcp();
    const port = await listening(t, closedPort);
    await new Promise((resolve) => closedPort.close(resolve));
    assert.equal((await dialFails(websocketLink(optionsFor(port)))).code, "unreachable");
    const resets = await listening(
      t,
      createTcp((socket) => socket.resetAndDestroy()),
    );
    assert.equal((await dialFails(websocketLink(optionsFor(resets)))).code, "unreachable");
    const noHttp = await listening(
      t,
      createTcp((socket) => socket.on("error", () => {}).end("SSH-2.0-x\r\n\r\n")),
    );
    assert.equal((await dialFails(websocketLink(optionsFor(noHttp)))).code, "protocol");
    const noTls = websocketLink({ ...optionsFor(noHttp), url: `wss://127.0.0.1:${noHttp}/` });
    assert.equal((await dialFails(noTls)).code, "tls");
    assert.equal((await dialFails(websocketLink({ ...optionsFor(port), url: "not an address" }))).code, "protocol");
    const badFiles = { ...noCredentials, problem: "They cannot be read" };
    const noKeys = websocketLink({ ...optionsFor(port), credentials: () => badFiles });
    assert.deepEqual(await dialFails(noKeys), { code: "credentials", message: "They cannot be read" });
  });

  it("gives up on a peer that takes the connection and says nothing", async (t) => {
    const port = await listening(
      t,
      createTcp((socket) => socket.on("error", () => {})),
    );
    const error = await dialFails(websocketLink({ ...optionsFor(port), handshakeTimeoutMs: 100 }));
    assert.equal(error.code, "timeout");
  });

  it("tells refused credentials from other refusals, and reads a date to wait for", async (t) => {
    const answers = [
      "401 Unauthorized",
      "302 Found\r\nLocation: /x",
      "503 Busy\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nRetry-After: Thu, 01 Jan 1970 00:00:09 GMT",
    ];
    const port = await listening(
      t,
      createTcp((socket) => {
        socket.on("error", () => {});
        socket.once("data", () => socket.end(`HTTP/1.1 ${answers.shift()}\r\nContent-Length: 0\r\n\r\n`));
      }),
    );
    const link = websocketLink(optionsFor(port));
    assert.deepEqual(await dialFails(link), { code: "credentials", message: "The center answered 401", status: 401 });
    assert.deepEqual(await dialFails(link), { code: "refused", message: "The center answered 302", status: 302 });
    assert.equal((await dialFails(link)).retryAfterSeconds, 9);
  });
});

function optionsFor(port: number): LinkOptions {
  return {
    url: `ws://127.0.0.1:${port}/`,
    headers: {},
    credentials: () => noCredentials,
    handshakeTimeoutMs: hour,
    maxPayload: 1_048_576,
  };
}

async function listening(t: TestContext, server: TcpServer): Promise<number> {
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
async function rawPeer(t: TestContext, hex: string): Promise<{ readonly link: Link; request(): string }> {
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

function hash(text: string): string {
  return createHash("sha1").update(text).digest("base64");
}
