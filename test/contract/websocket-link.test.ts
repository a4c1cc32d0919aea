import assert from "node:assert/strict";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { describe, it } from "node:test";
import { WebSocketServer } from "ws";
import { noCredentials } from "../../src/websocket/credentials.ts";
import { websocketLink } from "../../src/websocket/link.ts";
import { connect, dialFails, hash, listening, optionsFor, rawPeer, realPeer, until } from "./link-peers.ts";

describe("websocketLink()", () => {
  it("accepts a message of 1 MiB and closes with 1009 on a longer one", async (t) => {
    const peer = await realPeer(t);
    const heard = await connect(peer);
    peer.deliver("x".repeat(1_048_576));
    await until(() => heard.messages.length === 1, "a message of 1 MiB");
    peer.deliver("x".repeat(1_048_577));
    await until(() => heard.closed.length === 1, "the end");
    assert.equal(heard.closed[0]?.code, 1009);
    assert.deepEqual(heard.calls, ["message", "closed"]);
  });

  it("rejects a message over the limit by its announced length, before its data arrives", async (t) => {
    // A text frame of 2 GiB by its header; not a byte of it follows.
    const { link } = await rawPeer(t, "817f0000000080000000");
    const heard = await connect({ link });
    await until(() => heard.closed.length === 1, "the end");
    assert.equal(heard.closed[0]?.code, 1009);
  });

  it("compresses messages in order if configured, and closes on a message that decompresses over the limit", async (t) => {
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

  it("sends uncompressed to a center without compression", async (t) => {
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

  it("neither offers nor accepts compression by default", async (t) => {
    // A text frame that says it is compressed (RSV1).
    const { link, request } = await rawPeer(t, "c10161");
    const heard = await connect({ link });
    await until(() => heard.closed.length === 1, "the end");
    assert.equal(heard.closed[0]?.code, 1002);
    assert.deepEqual(heard.messages, []);
    assert.doesNotMatch(request(), /sec-websocket-extensions/i);
  });

  it("delivers messages that arrive with the upgrade response after the connection", async (t) => {
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

  it("returns an error code for each way in which a dial fails", async (t) => {
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

  it("stops waiting for a peer that accepts the connection and sends nothing", async (t) => {
    const port = await listening(
      t,
      createTcp((socket) => socket.on("error", () => {})),
    );
    const error = await dialFails(websocketLink({ ...optionsFor(port), handshakeTimeoutMs: 100 }));
    assert.equal(error.code, "timeout");
  });

  it("distinguishes rejected credentials from other refusals, and reads a date in Retry-After", async (t) => {
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
