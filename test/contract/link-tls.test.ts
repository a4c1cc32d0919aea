import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import { makeCertificates } from "../../scripts/certificates.ts";
import { listen } from "../../src/center/server.ts";
import type { DialResult } from "../../src/ports/link.ts";
import { credentialReader, type LinkTls, noCredentials } from "../../src/websocket/credentials.ts";
import { dialError } from "../../src/websocket/errors.ts";
import { websocketLink } from "../../src/websocket/link.ts";

const ours = makeCertificates();
const others = makeCertificates();
after(() => {
  ours.forget();
  others.forget();
});

async function dial(
  t: TestContext,
  { serverName, ...tls }: LinkTls & { readonly serverName?: string },
  host = "127.0.0.1",
): Promise<DialResult> {
  const nothing = () => {};
  const handlers = { connected: nothing, message: nothing, disconnected: nothing };
  const server = await listen({ host: "127.0.0.1", port: 0, tls: { ca: ours.ca, ...ours.center } }, handlers);
  t.after(server.close);
  const url = `wss://${host}:${server.port}/websocket/edge-1/events`;
  const credentials = () => ({ ...noCredentials, tls });
  const link = websocketLink({
    url,
    headers: {},
    handshakeTimeoutMs: 20_000,
    maxPayload: 1_024,
    serverName,
    credentials,
  });
  return link.dial({ message: nothing, pong: nothing, closed: nothing }, new AbortController().signal);
}

function codeOf(result: DialResult): string {
  return result.ok ? "connected" : result.error.code;
}

describe("websocketLink() with TLS", () => {
  it("connects if both ends trust the same authority", async (t) => {
    const result = await dial(t, { ca: ours.ca, ...ours.node });
    assert.ok(result.ok, JSON.stringify(result));
    assert.equal(result.connection.send("x"), true);
    result.connection.close(1000, "");
  });

  it("checks the certificate against the configured server name", async (t) => {
    const named = { ca: ours.ca, ...ours.node };
    const right = await dial(t, { ...named, serverName: "center.test" });
    assert.equal(codeOf(right), "connected");
    if (right.ok) right.connection.close(1000, "");
    assert.equal(codeOf(await dial(t, { ...named, serverName: "other.test" })), "tls");
  });

  it("rejects a center of another authority and a center whose certificate has another name", async (t) => {
    assert.equal(codeOf(await dial(t, { ca: others.ca, ...ours.node })), "tls");
    assert.equal(codeOf(await dial(t, { ca: ours.ca, ...ours.node }, "localhost")), "tls");
  });

  it("rejects such a center even if the environment turns verification off", async (t) => {
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    t.after(() => delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"]);
    assert.equal(codeOf(await dial(t, { ca: others.ca, ...ours.node })), "tls");
  });

  it("rejects a key file that everybody may read", (t) => {
    const dir = mkdtempSync(join(tmpdir(), "edge-key-"));
    t.after(() => rmSync(dir, { recursive: true }));
    const [cert, key] = [join(dir, "node.pem"), join(dir, "node.key")];
    writeFileSync(cert, ours.node.cert);
    writeFileSync(key, ours.node.key, { mode: 0o600 });
    const problem = () => credentialReader({ ca: null, cert, key, auth: null })().problem;
    assert.equal(problem(), null);
    chmodSync(key, 0o644);
    assert.match(problem() ?? "", /node\.key is open to everybody \(mode 644\)/);
  });

  it("reports that the center requires a certificate", async (t) => {
    assert.equal(codeOf(await dial(t, { ca: ours.ca })), "credentials");
  });

  it("mentions the certificate if the center closes the connection without an alert, as a Node server does", async (t) => {
    const result = await dial(t, { ca: ours.ca, ...others.node });
    assert.equal(codeOf(result), "unreachable");
    assert.match(result.ok ? "" : result.error.message, /may not accept this device's certificate/);
  });

  const about = { tls: true, wall: 0, certificates: [] };

  it("recognizes TLS alerts by their code and by their text", () => {
    for (const [code, message] of [
      ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "tlsv1 alert unknown ca"],
      ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", "ssl/tls alert bad certificate"],
      ["EPROTO", "write EPROTO 40:error:0A000416:SSL routines:ssl3_read_bytes:ssl/tls alert certificate unknown"],
    ] as const) {
      assert.equal(dialError(Object.assign(new Error(message), { code }), about).code, "credentials", code);
    }
  });

  it("names the clock as the likely cause when a certificate is not yet valid", () => {
    const error = Object.assign(new Error("certificate is not yet valid"), { code: "CERT_NOT_YET_VALID" });
    const { code, message } = dialError(error, about);
    assert.equal(code, "tls");
    assert.match(message, /not yet valid: this device's clock says 1970-01-01T00:00:00Z, which is the likely cause/);
  });

  it("reports what is wrong with the device's own certificate", () => {
    const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    const own = { file: "/etc/edge/cert.pem", notBefore: 0, notAfter: 1_000 };
    const { message } = dialError(reset, { ...about, wall: 2_000, certificates: [own] });
    assert.match(message, /certificate in \/etc\/edge\/cert.pem expired at 1970-01-01T00:00:01Z/);
  });
});

describe("credentialReader()", () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-credentials-"));
  after(() => rmSync(folder, { recursive: true }));
  const place = (name: string, content: string | Buffer, mode = 0o600): string => {
    const file = join(folder, name);
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  };
  const none = { ca: null, cert: null, key: null, auth: null };
  const ca = place("ca.pem", ours.ca);
  const cert = place("cert.pem", ours.node.cert);
  const key = place("key.pem", ours.node.key);

  it("returns the contents of the files and the end of the certificate", () => {
    const read = credentialReader({ ca, cert, key, auth: null })();
    assert.equal(read.problem, null);
    assert.deepEqual(read.tls, { ca: ours.ca, ...ours.node });
    assert.deepEqual(
      read.certificates.map(({ file }) => file),
      [cert, ca],
    );
    for (const { notBefore, notAfter } of read.certificates) {
      assert.ok(notBefore <= Date.now() && notAfter > Date.now() && notAfter < Date.now() + 3 * 86_400_000);
    }
  });

  it("returns a new version if a file's content changed, and the same answer otherwise", () => {
    const changing = place("changing.pem", ours.ca);
    const read = credentialReader({ ...none, ca: changing });
    const first = read();
    assert.equal(read(), first);
    writeFileSync(changing, others.ca);
    assert.notEqual(read().version, first.version);
  });

  it("names the files that cannot be used, with the reason", () => {
    const noPem = place("no.pem", "not a certificate");
    const cases = [
      [{ ...none, ca: join(folder, "absent.pem") }, /ENOENT.*absent\.pem/],
      [{ ...none, ca: noPem }, /no\.pem holds no certificate/],
      [{ ...none, cert, key: place("other.key", others.node.key) }, /cannot be used: .*key values mismatch/],
      [{ ...none, ca: place("large.pem", Buffer.alloc(4_194_305)) }, /4194305 bytes; expected at most 4194304/],
    ] as const;
    for (const [files, words] of cases) assert.match(credentialReader(files)().problem ?? "", words);
  });

  it("reads user:password only from a file that only its owner may read", () => {
    const auth = place("auth", "edge-1:se cret:ü\n");
    const read = credentialReader({ ...none, auth });
    assert.equal(read().authorization, `Basic ${Buffer.from("edge-1:se cret:ü").toString("base64")}`);
    chmodSync(auth, 0o640);
    assert.match(
      read().problem ?? "",
      /auth is open to others \(mode 640\) and holds a password\. Run chmod 600 on it/,
    );
    chmodSync(auth, 0o600);
    assert.equal(read().problem, null, "mended without a change of the content");
    for (const content of ["", "nobody", ":x", "a:b\u0000"]) {
      const { problem } = credentialReader({ ...none, auth: place("bad", content) })();
      assert.match(problem ?? "", /does not hold user:password/);
      assert.ok(content === "" || !problem?.includes(content), "nothing of it is shown");
    }
  });

  it("sends the configured headers and the login with the upgrade request", async (t) => {
    const asked = Promise.withResolvers<IncomingHttpHeaders>();
    const http = createServer();
    http.on("upgrade", (request, socket) => {
      asked.resolve(request.headers);
      socket.destroy();
    });
    http.listen(0, "127.0.0.1");
    t.after(() => http.close());
    await once(http, "listening");
    const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/`;
    const credentials = credentialReader({ ...none, auth: place("auth2", "a:b") });
    const link = websocketLink({
      url,
      headers: { "x-site": "7" },
      credentials,
      handshakeTimeoutMs: 20_000,
      maxPayload: 1,
    });
    const nothing = () => {};
    await link.dial({ message: nothing, pong: nothing, closed: nothing }, new AbortController().signal);
    const { authorization, "x-site": site } = await asked.promise;
    assert.deepEqual([authorization, site], ["Basic YTpi", "7"]);
  });
});
