import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { connect as connectTcp, createServer as createTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it, type TestContext } from "node:test";
import { makeCertificates } from "../../scripts/certificates.ts";
import { listen } from "../../src/center/server.ts";
import { linkTodo } from "../../src/core/protocol/link-advice.ts";
import type { LinkError } from "../../src/core/protocol/link-error.ts";
import { credentialReader, type LoadedCredentials, noCredentials } from "../../src/websocket/credentials.ts";
import { websocketLink } from "../../src/websocket/link.ts";
import { reachCenter } from "../../src/websocket/reach.ts";
import { listening } from "./link-peers.ts";

const ours = makeCertificates();
const others = makeCertificates();
const folder = mkdtempSync(join(tmpdir(), "edge-proxy-"));
const variables = ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"] as const;
const before = variables.map((name) => [name, process.env[name]] as const);
for (const name of variables) delete process.env[name];
afterEach(() => {
  for (const name of variables) delete process.env[name];
});
after(() => {
  for (const [name, value] of before) if (value !== undefined) process.env[name] = value;
  ours.forget();
  others.forget();
  rmSync(folder, { recursive: true });
});

const login = "edge-1:hunter2";
const withPassword = { "proxy-authorization": `Basic ${Buffer.from(login).toString("base64")}` };
const trusted = { ...noCredentials, tls: { ca: ours.ca, ...ours.node } };

/** A CONNECT proxy on loopback, which takes every name for this machine; `answer` is what it says instead of 200. */
async function proxyOn(
  t: TestContext,
  { password = false, answer }: { readonly password?: boolean; readonly answer?: number } = {},
) {
  const targets: string[] = [];
  const http = createHttp();
  http.on("connect", (request, client: Socket) => {
    client.on("error", () => {});
    targets.push(request.url ?? "");
    const isRight = request.headers["proxy-authorization"] === withPassword["proxy-authorization"];
    const status = answer ?? (password && !isRight ? 407 : 200);
    if (status !== 200) return void client.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    const center = connectTcp(Number(request.url?.split(":").at(-1)), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      center.pipe(client).pipe(center);
    });
    center.on("error", () => client.destroy());
    client.on("close", () => center.destroy());
  });
  return { port: await listening(t, http), targets };
}

async function centerOn(t: TestContext): Promise<number> {
  const handlers = { connected() {}, message() {}, disconnected() {} };
  const server = await listen({ host: "127.0.0.1", port: 0, tls: { ca: ours.ca, ...ours.center } }, handlers);
  t.after(server.close);
  return server.port;
}

interface Dialled {
  readonly url: string;
  readonly proxy: string | null;
  readonly credentials?: LoadedCredentials;
  readonly handshakeTimeoutMs?: number;
}

async function dial({ url, proxy, credentials = trusted, handshakeTimeoutMs = 60_000 }: Dialled, signal = never) {
  const link = websocketLink({
    url,
    headers: {},
    proxy,
    credentials: () => credentials,
    handshakeTimeoutMs,
    maxPayload: 1_024,
  });
  const nothing = () => {};
  const result = await link.dial({ message: nothing, pong: nothing, closed: nothing }, signal);
  if (result.ok) result.connection.close(1000, "");
  return result;
}

const never = new AbortController().signal;

async function refused(dialled: Dialled, signal = never): Promise<LinkError> {
  const result = await dial(dialled, signal);
  assert.ok(!result.ok, "The dial should have failed");
  return result.error;
}

const urlOf = (port: number, host = "127.0.0.1") => `wss://${host}:${port}/websocket/edge-1/events`;

describe("websocketLink() through a proxy", () => {
  it("connects through the proxy of the configuration, and the center is asked by its own name", async (t) => {
    const [port, proxy] = [await centerOn(t), await proxyOn(t)];
    const result = await dial({ url: urlOf(port, "center.test"), proxy: `http://127.0.0.1:${proxy.port}` });
    assert.ok(result.ok, JSON.stringify(result));
    assert.deepEqual(proxy.targets, [`center.test:${port}`]);
  });

  it("checks the certificate for the center's address and not for the proxy's name", async (t) => {
    const [port, proxy] = [await centerOn(t), await proxyOn(t)];
    const named = `http://localhost:${proxy.port}`;
    const right = await dial({ url: urlOf(port), proxy: named });
    assert.ok(right.ok, JSON.stringify(right));
    assert.equal((await refused({ url: urlOf(port, "127.0.0.2"), proxy: named })).code, "tls");
    assert.equal((await refused({ url: urlOf(port, "other.test"), proxy: named })).code, "tls");
    const foreign = { ...noCredentials, tls: { ca: others.ca, ...ours.node } };
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    t.after(() => delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"]);
    assert.equal((await refused({ url: urlOf(port), proxy: named, credentials: foreign })).code, "tls");
  });

  it("sends user and password from the file, and names the file if the proxy rejects them", async (t) => {
    const [port, proxy] = [await centerOn(t), await proxyOn(t, { password: true })];
    const address = `http://127.0.0.1:${proxy.port}`;
    const file = join(folder, "auth");
    const read = credentialReader({ ca: null, cert: null, key: null, auth: null, proxyAuth: file });
    writeFileSync(file, `${login}\n`, { mode: 0o644 });
    assert.match(read().problem ?? "", /auth is open to others \(mode 644\) and holds a password/);
    rmSync(file);
    writeFileSync(file, `${login}\n`, { mode: 0o600 });
    const { proxyAuthorization, authorization } = read();
    assert.equal(authorization, null, "the center is not told the proxy's password");
    const right = await dial({ url: urlOf(port), proxy: address, credentials: { ...trusted, proxyAuthorization } });
    assert.ok(right.ok, JSON.stringify(right));
    const error = await refused({ url: urlOf(port), proxy: address });
    assert.deepEqual(error, {
      code: "credentials",
      message: `The proxy 127.0.0.1:${proxy.port} requires a user and password that it accepts (407)`,
    });
    assert.match(linkTodo(error), /center\.proxyAuth\.file/);
  });

  it("reports a proxy that refuses, is gone or speaks something else, each with what to do", async (t) => {
    const url = urlOf(1, "center.test");
    const proxy = `127.0.0.1:${(await proxyOn(t, { answer: 403 })).port}`;
    const denied = await refused({ url, proxy: `http://${proxy}` });
    assert.equal(denied.code, "refused");
    assert.equal(denied.message, `The proxy ${proxy} opened no tunnel to center.test:1: it answered 403`);
    assert.match(linkTodo(denied), /Ask the operator of the proxy/);

    const gone = await refused({ url, proxy: "http://127.0.0.1:1" });
    assert.equal(gone.code, "unreachable");
    assert.match(gone.message, /^The proxy 127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/);
    assert.match(linkTodo({ message: gone.message }), /^Check center\.proxy, or HTTPS_PROXY/);

    const answers = [
      ["SSH-2.0-OpenSSH_9.9\r\n", "protocol", /does not speak HTTP/],
      [`HTTP/1.1 200 OK\r\nx: ${"y".repeat(1 << 20)}\r\n\r\n`, "protocol", /does not speak HTTP: .*[Oo]verflow/],
      ["HTTP/1.1 200 OK\r\n\r\nhello", "protocol", /sent data before this device did/],
      ["", "unreachable", /closed the connection without an answer/],
    ] as const;
    for (const [text, code, words] of answers) {
      const server = createTcp((socket) => {
        socket.on("error", () => {});
        socket.once("data", () => void socket.end(text));
      });
      const error = await refused({ url, proxy: `http://127.0.0.1:${await listening(t, server)}` });
      assert.match(error.message, words);
      assert.equal(error.code, code);
    }
  });

  it("gives up on a silent proxy at the deadline and when it is told to, and closes the connection", async (t) => {
    const [sockets, taken] = [[] as Socket[], Promise.withResolvers<void>()];
    const silent = createTcp((socket) => {
      sockets.push(socket.on("error", () => {}).resume());
      taken.resolve();
    });
    const dialled = { url: urlOf(1), proxy: `http://127.0.0.1:${await listening(t, silent)}` };
    const stop = new AbortController();
    const stopped = refused(dialled, stop.signal);
    await taken.promise;
    const [first] = sockets;
    const closed = first === undefined ? assert.fail("no connection") : once(first, "close");
    stop.abort();
    assert.equal((await stopped).code, "aborted");
    await closed;
    const late = await refused({ ...dialled, handshakeTimeoutMs: 100 });
    assert.equal(late.code, "timeout");
    assert.match(late.message, /^The proxy \S+ did not answer in time$/);
  });

  it("takes the proxy from the environment in both cases of letters, except for what NO_PROXY names", async (t) => {
    const [port, proxy] = [await centerOn(t), await proxyOn(t)];
    const dialled = { url: urlOf(port, "center.test"), proxy: null };
    for (const name of ["HTTPS_PROXY", "https_proxy"] as const) {
      process.env[name] = `http://127.0.0.1:${proxy.port}`;
      const result = await dial(dialled);
      assert.ok(result.ok, JSON.stringify(result));
      delete process.env[name];
    }
    assert.equal(proxy.targets.length, 2);
    process.env["HTTPS_PROXY"] = `http://127.0.0.1:${proxy.port}`;
    for (const name of ["NO_PROXY", "no_proxy"] as const) {
      process.env[name] = "other.example,.test";
      assert.match((await refused(dialled)).message, /center\.test/, "it is looked up by the device itself");
      delete process.env[name];
    }
    const loopback = await dial({ url: urlOf(port), proxy: null });
    assert.ok(loopback.ok, JSON.stringify(loopback));
    assert.equal(proxy.targets.length, 2, "what is on this device is dialled without it");
  });

  it("refuses a password in the environment's address and does not print it", async () => {
    for (const address of ["http://edge-1:hunter2@127.0.0.1:1", "https://127.0.0.1:1", "socks5://127.0.0.1:1"]) {
      process.env["HTTPS_PROXY"] = address;
      const error = await refused({ url: urlOf(1, "center.test"), proxy: null });
      assert.match(error.message, /^The proxy in the environment \(HTTPS_PROXY\) is ".*"; expected http:\/\/HOST:PORT/);
      assert.doesNotMatch(error.message, /hunter2/);
    }
  });

  it("sends nothing of a ws:// center to a proxy", async (t) => {
    const proxy = await proxyOn(t);
    const http = createHttp((_, answer) => void answer.writeHead(404).end());
    const port = await listening(t, http);
    const error = await refused({ url: `ws://127.0.0.1:${port}/`, proxy: `http://127.0.0.1:${proxy.port}` });
    assert.equal(error.message, "The center answered 404");
    assert.deepEqual(proxy.targets, []);
  });
});

describe("reachCenter() through a proxy", () => {
  it("goes the way of the link and reports the same faults", async (t) => {
    const [port, proxy] = [await centerOn(t), await proxyOn(t, { password: true })];
    const asked = {
      url: urlOf(port, "center.test"),
      headers: {},
      serverName: null,
      proxy: `http://127.0.0.1:${proxy.port}`,
    };
    const signal = () => AbortSignal.timeout(60_000);
    const right = { ...trusted, proxyAuthorization: withPassword["proxy-authorization"] };
    const reached = await reachCenter({ ...asked, credentials: right }, signal());
    assert.ok(reached.ok, JSON.stringify(reached));
    const denied = await reachCenter({ ...asked, credentials: trusted }, signal());
    assert.match(denied.ok ? "" : denied.error.message, /requires a user and password/);
    const foreign = { ...right, tls: { ca: others.ca, ...ours.node } };
    const unknown = await reachCenter({ ...asked, credentials: foreign }, signal());
    assert.equal(unknown.ok ? "ok" : unknown.error.code, "tls");
    const gone = await reachCenter({ ...asked, proxy: "http://127.0.0.1:1", credentials: right }, signal());
    assert.match(gone.ok ? "" : gone.error.message, /^The proxy 127\.0\.0\.1:1 cannot be reached/);
  });
});
