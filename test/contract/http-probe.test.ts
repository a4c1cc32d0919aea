import assert from "node:assert/strict";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeCertificates } from "../../scripts/certificates.ts";
import { httpProbe } from "../../src/linux/http-probe.ts";
import type { HttpAnswer, HttpProbe } from "../../src/ports/http.ts";
import { fakeHttp } from "../fakes/http.ts";

const http = httpProbe();
const closing: (() => unknown)[] = [];
const seen: string[] = [];
let port = 0;

/** What each path answers with. */
const paths: Readonly<Record<string, (response: Parameters<RequestListener>[1]) => void>> = {
  "/ok": (response) => response.writeHead(200).end("fine"),
  "/no-content": (response) => response.writeHead(204).end(),
  "/bad": (response) => response.writeHead(500).end(),
  "/missing": (response) => response.writeHead(404).end(),
  "/to-ok": (response) => response.writeHead(302, { Location: "/ok" }).end(),
  "/to-bad": (response) => response.writeHead(301, { Location: "/bad" }).end(),
  "/to-elsewhere": (response) => response.writeHead(302, { Location: "http://192.0.2.1/ok" }).end(),
  "/to-port": (response) => response.writeHead(302, { Location: "http://127.0.0.1:1/ok" }).end(),
  "/to-tls": (response) => response.writeHead(302, { Location: `https://127.0.0.1:${port}/ok` }).end(),
  "/to-name": (response) => response.writeHead(302, { Location: `http://user:word@127.0.0.1:${port}/ok` }).end(),
  "/to-nowhere": (response) => response.writeHead(302).end(),
  "/9-times": (response) => response.writeHead(302, { Location: "/8-times" }).end(),
  ...Object.fromEntries(
    [8, 7, 6, 5, 4, 3, 2].map((left) => [
      `/${left}-times`,
      (response: Parameters<RequestListener>[1]) => response.writeHead(302, { Location: `/${left - 1}-times` }).end(),
    ]),
  ),
  "/1-times": (response) => response.writeHead(302, { Location: "/ok" }).end(),
  "/10-times": (response) => response.writeHead(302, { Location: "/9-times" }).end(),
  "/round": (response) => response.writeHead(307, { Location: "/round" }).end(),
  "/huge": (response) => {
    response.writeHead(200);
    const more = (): void => {
      while (!response.destroyed && response.write("x".repeat(65_536)));
    };
    response.on("drain", more);
    more();
  },
  "/broken": (response) => {
    response.writeHead(200, { "Content-Length": "1000" });
    response.write("half");
    setTimeout(() => response.destroy(), 20);
  },
  "/stuck": (response) => void response.writeHead(200).write("and then nothing"),
  "/silent": () => undefined,
};

async function listening(server: Server | ReturnType<typeof createTcpServer>, host = "127.0.0.1"): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

const get = (path: string, options: { readonly ms?: number; readonly host?: string; readonly port?: number } = {}) =>
  http.get(
    { scheme: "HTTP", host: options.host ?? "127.0.0.1", port: options.port ?? port, path },
    AbortSignal.timeout(options.ms ?? 30_000),
  );

function fake(): HttpProbe {
  const clock = {
    wall: () => 0,
    mono: () => 0,
    bootId: () => "boot",
    sleep: (ms: number, signal?: AbortSignal) =>
      sleep(Math.min(ms, 60_000), undefined, { signal: signal as never }).catch(() => undefined),
  };
  const { http: inMemory, behave } = fakeHttp(clock);
  behave(({ port: asked, path }) => {
    if (asked !== port) return null;
    return path === "/silent" ? "hangs" : { answer: { ok: true, status: path === "/bad" ? 500 : 200 }, afterMs: 5 };
  });
  return inMemory;
}

for (const [kind, open] of [
  ["in memory", fake],
  ["sockets", httpProbe],
] as const) {
  test(`HttpProbe: ${kind}: reports an answer, no listener, and a timeout`, async () => {
    const server = createHttpServer((request, response) => paths[request.url ?? ""]?.(response));
    const its = await listening(server);
    port = its;
    const probe = open();
    const ask = (path: string, at = its) =>
      probe.get({ scheme: "HTTP", host: "127.0.0.1", port: at, path }, AbortSignal.timeout(500));
    assert.deepEqual(await ask("/ok"), { ok: true, status: 200 });
    assert.deepEqual(await ask("/bad"), { ok: true, status: 500 });
    const refused = await ask("/ok", 1);
    assert.ok(!refused.ok && refused.message.includes("ECONNREFUSED"), JSON.stringify(refused));
    assert.equal((await ask("/silent")).ok, false);
    server.closeAllConnections();
    server.close();
  });
}

describe("HttpProbe: sockets", () => {
  before(async () => {
    const server = createHttpServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers["user-agent"]} ${request.headers.connection}`);
      (paths[request.url ?? ""] ?? (() => response.writeHead(404).end()))(response);
    });
    port = await listening(server);
    closing.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
  });
  after(() => {
    for (const close of closing) close();
  });

  const answers: readonly (readonly [string, HttpAnswer])[] = [
    ["/ok", { ok: true, status: 200 }],
    ["/no-content", { ok: true, status: 204 }],
    ["/bad", { ok: true, status: 500 }],
    ["/missing", { ok: true, status: 404 }],
    ["/to-ok", { ok: true, status: 200 }],
    ["/to-bad", { ok: true, status: 500 }],
    ["/to-elsewhere", { ok: true, status: 302 }],
    ["/to-port", { ok: true, status: 302 }],
    ["/to-tls", { ok: true, status: 302 }],
    ["/to-name", { ok: true, status: 302 }],
    ["/to-nowhere", { ok: true, status: 302 }],
    ["/9-times", { ok: true, status: 200 }],
    ["/10-times", { ok: false, message: "Stopped after 10 redirects" }],
    ["/round", { ok: false, message: "Stopped after 10 redirects" }],
    ["/huge", { ok: true, status: 200 }],
    ["/broken", { ok: false, message: "The body of the answer with status 200 broke off", isCutOff: true }],
  ];
  for (const [path, answer] of answers) {
    test(`GET ${path} comes to ${JSON.stringify(answer)}`, async () => assert.deepEqual(await get(path), answer));
  }

  test("HttpProbe sends its User-Agent and keeps no connection", () => {
    assert.ok(seen.includes("GET /ok kube-probe/1.0 (edge) close"), seen.join("\n"));
  });

  test("HttpProbe stops on its signal, before the response head and after it", async () => {
    const silent = await get("/silent", { ms: 200 });
    assert.ok(!silent.ok && silent.isCutOff === undefined, JSON.stringify(silent));
    const message = "The body of the answer with status 200 broke off";
    assert.deepEqual(await get("/stuck", { ms: 200 }), { ok: false, message, isCutOff: true });
  });

  test("HttpProbe reports no answer if nothing listens or the port does not speak HTTP", async () => {
    const mute = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.resume().end("this is no HTTP\r\n\r\n");
    });
    const mutePort = await listening(mute);
    assert.equal((await get("/ok", { port: mutePort })).ok, false);
    await new Promise((resolve) => mute.close(resolve));
    const refused = await get("/ok", { port: mutePort });
    assert.ok(!refused.ok && refused.message.includes("ECONNREFUSED"), JSON.stringify(refused));
  });

  test("HttpProbe accepts a certificate that no authority signed", async () => {
    const { center, forget } = makeCertificates();
    forget();
    const server = createHttpsServer(center, (_, response) => response.writeHead(200).end());
    const tlsPort = await listening(server);
    closing.push(() => server.close());
    const request = { scheme: "HTTPS", host: "127.0.0.1", port: tlsPort, path: "/ok" } as const;
    assert.deepEqual(await http.get(request, AbortSignal.timeout(30_000)), { ok: true, status: 200 });
    const plain = await get("/ok", { port: tlsPort });
    assert.equal(plain.ok, false);
  });

  test("HttpProbe connects to IPv6 addresses", async () => {
    const server = createHttpServer((_, response) => response.writeHead(200).end());
    const port6 = await listening(server, "::1");
    closing.push(() => server.close());
    assert.deepEqual(await get("/ok", { host: "::1", port: port6 }), { ok: true, status: 200 });
  });
});
