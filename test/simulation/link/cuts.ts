import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { DeliveryVerdict } from "../../../src/center/delivery-check.ts";
import { centerHistories } from "../../../src/center/histories.ts";
import { type LinkServer, listen } from "../../../src/center/server.ts";
import { contentHash } from "../../../src/core/protocol/content-hash.ts";
import { maxMessageBytes } from "../../../src/core/protocol/limits.ts";
import { decodeMessage } from "../../../src/core/protocol/message.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Link } from "../../../src/ports/link.ts";
import { noCredentials } from "../../../src/websocket/credentials.ts";
import { websocketLink } from "../../../src/websocket/link.ts";
import { fakeDevice } from "../../fakes/device.ts";
import { fakeEngine } from "../../fakes/engine.ts";
import { seededRandom } from "../../fakes/random.ts";
import { memoryStore } from "../../fakes/store.ts";
import { podUpdate, testImage } from "../../samples/messages.ts";
import { type DeviceProcess, startProcess } from "../world/device-process.ts";

/** The ways a link ends. */
export const cutKinds = ["reset", "blackHole", "halfOpen", "killCenter", "killAgent"] as const;
export type CutKind = (typeof cutKinds)[number];

/** Agent time runs this much faster than ours: a minute of waiting is over in three seconds. */
const haste = 20;
const pods = ["a", "b", "c", "d", "e"];
const mostPending = 8;
/** A cut comes when the link has been quiet for this long, whatever it has carried. */
const patienceMs = 3_000;

export interface CutsResult {
  readonly verdict: DeliveryVerdict;
  readonly sent: number;
  /** Of those sent, what was answered between the first cut and the last. */
  readonly through: number;
  readonly unanswered: number;
  readonly cuts: Readonly<Record<CutKind, number>>;
  readonly finalPods: readonly string[];
}

/** A TCP proxy between the two ends that cuts at any byte. */
async function cuttingProxy(target: () => number) {
  const all = new Set<Socket>();
  const pairs = new Set<readonly [device: Socket, center: Socket]>();
  let countdown = Number.POSITIVE_INFINITY;
  let reached = (): void => {};
  const server = createServer((device) => {
    const center = connect(target(), "127.0.0.1");
    const pair = [device, center] as const;
    pairs.add(pair);
    for (const end of pair) {
      all.add(end);
      end.on("close", () => all.delete(end));
    }
    for (const [from, to] of [pair, [center, device] as const]) {
      from.on("error", () => to.destroy());
      from.on("close", () => pairs.delete(pair));
      from.on("end", () => to.end());
      from.on("data", (data) => {
        const part = data.subarray(0, Math.max(0, Math.min(countdown, data.length)));
        if (part.length > 0) to.write(part);
        countdown -= data.length;
        if (countdown <= 0) reached();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" ? (address?.port ?? 0) : 0,
    /** Resolves when so many more bytes have passed, either way, or it took too long; the byte after them is not let through. */
    async pass(bytes: number): Promise<void> {
      const patience = new AbortController();
      countdown = bytes;
      await Promise.race([
        new Promise<void>((resolve) => {
          reached = resolve;
        }),
        sleep(patienceMs, undefined, { signal: patience.signal }).catch(() => undefined),
      ]);
      patience.abort();
      reached = () => {};
    },
    cut(how: "reset" | "blackHole" | "halfOpen"): void {
      for (const [device, center] of pairs) {
        for (const end of [device, center]) end.removeAllListeners("data").removeAllListeners("end").pause();
        if (how !== "blackHole") center.resetAndDestroy();
        if (how === "reset") device.resetAndDestroy();
        // In the other two nobody tells the device anything: it has to find out.
        device.on("error", () => {});
        center.on("error", () => {});
      }
      pairs.clear();
      countdown = Number.POSITIVE_INFINITY;
    },
    close(): void {
      for (const end of all) end.destroy();
      server.close();
    },
  };
}

/** Real time, faster. */
export const hastyClock: Clock = {
  wall: () => Date.now(),
  mono: () => performance.now() * haste,
  bootId: () => "boot",
  // What a dead process still sleeps through keeps nobody waiting.
  sleep: (ms, signal) => sleep(ms / haste, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined),
};

/** A dead process hears nothing. */
function deafWhenDead(link: Link, alive: () => boolean): Link {
  return {
    credentials: () => link.credentials(),
    dial: (handlers, signal) =>
      link.dial(
        {
          message: (text) => alive() && handlers.message(text),
          pong: (payload) => alive() && handlers.pong(payload),
          closed: (why) => alive() && handlers.closed(why),
        },
        signal,
      ),
  };
}

/** The device's end: the real agent and the real link, its engine and its disk in memory. */
function deviceOn(port: number, random: ReturnType<typeof seededRandom>) {
  const url = `ws://127.0.0.1:${port}/websocket/edge-1/events`;
  const options = { url, headers: {}, credentials: () => noCredentials, handshakeTimeoutMs: 750 };
  const link = websocketLink({ ...options, maxPayload: maxMessageBytes });
  const { engine, host } = fakeEngine({ clock: hastyClock, random });
  host.addImage(testImage, { id: `sha256:${"1".repeat(64)}`, user: "65534", architecture: "amd64", volumes: [] });
  const device = fakeDevice();
  let store = memoryStore();
  const start = (): DeviceProcess => {
    const self: { process: DeviceProcess | null } = { process: null };
    const alive = (): boolean => self.process?.alive() ?? true;
    const world = { clock: hastyClock, random, engine, device, link: deafWhenDead(link, alive) };
    self.process = startProcess(world, store);
    return self.process;
  };
  let process = start();
  return {
    failure: () => process.failure(),
    kill(): void {
      process.kill();
    },
    startAgain(): void {
      store = store.reopen({});
      process = start();
    },
    stop: () => process.stop(),
    /** The message is on the device's disk, and so is its reply. */
    has(text: string): boolean {
      const decoded = decodeMessage(text);
      if (!decoded.ok) return false;
      const { header, route, content } = decoded.message;
      const { operation, resource } = route;
      const key = { messageId: header.msg_id, operation, resource, contentHash: contentHash(content) };
      return store.replies.repeated(key) !== null;
    },
  };
}

/** Cuts the link so many times, each after so many bytes at most, while pods change; lets it heal, and gives what the center saw. */
export async function playCuts(seed: number, count: number, mostBytes: number): Promise<CutsResult> {
  const random = seededRandom(seed);
  const histories = centerHistories();
  const pending = new Map<string, { readonly text: string; sentOn: number }>();
  let connection = 0;
  let sent = 0;
  let finalPods: readonly string[] = [];
  const handlers = {
    connected: () => {
      connection += 1;
    },
    message(node: string, text: string) {
      histories.received(node, text);
      const { header, route, content } = JSON.parse(text);
      pending.delete(header.parent_msg_id);
      if (route.resource === "websocket/podstatus") finalPods = content.map((one: { Name: string }) => one.Name).sort();
    },
    disconnected: () => {},
  };
  const open = (port: number): Promise<LinkServer> => listen({ host: "127.0.0.1", port }, handlers);
  let server = await open(0);
  const { port } = server;
  const proxy = await cuttingProxy(() => port);
  const device = deviceOn(proxy.port, random);

  const more = (): void => {
    sent += 1;
    const name = random.pick(pods);
    const msgId = `66666666-0000-4000-8000-${String(sent).padStart(12, "0")}`;
    const uid = `77777777-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0")}`;
    const text = podUpdate({ name, uid, msgId, container: { env: [{ name: "NUMBER", value: String(sent) }] } });
    pending.set(msgId, { text, sentOn: 0 });
  };
  const drive = (): void => {
    for (const one of pending.values()) {
      // What the device has taken is not asked for again: its reply must come by itself.
      if (one.sentOn === connection || device.has(one.text)) continue;
      if (!server.send("edge-1", one.text)) return;
      one.sentOn = connection;
      histories.sent("edge-1", one.text);
    }
  };
  let changing = true;
  const driver = setInterval(() => {
    if (changing && pending.size < mostPending && random.below(3) === 0) more();
    drive();
  }, 5);
  const until = async (holds: () => boolean, ms: number): Promise<boolean> => {
    const deadline = performance.now() + ms;
    while (!holds() && performance.now() < deadline) await sleep(10);
    return holds();
  };

  const cuts = { reset: 0, blackHole: 0, halfOpen: 0, killCenter: 0, killAgent: 0 };
  // Until a center has answered its first ping, a device does not know that it answers them (lifecycle.md).
  await until(() => sent > 5 && pending.size === 0, 60_000);
  const answered = (): number => sent - pending.size;
  const before = answered();
  for (let n = 0; n < count; n += 1) {
    const kind = random.pick(cutKinds);
    await proxy.pass(random.below(mostBytes));
    cuts[kind] += 1;
    if (kind === "killAgent") device.kill();
    if (kind === "killCenter") await server.close();
    proxy.cut(kind === "blackHole" || kind === "halfOpen" ? kind : "reset");
    if (kind === "killCenter") server = await open(port);
    if (kind === "killAgent") device.startAgain();
    if (device.failure() !== null) throw device.failure();
  }
  const through = answered() - before;
  changing = false;
  await until(() => pending.size === 0, 60_000);
  await until(() => finalPods.length === pods.length, 20_000);
  clearInterval(driver);
  await device.stop();
  await server.close();
  proxy.close();
  const verdict = histories.judge("edge-1");
  if (verdict === null) throw new Error("There is no history");
  return { verdict, sent, through, unanswered: pending.size, cuts, finalPods };
}
