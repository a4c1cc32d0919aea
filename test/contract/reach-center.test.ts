import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createSocketServer, type Socket } from "node:net";
import { after, describe, it, type TestContext } from "node:test";
import { makeCertificates } from "../../scripts/certificates.ts";
import { listen } from "../../src/center/server.ts";
import { type LoadedCredentials, noCredentials } from "../../src/websocket/credentials.ts";
import { type Reached, reachCenter } from "../../src/websocket/reach.ts";

const ours = makeCertificates();
const others = makeCertificates();
after(() => {
  ours.forget();
  others.forget();
});

function reach(url: string, credentials: Partial<LoadedCredentials> = {}, signal = AbortSignal.timeout(60_000)) {
  const asked = {
    url,
    headers: { "x-site": "7" },
    serverName: null,
    proxy: null,
    credentials: { ...noCredentials, ...credentials },
  };
  return reachCenter(asked, signal);
}

function codeOf(reached: Reached): string {
  return reached.ok ? "ok" : reached.error.code;
}

async function plain(t: TestContext, answer: RequestListener): Promise<string> {
  const http = createServer(answer);
  http.listen(0, "127.0.0.1");
  t.after(() => http.close());
  await once(http, "listening");
  return `ws://127.0.0.1:${(http.address() as AddressInfo).port}/websocket/edge-1/events`;
}

describe("reachCenter()", () => {
  it("reaches the center over TLS, reports its clock, and does not replace the agent's connection", async (t) => {
    const connected: string[] = [];
    const handlers = { connected: (node: string) => connected.push(node), message() {}, disconnected() {} };
    const server = await listen({ host: "127.0.0.1", port: 0, tls: { ca: ours.ca, ...ours.center } }, handlers);
    t.after(server.close);
    const url = `wss://127.0.0.1:${server.port}/websocket/edge-1/events`;
    const reached = await reach(url, { tls: { ca: ours.ca, ...ours.node } });
    assert.ok(reached.ok, JSON.stringify(reached));
    assert.ok(reached.wall !== null && Math.abs(reached.wall - Date.now()) < 600_000);
    assert.deepEqual(connected, []);
    assert.equal(codeOf(await reach(url, { tls: { ca: others.ca, ...ours.node } })), "tls");
    assert.notEqual(codeOf(await reach(url, { tls: { ca: ours.ca } })), "ok", "without a certificate of its own");
    assert.notEqual(codeOf(await reach(url, { tls: { ca: ours.ca, ...others.node } })), "ok", "with a foreign one");
  });

  it("sends headers and password, and reports if they are rejected", async (t) => {
    const asked: IncomingHttpHeaders[] = [];
    const url = await plain(t, ({ headers }, answer) => {
      asked.push(headers);
      answer.writeHead(headers.authorization === "Basic YTpi" ? 426 : 401).end();
    });
    assert.equal(codeOf(await reach(url, { authorization: "Basic YTpi" })), "ok");
    assert.equal(codeOf(await reach(url)), "credentials");
    assert.deepEqual([asked[0]?.["x-site"], asked[0]?.upgrade], ["7", undefined]);
  });

  it("reports unusable files before it connects", async () => {
    const reached = await reach("ws://127.0.0.1:1/", { problem: "ENOENT: /ca.pem" });
    assert.deepEqual(reached, { ok: false, error: { code: "credentials", message: "ENOENT: /ca.pem" } });
  });

  it("reports that nothing listens, and that a host name is unknown", async () => {
    assert.equal(codeOf(await reach("ws://127.0.0.1:1/")), "unreachable");
    assert.equal(codeOf(await reach("ws://nobody.invalid/")), "unreachable");
  });

  it("stops at its deadline if the center accepts the connection and sends nothing", async (t) => {
    const sockets: Socket[] = [];
    const silent = createSocketServer((socket) => sockets.push(socket.on("error", () => {})));
    silent.listen(0, "127.0.0.1");
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    await once(silent, "listening");
    const url = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    assert.equal(codeOf(await reach(url, {}, AbortSignal.timeout(200))), "timeout");
  });
});
