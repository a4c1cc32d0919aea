import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { waitUntil } from "../../../scripts/processes.ts";
import { runAgent } from "../../../src/agent/agent.ts";
import { listen } from "../../../src/center/server.ts";
import { defaultPolicy } from "../../../src/core/admission/policy.ts";
import { maxMessageBytes } from "../../../src/core/protocol/limits.ts";
import { decodeMessage } from "../../../src/core/protocol/message.ts";
import { classify } from "../../../src/core/protocol/routes.ts";
import { linuxClock } from "../../../src/linux/clock.ts";
import { systemRandom } from "../../../src/linux/random.ts";
import { openStore } from "../../../src/sqlite/store.ts";
import { noCredentials } from "../../../src/websocket/credentials.ts";
import { websocketLink } from "../../../src/websocket/link.ts";
import { fakeControl } from "../../fakes/control.ts";
import { fakeDevice } from "../../fakes/device.ts";
import { fakeEngine } from "../../fakes/engine.ts";
import { fakeFactoryFiles } from "../../fakes/factory-files.ts";
import { fakeHttp } from "../../fakes/http.ts";
import { fakeImageArchives } from "../../fakes/image-archives.ts";
import { hostileMessage } from "../../samples/hostile.ts";
import { podUpdate, testImage } from "../../samples/messages.ts";

const count = 10_000;
const mostGrowthBytes = 64 * 1024 * 1024;
const seed = Number(process.env["EDGE_SEED"] ?? 20_261_122);

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

interface Reply {
  readonly header: { readonly parent_msg_id: string };
  readonly route: { readonly operation: string };
  readonly content: unknown;
}

/** The agent on a real store and a real link, its engine in memory; the other end of the link counts what it is told. */
async function startAgent(folder: string) {
  const clock = linuxClock();
  const { engine, host } = fakeEngine({ clock, random: { next: () => 0.5 } });
  host.addImage(testImage, { id: `sha256:${"1".repeat(64)}`, user: "65534", architecture: "amd64", volumes: [] });
  const replies = new Map<string, { ok: number; refused: number }>();
  const odd: string[] = [];
  let reports = 0;
  let connections = 0;
  const message = (_: string, text: string): void => {
    const { header, route, content } = JSON.parse(text) as Reply;
    if (header.parent_msg_id === "") {
      reports += 1;
      return;
    }
    const told = replies.get(header.parent_msg_id) ?? { ok: 0, refused: 0 };
    const words = String(content);
    if (words === "OK") replies.set(header.parent_msg_id, { ...told, ok: told.ok + 1 });
    else replies.set(header.parent_msg_id, { ...told, refused: told.refused + 1 });
    const isRefusal = words.startsWith("FAILED: ") && words.length <= 2048;
    const fits = words === "OK" || (isRefusal && ["error", "response"].includes(route.operation));
    if (!fits) odd.push(text.slice(0, 500));
  };
  const connected = (): void => {
    connections += 1;
  };
  const server = await listen({ host: "127.0.0.1", port: 0 }, { connected, message, disconnected: () => {} });
  const opened = openStore({ dir: join(folder, "data") });
  assert.ok(opened.ok);
  const url = `ws://127.0.0.1:${server.port}/websocket/edge-1/events`;
  const device = fakeDevice();
  const stop = new AbortController();
  const agent = runAgent(
    {
      engine,
      store: opened.store,
      clock,
      random: systemRandom(),
      device: device.device,
      podFiles: device.podFiles,
      http: fakeHttp(clock).http,
      archives: fakeImageArchives().archives,
      factoryFiles: fakeFactoryFiles().files,
      controlSocket: fakeControl().socket,
      link: websocketLink({
        url,
        headers: {},
        credentials: () => noCredentials,
        handshakeTimeoutMs: 15_000,
        maxPayload: maxMessageBytes,
      }),
      log: { write: () => {} },
      policy: () => defaultPolicy,
      protectedPaths: () => [],
      settings: {
        nodeName: "edge-1",
        centerUrl: url,
        statusPeriodMs: 30_000,
        keepaliveMs: 15_000,
        pid: 1,
        version: "0",
        statusDialect: "kubernetes",
        serialNumber: null,
        images: { high: 80, low: 70 },
      },
      publish: () => {},
    },
    stop.signal,
  );
  let ended = false;
  agent.then(
    () => {
      ended = true;
    },
    () => {
      ended = true;
    },
  );
  return {
    server,
    replies,
    odd,
    store: opened.store,
    ended: () => ended,
    reports: () => reports,
    connections: () => connections,
    async close(): Promise<void> {
      stop.abort();
      await agent;
      await server.close();
      opened.store.close();
    },
  };
}

/** How often each msg_id is to be answered. */
function expectedReplies(texts: readonly string[]): ReadonlyMap<string, number> {
  const expected = new Map<string, number>();
  for (const text of texts) {
    const decoded = decodeMessage(text);
    const kind = decoded.ok ? classify(decoded.message) : null;
    // pods_data is answered by what comes of it (protocol.md §1.1).
    if (kind?.ok && kind.kind === "pods-data") continue;
    const id = decoded.ok ? decoded.message.header.msg_id : decoded.messageId;
    if (id !== null) expected.set(id, (expected.get(id) ?? 0) + 1);
  }
  return expected;
}

test(`${count} hostile messages: each that can be answered is, and nothing breaks or grows (EDGE_SEED=${seed})`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-hostile-"));
  const site = await startAgent(folder);
  const send = async (text: string): Promise<void> => {
    assert.ok(
      await waitUntil(() => site.ended() || site.server.send("edge-1", text), 60_000),
      "The agent reads no more",
    );
    assert.ok(!site.ended(), "The agent has ended");
  };
  const answered = (): number => [...site.replies.values()].reduce((sum, { ok, refused }) => sum + ok + refused, 0);
  try {
    const texts = fc.sample(hostileMessage, { seed, numRuns: count });
    const expected = expectedReplies(texts);
    const total = [...expected.values()].reduce((sum, times) => sum + times, 0);
    assert.ok(total > count / 3 && total < count, `${total} of ${count} can be answered`);
    assert.ok(await waitUntil(() => site.connections() > 0, 10_000), "The agent connects");
    const before = heapUsed();
    for (const text of texts) await send(text);
    await waitUntil(() => site.ended() || answered() >= total, 180_000);
    const missing = [...expected].filter(([id, times]) => {
      const { ok, refused } = site.replies.get(id) ?? { ok: 0, refused: 0 };
      return ok + refused !== times;
    });
    assert.deepEqual(missing, []);
    assert.equal(answered(), total);
    assert.deepEqual(site.odd, []);
    const refused = [...site.replies.values()].reduce((sum, one) => sum + one.refused, 0);
    assert.ok(refused > total / 3 && refused < total, `${refused} of ${total} are refused`);
    assert.equal(site.connections(), 1);
    assert.equal(Object.keys(Object.prototype).length, 0);
    const growth = heapUsed() - before;
    assert.ok(growth < mostGrowthBytes, `The heap has grown by ${growth} bytes`);

    // One over the limit closes the connection; it comes back, and a sound message is answered as ever.
    await send(JSON.stringify("x".repeat(maxMessageBytes)));
    assert.ok(await waitUntil(() => site.connections() === 2, 30_000), "The agent connects again");
    const last = { name: "last", uid: "88888888-0000-4000-8000-000000000000" };
    await send(podUpdate({ ...last, msgId: "88888888-0000-4000-8000-000000000001" }));
    const reply = () => site.replies.get("88888888-0000-4000-8000-000000000001");
    assert.ok(await waitUntil(() => reply()?.ok === 1, 30_000), "The last message is answered with OK");
    assert.ok(site.reports() > 0);
    assert.ok(site.store.desiredPods.list().some(({ pod }) => pod.id.name === "last"));
  } finally {
    await site.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
