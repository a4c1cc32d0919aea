import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { DialResult } from "../../src/ports/link.ts";
import { dialError } from "../../src/websocket/errors.ts";
import { type LinkTls, websocketLink } from "../../src/websocket/link.ts";
import { listen } from "../../src/websocket/server.ts";
import { makeCertificates } from "./certificates.ts";

const ours = makeCertificates();
const others = makeCertificates();

async function dial(t: TestContext, tls: LinkTls, host = "127.0.0.1"): Promise<DialResult> {
  const nothing = () => {};
  const handlers = { connected: nothing, message: nothing, disconnected: nothing };
  const server = await listen({ host: "127.0.0.1", port: 0, tls: { ca: ours.ca, ...ours.center } }, handlers);
  t.after(server.close);
  const url = `wss://${host}:${server.port}/websocket/edge-1/events`;
  const link = websocketLink({ url, headers: {}, handshakeTimeoutMs: 20_000, maxPayload: 1_024, tls });
  return link.dial({ message: nothing, pong: nothing, closed: nothing }, new AbortController().signal);
}

function codeOf(result: DialResult): string {
  return result.ok ? "connected" : result.error.code;
}

describe("websocketLink() with TLS", () => {
  it("connects where both ends trust the same authority", async (t) => {
    const result = await dial(t, { ca: ours.ca, ...ours.node });
    assert.ok(result.ok, JSON.stringify(result));
    assert.equal(result.connection.send("x"), true);
    result.connection.close(1000, "");
  });

  it("goes by the server name where one is given", async (t) => {
    const named = { ca: ours.ca, ...ours.node };
    const right = await dial(t, { ...named, serverName: "center.test" });
    assert.equal(codeOf(right), "connected");
    if (right.ok) right.connection.close(1000, "");
    assert.equal(codeOf(await dial(t, { ...named, serverName: "other.test" })), "tls");
  });

  it("refuses a centre of another authority, and one that does not carry its name", async (t) => {
    assert.equal(codeOf(await dial(t, { ca: others.ca, ...ours.node })), "tls");
    assert.equal(codeOf(await dial(t, { ca: ours.ca, ...ours.node }, "localhost")), "tls");
  });

  it("says that the centre wants a certificate", async (t) => {
    assert.equal(codeOf(await dial(t, { ca: ours.ca })), "credentials");
  });

  it("hints at the certificate when the centre only hangs up, as Node's server does on one of another authority", async (t) => {
    const result = await dial(t, { ca: ours.ca, ...others.node });
    assert.equal(codeOf(result), "unreachable");
    assert.match(result.ok ? "" : result.error.message, /may not accept this device's certificate/);
  });

  it("knows the alerts of servers that send them, in the code or in the words", () => {
    for (const [code, message] of [
      ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "tlsv1 alert unknown ca"],
      ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", "ssl/tls alert bad certificate"],
      ["EPROTO", "write EPROTO 40:error:0A000416:SSL routines:ssl3_read_bytes:ssl/tls alert certificate unknown"],
    ] as const) {
      assert.equal(dialError(Object.assign(new Error(message), { code }), { tls: true }).code, "credentials", code);
    }
  });

  it("says that a key does not fit its certificate", async (t) => {
    assert.equal(codeOf(await dial(t, { ca: ours.ca, cert: ours.node.cert, key: others.node.key })), "credentials");
  });
});
