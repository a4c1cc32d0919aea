import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Certificates } from "../../../scripts/certificates.ts";
import { waitUntil } from "../../../scripts/processes.ts";
import { listen } from "../../../src/center/server.ts";
import { maxMessageBytes } from "../../../src/core/protocol/limits.ts";
import type { Log } from "../../../src/ports/log.ts";
import { noCredentials } from "../../../src/websocket/credentials.ts";
import { websocketLink } from "../../../src/websocket/link.ts";
import { fakeDevice } from "../../fakes/device.ts";
import { fakeEngine } from "../../fakes/engine.ts";
import { seededRandom } from "../../fakes/random.ts";
import { memoryStore } from "../../fakes/store.ts";
import { podUpdate, testImage } from "../../samples/messages.ts";
import { type DeviceProcess, startProcess } from "../world/device-process.ts";
import { hastyClock } from "./cuts.ts";
import { type HostileCenter, hostileCenter } from "./hostile-center.ts";

export interface FramesResult extends Pick<HostileCenter, "talks" | "odd"> {
  /** `Link down` in the agent's log. */
  readonly downs: number;
  readonly failure: unknown;
  /** Connected to a sound center afterwards, and answered it. */
  readonly recovered: boolean;
  /** Bytes of heap and buffers after the talks, less those of a tenth of the way; and the most memory the process had. */
  readonly growth: number;
  readonly peakRss: number;
}

/**
 * The real agent and the real link, its engine and its disk in memory. It dials again at once wherever it may; `downs` takes
 * its reasons.
 */
function startDevice(port: number, tls: Certificates | null, downs: string[]): DeviceProcess {
  const clock = hastyClock;
  const log: Log = {
    write(_, event, fields) {
      if (event === "Link down") downs.push(String(fields?.["why"]));
    },
  };
  const random = { ...seededRandom(1), next: () => 0 };
  const { engine, host } = fakeEngine({ clock, random });
  host.addImage(testImage, { id: `sha256:${"1".repeat(64)}`, user: "65534", architecture: "amd64", volumes: [] });
  const link = websocketLink({
    url: `${tls === null ? "ws" : "wss"}://127.0.0.1:${port}/websocket/edge-1/events`,
    headers: {},
    credentials: () => (tls === null ? noCredentials : { ...noCredentials, tls: { ca: tls.ca, ...tls.node } }),
    handshakeTimeoutMs: 2_000,
    maxPayload: maxMessageBytes,
  });
  return startProcess({ clock, random, engine, link, device: fakeDevice(), log }, memoryStore());
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function memory(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Lets a device dial a center that speaks no WebSocket for so long, then a sound one. */
export async function playFrames(seed: number, ms: number, tls: Certificates | null): Promise<FramesResult> {
  const dice = seededRandom(seed);
  const downs: string[] = [];
  const center = await hostileCenter(dice, tls, downs);
  const device = startDevice(center.port, tls, downs);
  const isBroken = (): boolean => device.failure() !== null;
  let peakRss = 0;
  const watch = setInterval(() => {
    peakRss = Math.max(peakRss, process.memoryUsage.rss());
  }, 100);
  // What is loaded and compiled on the way is no growth.
  await waitUntil(isBroken, ms / 10);
  const before = memory();
  await waitUntil(isBroken, ms - ms / 10);
  const growth = memory() - before;
  clearInterval(watch);
  const recovered = await recover(center, tls);
  await device.stop();
  center.close();
  const { talks, odd } = center;
  const failure = device.failure();
  return { talks, odd, downs: downs.length, failure, recovered, growth, peakRss };
}

/** Puts a sound center in the place of the hostile one: the device is to connect and to answer. */
async function recover(center: HostileCenter, tls: Certificates | null): Promise<boolean> {
  const replies: string[] = [];
  const msgId = "88888888-0000-4000-8000-000000000001";
  const update = podUpdate({ name: "last", uid: "88888888-0000-4000-8000-000000000000", msgId });
  const place = { host: "127.0.0.1", port: 0, ...(tls && { tls: { ca: tls.ca, ...tls.center } }) };
  const sound = await listen(place, {
    connected: (node) => void sound.send(node, update),
    message(_, text) {
      const { header, content } = JSON.parse(text);
      if (header.parent_msg_id === msgId) replies.push(String(content));
    },
    disconnected: () => {},
  });
  center.becomeSound(sound.port);
  await waitUntil(() => replies.length > 0, 60_000);
  await sound.close();
  return replies.length > 0 && replies.every((one) => one === "OK");
}
