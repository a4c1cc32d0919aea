import assert from "node:assert/strict";
import { createServer, type Server, type ServerResponse } from "node:http";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, runs } from "./harness.ts";

const site = createSite(sharedEngine());
const uidOf = (name: string): string =>
  `29292929-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`;

interface Answer {
  readonly title: string;
  readonly name: string;
  readonly give: (response: ServerResponse) => void;
  readonly cause: RegExp;
}

const json = { "content-type": "application/json" };
const errors = (code: string, message: string): string => JSON.stringify({ errors: [{ code, message }] });

/** What a registry may say for a manifest, and what `edge pod` makes of it. */
const answers: readonly Answer[] = [
  {
    title: "429",
    name: "busy",
    give: (response) => response.writeHead(429, { ...json, "retry-after": "5" }).end(errors("TOOMANYREQUESTS", "slow")),
    // Dockerd does not hand on the header.
    cause: /^Registry \S+ was asked too often: toomanyrequests: slow, next try \S/,
  },
  {
    title: "503",
    name: "away",
    give: (response) => response.writeHead(503).end("unavailable"),
    cause: /503 Service Unavailable, next try \S/,
  },
  {
    title: "500 in containerd's words",
    name: "liar",
    give: (response) => response.writeHead(500, json).end(errors("X", "containerd: connection refused: unavailable")),
    cause: /500 Internal Server Error, next try \S/,
  },
];

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

describe("a registry with error answers", () => {
  const servers = new Map<string, Server>();

  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
    for (const { name, give } of [...answers, { name: "silent", give: () => {} }]) {
      const server = createServer(({ url }, response) => {
        if (url === "/v2/") response.end("{}");
        else give(response);
      });
      servers.set(name, server);
      const image = `127.0.0.1:${await listen(server)}/odd:1`;
      const update = podUpdate({ name, uid: uidOf(name), msgId: uidOf(name), container: { image } });
      assert.equal((await site.ask(update)).content, "OK");
    }
  });
  after(async () => {
    for (const server of servers.values()) {
      server.closeAllConnections();
      server.close();
    }
    await site.close();
  });

  for (const { title, name, cause } of answers) {
    test(`fails the pull of its pod with ${title}, and the engine stays ready`, async () => {
      await site.eventually(`${cause}`, async () => {
        const { stdout } = await site.run("pod", name);
        return cause.test(/^Cause +(.*)$/m.exec(stdout)?.[1] ?? "") || undefined;
      });
      assert.equal((await site.status()).document.engine.state, "ready");
    });
  }

  test("does not delay other pods", async () => {
    const container = { command: ["/bin/sleep", "1000"] };
    await site.ask(podUpdate({ name: "other", uid: uidOf("other"), msgId: uidOf("other"), container }));
    await site.reported(uidOf("other"), "Running", (entry) => runs(entry, 0));
    assert.doesNotMatch((await site.run("events")).stdout, /EngineUnavailable/);
  });
});
