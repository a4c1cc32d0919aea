import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createNetServer, type Server } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { type Certificate, makeCertificates } from "../../scripts/certificates.ts";
import { sharedEngine } from "../../scripts/private-engine.ts";
import type { StatusDocument } from "../../src/core/status-document.ts";
import { podUpdate } from "../samples/messages.ts";
import { assertScreen, deviceScreen, lookedAt, steady } from "../screens/screen.ts";
import { createSite, type Site, type SiteOptions } from "./harness.ts";
import { podsDirOf } from "./site-files.ts";
import { freePort } from "./sockets.ts";

const nobody = await freePort();
const uid = "50505050-0000-4000-8000-000000000001";
const certificates = makeCertificates(60);
const names = { altNames: "IP:127.0.0.1,DNS:center.test" };
const old = { fromDay: -3, toDay: -1 };
const { ca, center, node } = certificates;
const files = (certs: {
  readonly center: Certificate;
  readonly node: Certificate;
}): Readonly<Record<string, Buffer>> => ({
  "cert.pem": certs.center.cert,
  "key.pem": certs.center.key,
  "node.pem": certs.node.cert,
  "node-key.pem": certs.node.key,
});

/** What a proxy answers to CONNECT, by the first label of the center's name. */
const answers: Readonly<Record<string, string>> = {
  locked: "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
  forbidden: "HTTP/1.1 403 Forbidden\r\n\r\n",
  other: "SSH-2.0-OpenSSH_9.2\r\n",
};
const proxy = createNetServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", (data) => socket.end(answers[/^CONNECT (\w+)/.exec(String(data))?.[1] ?? ""] ?? ""));
});
/** It accepts no device. */
const closedCenter = createServer();
closedCenter.on("upgrade", (_, socket) => socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n"));

/** Its port. */
async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const [proxyPort, closedPort] = [await listen(proxy), await listen(closedCenter)];
const throughProxy = (name: string, port: number): SiteOptions => ({
  center: { url: `wss://${name}.test/websocket/edge-1/events`, proxy: `http://127.0.0.1:${port}` },
});

/** A device and how it is broken; its name is that of its golden screen. */
interface BrokenDevice {
  readonly name: string;
  readonly options?: SiteOptions;
  /** Files of its folder for TLS that are other ones. */
  readonly tls?: Readonly<Record<string, Buffer>>;
  /** Before its agent starts. */
  readonly first?: (site: Site) => Promise<unknown> | unknown;
  /** Once its agent runs. */
  readonly last?: (site: Site) => Promise<unknown>;
  /** What its document shows in the end. */
  readonly shows: (document: StatusDocument) => boolean;
}

const failed = (words: RegExp) => (document: StatusDocument) => words.test(document.center.lastError ?? "");

const broken: readonly BrokenDevice[] = [
  {
    name: "no-center",
    options: { center: { url: "" } },
    shows: ({ center, engine }) => center.state === "none" && engine.state === "ready",
  },
  { name: "center-gone", first: (site) => site.killCenter(), shows: failed(/ECONNREFUSED/) },
  {
    name: "expired-certificate",
    tls: files({ center: certificates.issue({ name: "expired", ...names, ...old }), node }),
    shows: failed(/expired/),
  },
  {
    name: "certificate-not-yet-valid",
    tls: files({ center: certificates.issue({ name: "early", ...names, fromDay: 1, toDay: 2 }), node }),
    shows: failed(/not yet valid/),
  },
  {
    name: "certificate-of-another-name",
    tls: files({ center: certificates.issue({ name: "other", altNames: "DNS:other.test" }), node }),
    shows: failed(/another name/),
  },
  {
    name: "expired-certificate-of-the-device",
    tls: files({ center, node: certificates.issue({ name: "old", altNames: "DNS:edge-1", ...old }) }),
    shows: failed(/expired/),
  },
  {
    name: "proxy-is-gone",
    options: throughProxy("center", nobody),
    shows: failed(/cannot be reached/),
  },
  { name: "proxy-with-a-password", options: throughProxy("locked", proxyPort), shows: failed(/407/) },
  { name: "proxy-that-forbids-the-center", options: throughProxy("forbidden", proxyPort), shows: failed(/403/) },
  { name: "proxy-that-is-another-service", options: throughProxy("other", proxyPort), shows: failed(/does not speak/) },
  {
    name: "wrong-center-password",
    options: { center: { url: `ws://127.0.0.1:${closedPort}/websocket/edge-1/events` } },
    shows: failed(/401/),
  },
  {
    name: "refused-factory-pod",
    options: { center: { url: "" } },
    first: (site) => {
      mkdirSync(podsDirOf(site), { mode: 0o755 });
      writeFileSync(join(podsDirOf(site), "web.yaml"), "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n", {
        mode: 0o644,
      });
    },
    shows: ({ factoryFiles }) => factoryFiles !== undefined,
  },
  {
    name: "agent-not-running",
    last: async (site) => {
      await site.online();
      await site.ask(podUpdate({ name: "web", uid, msgId: uid, container: { command: ["/bin/sleep", "1000"] } }));
      await site.reported(uid, "Running", ({ status }) => status.phase === "Running");
      await site.endAgent("SIGKILL");
    },
    shows: ({ agent }) => !agent.running,
  },
];

describe("edge status of a broken device", { concurrency: 4 }, () => {
  after(() => {
    certificates.forget();
    for (const server of [proxy, closedCenter]) server.close();
  });

  for (const { name, options = {}, tls, first, last, shows } of broken) {
    test(`names ${name} and what to do in 80 columns`, async (t) => {
      const site = createSite(sharedEngine(), tls === undefined ? options : { ...options, tls: true });
      t.after(() => site.close());
      for (const [file, content] of Object.entries(tls === undefined ? {} : { "ca.pem": ca, ...tls }))
        writeFileSync(join(site.tls, file), content, { mode: 0o600 });
      await site.startCenter();
      await first?.(site);
      await site.startAgent();
      await last?.(site);
      const document = await site.eventually("the fault", async () => {
        const said = await site.status();
        return shows(said.document) ? said.document : undefined;
      });
      assertScreen(name, deviceScreen(steady(document, { [site.folder]: "/srv" }), lookedAt));
    });
  }
});
