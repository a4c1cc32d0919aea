import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Certificate, makeCertificates } from "../../scripts/certificates.ts";
import { createEventRecorder } from "../../src/agent/event-recorder.ts";
import { type ConnectionState, runUplink } from "../../src/agent/uplink/uplink.ts";
import { type LinkServer, listen } from "../../src/center/server.ts";
import { credentialReader } from "../../src/websocket/credentials.ts";
import { websocketLink } from "../../src/websocket/link.ts";
import { memoryStore } from "../fakes/store.ts";

const ours = makeCertificates();
const others = makeCertificates();
after(() => {
  ours.forget();
  others.forget();
});
const centerNames = "IP:127.0.0.1,DNS:center.test";

/** Time passes this much faster for the agent: it waits up to a minute after a certificate that is not good. */
const haste = 40;
const deadlineMs = 60_000;

/** The agent's end of the link on files and a real center with TLS; what it tells is what `edge status` shows. */
async function setUp(t: TestContext, center: Certificate = ours.center, node: Certificate = ours.node, ca = ours.ca) {
  const folder = mkdtempSync(join(tmpdir(), "edge-link-certificates-"));
  const files = { ca: join(folder, "ca.pem"), cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  const put = ({ cert, key }: Certificate): void => {
    writeFileSync(files.cert, cert);
    writeFileSync(files.key, key, { mode: 0o600 });
  };
  put(node);
  writeFileSync(files.ca, ca);
  const closes: number[] = [];
  let connections = 0;
  const open = (certificate: Certificate, port: number): Promise<LinkServer> =>
    listen(
      { host: "127.0.0.1", port, tls: { ca: ours.ca, ...certificate } },
      {
        connected: () => {
          connections += 1;
        },
        message: () => {},
        disconnected: (_, { code }) => closes.push(code),
      },
    );
  let server = await open(center, 0);
  const { port } = server;
  const url = `wss://127.0.0.1:${port}/websocket/edge-1/events`;
  const credentials = credentialReader({ ...files, auth: null });
  const link = websocketLink({ url, headers: {}, credentials, handshakeTimeoutMs: 20_000, maxPayload: 1_024 });
  const clock = {
    wall: () => Date.now(),
    mono: () => performance.now() * haste,
    bootId: () => "boot",
    sleep: (ms: number, signal?: AbortSignal) =>
      sleep(ms / haste, undefined, signal && { signal }).catch(() => undefined),
  };
  const nothing = () => {};
  const states: ConnectionState[] = [];
  const stop = new AbortController();
  const store = memoryStore();
  const log = { write: nothing };
  const ended = runUplink(
    {
      link,
      clock,
      random: { next: Math.random, uuid: () => "" },
      log,
      store,
      events: createEventRecorder({ store, clock, log }),
      intake: { receive: nothing, full: () => false, flush: nothing },
      reporter: {
        attach: nothing,
        detach: nothing,
        statusChanged: nothing,
        outboxChanged: nothing,
        sendNow: nothing,
        pong: nothing,
        run: async () => {},
      },
      settings: { keepaliveMs: 15_000, centerUrl: url },
      onConnectionStateChanged: (state) => states.push(state),
    },
    stop.signal,
  );
  t.after(async () => {
    stop.abort();
    await ended;
    await server.close();
    rmSync(folder, { recursive: true });
  });
  const until = async (what: string, holds: (state: ConnectionState) => boolean): Promise<void> => {
    const deadline = performance.now() + deadlineMs;
    for (;;) {
      const last = states.at(-1);
      if (last !== undefined && holds(last)) return;
      assert.ok(performance.now() < deadline, `Waited in vain for ${what}: ${JSON.stringify(last)}`);
      await sleep(10);
    }
  };
  return {
    files,
    put,
    states,
    closes,
    connections: () => connections,
    /** Another certificate for the center, on the same port. */
    async restart(certificate: Certificate): Promise<void> {
      await server.close();
      server = await open(certificate, port);
    },
    online: () => until("online", ({ state, lastError }) => state === "online" && lastError === null),
    says: (words: RegExp) => until(String(words), ({ lastError }) => words.test(lastError ?? "")),
    neverOnline: () => assert.ok(states.every(({ state }) => state !== "online")),
  };
}

describe("a link with invalid certificates", () => {
  const bad = [
    ["expired", { altNames: centerNames, fromDay: -3, toDay: -1 }, /^The center's certificate has expired/],
    [
      "not yet valid",
      { altNames: centerNames, fromDay: 1, toDay: 2 },
      /^The center's certificate is not yet valid: this device's clock says 20.*, which is the likely cause/,
    ],
    ["for another name", { altNames: "DNS:other.test" }, /^The center's certificate is for another name/],
  ] as const;
  for (const [what, options, words] of bad) {
    it(`does not connect to a center whose certificate is ${what}, reports it, and connects after the repair`, async (t) => {
      const site = await setUp(t, ours.issue({ name: "bad", ...options }));
      await site.says(words);
      site.neverOnline();
      await site.restart(ours.center);
      await site.online();
    });
  }

  it("does not connect to a center of another authority, and connects when the CA file contains the right one", async (t) => {
    const site = await setUp(t, ours.center, ours.node, others.ca);
    await site.says(/^The center's certificate is from an authority that this device does not trust/);
    site.neverOnline();
    writeFileSync(site.files.ca, ours.ca);
    await site.online();
  });

  it("reports that its own certificate has expired, and connects when it is replaced", async (t) => {
    const site = await setUp(
      t,
      ours.center,
      ours.issue({ name: "old", altNames: "DNS:edge-1", fromDay: -3, toDay: -1 }),
    );
    await site.says(/certificate in .*cert\.pem expired at 20/);
    site.neverOnline();
    site.put(ours.node);
    await site.online();
  });

  it("reports that the center may not accept the certificate of another authority", async (t) => {
    const site = await setUp(t, ours.center, others.node);
    await site.says(/the center may not accept this device's certificate/);
    site.neverOnline();
    site.put(ours.node);
    await site.online();
  });

  it("names the file that cannot be used, and connects when it can", async (t) => {
    const site = await setUp(t);
    await site.online();
    writeFileSync(site.files.key, others.node.key, { mode: 0o600 });
    await site.says(/^The changed certificates are not used, and the connection stays as it is: .*key values mismatch/);
    assert.equal(site.connections(), 1);
    site.put(ours.issue({ name: "next", altNames: "DNS:edge-1" }));
    await site.online();
    assert.equal(site.connections(), 2);
  });
});

it("a link uses replaced certificates without going offline", async (t) => {
  const site = await setUp(t);
  await site.online();
  const before = site.states.length;
  site.put(ours.issue({ name: "next", altNames: "DNS:edge-1" }));
  const deadline = performance.now() + deadlineMs;
  while (site.connections() < 2) {
    assert.ok(performance.now() < deadline, "A second connection");
    await sleep(10);
  }
  await sleep(100);
  assert.deepEqual(
    site.states
      .slice(before)
      .map(({ state }) => state)
      .filter((state) => state !== "online"),
    [],
  );
});
