import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeCertificates } from "../../../scripts/certificates.ts";
import { listen } from "../../../src/center/server.ts";
import { openStore } from "../../../src/sqlite/store.ts";
import { backlogText, drain } from "./backlog-device.ts";

const messages = 2_000;

test(`${messages} waiting messages arrive over TLS from a store on disk, once, in order and after the status`, async (t) => {
  const certificates = makeCertificates();
  certificates.forget();
  const dir = mkdtempSync(join(tmpdir(), "edge-backlog-"));
  const opened = openStore({ dir });
  assert.ok(opened.ok);
  const { store } = opened;
  const resources: string[] = [];
  const tls = { ca: certificates.ca, ...certificates.center };
  const center = await listen(
    { host: "127.0.0.1", port: 0, tls },
    {
      connected: () => {},
      message: (_, text) => resources.push(JSON.parse(text).route.resource),
      disconnected: () => {},
    },
  );
  t.after(async () => {
    await center.close();
    store.close();
    rmSync(dir, { recursive: true });
  });
  store.transaction("normal", () => {
    for (let n = 0; n < messages; n += 1) store.outbox.append("record", backlogText(n, 1_000));
  });
  await drain({ port: center.port, tls: { ca: certificates.ca, ...certificates.node } }, store);
  assert.equal(store.outbox.counts().dropped, 0);
  assert.equal(resources[0], "websocket/podstatus");
  assert.deepEqual(
    resources.filter((resource) => resource.startsWith("record/")),
    Array.from({ length: messages }, (_, n) => `record/${n}`),
  );
});
