import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { podUpdate, secretUpdate } from "../samples/messages.ts";
import { assertScreen, deviceScreen, lookedAt, podScreen, steady } from "../screens/screen.ts";
import { brokenPods, makeWrongImages, wrongPassword } from "./broken-pods.ts";
import { createSite, only } from "./harness.ts";
import { freePort } from "./sockets.ts";

// As many pods as there are states have to fit in.
const site = createSite(sharedEngine(), { policy: { maxContainerNumber: 100 } });
const small = { requests: { cpu: "10m", memory: "8Mi" }, limits: { cpu: "50m", memory: "16Mi" } };
const idOf = (kind: number, at: number): string => `${kind}9494949-0000-4000-8000-${String(at).padStart(12, "0")}`;
const json = { "content-type": "application/json" };

const answering = createServer(({ url = "" }, response) => {
  if (url === "/v2/") return response.end("{}");
  if (url.startsWith("/v2/slow/")) return response;
  if (url.startsWith("/v2/odd/")) return response.writeHead(500).end();
  const [status, code] = url.startsWith("/v2/busy/") ? [429, "TOOMANYREQUESTS"] : [404, "MANIFEST_UNKNOWN"];
  return response.writeHead(status, json).end(JSON.stringify({ errors: [{ code, message: "manifest unknown" }] }));
});
const locked = createServer((_, response) => {
  response.writeHead(401, { "www-authenticate": 'Basic realm="registry"' }).end();
});
/** Listens in the place of a pod. */
const thief = createServer();
const around = {
  gone: `127.0.0.1:${await freePort()}`,
  answering: await listen(answering),
  locked: await listen(locked),
  hostPort: await freePort(),
};
const broken = brokenPods(site, around);

/** Host and port. */
async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Undefined while somebody else has the port. */
function takes(port: number): Promise<true | undefined> {
  thief.listen(port, "127.0.0.1");
  return once(thief, "listening").then(
    () => true,
    () => undefined,
  );
}

/** As the kernel has it. */
const processName = readFileSync("/proc/self/comm", "utf8").trim();
const names = {
  [site.folder]: "/srv",
  [String(around.hostPort)]: "8080",
  [`${processName} (pid ${process.pid})`]: "nginx (pid 812)",
};

/** What the agent tries again after a wait. */
const retried = /BackOff$|^ErrImagePull$|^ImageInspectError$|^(?:Create|Run)Container\w*Error$/;

describe("edge status of broken pods", () => {
  before(async () => {
    const { Architecture } = await site.docker.info();
    await makeWrongImages(site.docker, Architecture === "aarch64" ? "arm64" : "amd64");
    await site.startCenter();
    await site.startAgent();
    await site.online();
    const auths = { [around.locked]: wrongPassword };
    assert.equal((await site.ask(secretUpdate(idOf(3, 0), { auths }))).content, "OK");
    const pods = broken.map(({ name, spec = {}, container = {}, ...how }, at) => {
      const message = {
        name,
        uid: idOf(4, at),
        msgId: idOf(1, at),
        spec,
        container: { resources: small, ...container },
      };
      return { ...how, message };
    });
    const send = async ({ message }: (typeof pods)[number]): Promise<void> => {
      assert.equal((await site.ask(podUpdate(message))).content, "OK", message.name);
    };
    // All at once: several of them take their time.
    for (const pod of pods.filter(({ isBrief }) => isBrief !== true)) await send(pod);
    for (const { message, breaks } of pods) {
      if (breaks === undefined) continue;
      await site.reported(message.uid, "Running", ({ status }) => status.phase === "Running");
      await breaks({ message, id: only(await site.containers(message.uid)).Id });
    }
    await site.eventually("the port is free", () => takes(around.hostPort));
    for (const pod of pods.filter(({ isBrief }) => isBrief === true)) await send(pod);
  });
  after(async () => {
    answering.closeAllConnections();
    for (const server of [answering, locked, thief]) server.close();
    await site.close();
  });

  for (const { name, status, reason } of broken) {
    test(`shows ${name} as ${status} in 80 columns, with the cause and what to do`, async () => {
      const document = await site.eventually(`${status} of ${name}, ${reason}`, () => {
        const published = site.published();
        const row = published?.pods.find((pod) => pod.name === name);
        const isRipe = row?.status === status && (reason ?? /^$/).test(row.reason ?? "");
        // In the middle of a try the next one is not known.
        return isRipe && (row.nextTry !== undefined || !retried.test(status)) ? published : undefined;
      });
      assertScreen(name, podScreen(steady(document, names), name, lookedAt));
    });
  }

  test("shows a rejected update", async () => {
    const container = { resources: small, securityContext: { runAsUser: 1000, runAsGroup: 1000, privileged: true } };
    const update = { name: "running", uid: idOf(4, 0), msgId: idOf(3, 1), container };
    assert.match(String((await site.ask(podUpdate({ ...update, resourceVersion: "2" }))).content), /^FAILED: /);
    const { document } = await site.eventually("the update", async () => {
      const said = await site.status();
      return said.document.refusedUpdates === undefined ? undefined : said;
    });
    const pods = document.pods.filter((pod) => pod.name === "running");
    assertScreen("refused-update", deviceScreen(steady({ ...document, pods }, names), lookedAt));
  });

  test("prints every pod with its STATUS in 80 columns", async () => {
    const { stdout } = await site.run("status");
    for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
    assert.equal(stdout.match(/^\S+ +\d\/\d +[A-Z]\w+ +\d/gm)?.length, broken.length);
  });
});
