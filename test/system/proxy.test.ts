import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { createSite } from "./harness.ts";

/** A proxy that takes CONNECT with the right password, and knows where center.test is. */
const proxy = { target: 0, password: "edge-1:hunter2", asked: [] as string[], sockets: new Set<Socket>() };
const server = createServer();
server.on("connect", (request, client: Socket) => {
  proxy.sockets.add(client);
  client.on("error", () => {});
  const expected = `Basic ${Buffer.from(proxy.password).toString("base64")}`;
  if (request.headers["proxy-authorization"] !== expected) {
    client.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  proxy.asked.push(request.url ?? "");
  const center = connect(proxy.target, "127.0.0.1", () => {
    client.write("HTTP/1.1 200 Connection established\r\n\r\n");
    center.pipe(client).pipe(center);
  });
  center.on("error", () => client.destroy());
  client.on("close", () => center.destroy());
});
await once(server.listen(0, "127.0.0.1"), "listening");

// Nobody but the proxy knows this name (RFC 6761, 6.2).
const url = "wss://center.test/websocket/edge-1/events";
const engine = sharedEngine();
const passwordFile = join(engine.folder, "proxy-password");
const center = {
  url,
  proxy: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  proxyAuth: { file: passwordFile },
};
const site = createSite(engine, { tls: true, center, program: "executable" });

const givePassword = (text: string): void => writeFileSync(passwordFile, `${text}\n`, { mode: 0o600 });

/** What `edge status` says of the link. */
async function link(): Promise<{ readonly state: string; readonly lastError: string | null }> {
  return (await site.status()).document.center;
}

describe("an agent whose center is behind a proxy", () => {
  before(async () => {
    await site.startCenter();
    proxy.target = Number(/:(\d+)/.exec(readFileSync(site.centerLog, "utf8").split("Listening on ")[1] ?? "")?.[1]);
    givePassword("edge-1:wrong");
    await site.startAgent();
  });
  after(async () => {
    await site.close();
    for (const socket of proxy.sockets) socket.destroy();
    server.close();
  });

  test("says that the proxy rejects its password, and connects once the file has the right one", async () => {
    await site.eventually("the proxy's answer shows", async () => {
      return (await link()).lastError?.includes("407") || undefined;
    });
    assert.deepEqual(proxy.asked, []);
    givePassword(proxy.password);
    await site.online();
    await site.eventually("edge status shows it", async () => (await link()).state === "online" || undefined);
    assert.equal(proxy.asked[0], "center.test:443");
    await site.eventually("its report arrived", () => site.latest() !== undefined || undefined);
    assert.doesNotMatch(readFileSync(site.agentLog, "utf8"), /hunter2/);
  });

  test("does not reach the center without the proxy", async () => {
    await site.endAgent("SIGTERM");
    const config = JSON.parse(readFileSync(site.config, "utf8"));
    const { proxy: _, proxyAuth: __, ...direct } = config.center;
    writeFileSync(site.config, JSON.stringify({ ...config, center: direct }));
    const asked = proxy.asked.length;
    await site.startAgent();
    await site.eventually("the name is unknown", async () => {
      return (await link()).lastError?.includes("center.test") || undefined;
    });
    assert.notEqual((await link()).state, "online");
    assert.equal(proxy.asked.length, asked);
  });
});
