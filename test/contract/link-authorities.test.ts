import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { writeCertificates } from "../../scripts/certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-authorities-"));
let port = 0;
const server = { close: () => {} };

before(async () => {
  writeCertificates(folder);
  const key = readFileSync(join(folder, "key.pem"));
  const https = createServer({ key, cert: readFileSync(join(folder, "cert.pem")) }, (_, answer) => answer.end());
  await new Promise<void>((resolve) => https.listen(0, "127.0.0.1", resolve));
  port = (https.address() as AddressInfo).port;
  server.close = () => https.close();
});
after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

/** What a process whose system has these authorities says of the center's certificate, and how many it believes. */
async function believed(authorities: string): Promise<string> {
  const script = `
    import { believeSystemAuthorities } from "${join(process.cwd(), "src/websocket/authorities.ts")}";
    import { connect, getCACertificates } from "node:tls";
    believeSystemAuthorities();
    const say = (words) => { console.log(words, getCACertificates("default").length); process.exit(); };
    connect({ host: "127.0.0.1", port: ${port} }, () => say("trusted")).on("error", (error) => say(error.code));`;
  const env = { ...process.env, SSL_CERT_FILE: authorities, SSL_CERT_DIR: "/nowhere", NODE_EXTRA_CA_CERTS: "" };
  const ran = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env });
  return ran.stdout.trim();
}

test("a link trusts the certificate authorities of the system and none bundled with Node", async () => {
  const none = join(folder, "none.pem");
  writeFileSync(none, "");
  assert.equal(await believed(join(folder, "ca.pem")), "trusted 1");
  assert.match(await believed(none), /^[A-Z_]+ 0$/);
});
