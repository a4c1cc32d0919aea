import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { createEventRecorder } from "../../../src/agent/event-recorder.ts";
import { createReporter } from "../../../src/agent/uplink/reporter.ts";
import { runUplink } from "../../../src/agent/uplink/uplink.ts";
import { maxMessageBytes } from "../../../src/core/protocol/limits.ts";
import { linuxClock } from "../../../src/linux/clock.ts";
import { systemRandom } from "../../../src/linux/random.ts";
import type { Store } from "../../../src/ports/store.ts";
import { noCredentials } from "../../../src/websocket/credentials.ts";
import { websocketLink } from "../../../src/websocket/link.ts";
import { desiredPod } from "../../samples/pods.ts";

/** Where the center is, and how it is reached; PEM texts. */
export interface Way {
  readonly port: number;
  readonly tls: Record<"ca" | "cert" | "key", Buffer>;
}

export interface Drained {
  /** From the open connection to the empty outbox. */
  readonly ms: number;
}

const statusEveryMs = 100;
const deadlineMs = 120_000;

/** A message of the backlog, as large as asked for. */
export function backlogText(number: number, bytes: number): string {
  const text = (pad: string): string => JSON.stringify({ route: { resource: `record/${number}` }, pad });
  return text("x".repeat(Math.max(0, bytes - text("").length)));
}

const urlOf = (port: number): string => `wss://127.0.0.1:${port}/websocket/edge-1/events`;

/**
 * The reporter, the uplink and the link of the agent bring what waits in the store to the center; meanwhile the status
 * of a pod, which carries the time at which it changed, changes ten times a second.
 */
export async function drain({ port, tls }: Way, store: Store): Promise<Drained> {
  const clock = linuxClock();
  const random = systemRandom();
  const pod = desiredPod();
  const nothing = (): void => {};
  const periods = { statusPeriodMs: 30_000, keepaliveMs: 15_000 };
  const kubernetes = { statusDialect: "kubernetes" } as const;
  const reporter = createReporter({ store, clock, random, ...periods, ...kubernetes, onDelivered: nothing });
  const link = websocketLink({
    url: urlOf(port),
    headers: {},
    handshakeTimeoutMs: 10_000,
    maxPayload: maxMessageBytes,
    credentials: () => ({ ...noCredentials, tls }),
  });
  const opened = Promise.withResolvers<number>();
  const stop = new AbortController();
  const log = { write: nothing };
  const uplink = runUplink(
    {
      link,
      clock,
      random,
      log,
      store,
      reporter,
      events: createEventRecorder({ store, clock, log }),
      intake: { receive: nothing, full: () => false, flush: nothing },
      settings: { keepaliveMs: periods.keepaliveMs, centerUrl: urlOf(port) },
      onConnectionStateChanged: ({ state }) => state === "online" && opened.resolve(clock.mono()),
    },
    stop.signal,
  );
  const reporting = reporter.run(stop.signal);
  const changeStatus = (): void => {
    store.statuses.put(pod.pod.id, { at: Date.now() });
    reporter.statusChanged();
  };
  store.desiredPods.put(pod);
  changeStatus();
  const changes = setInterval(changeStatus, statusEveryMs);
  try {
    const began = await opened.promise;
    while (store.outbox.counts().pending > 0) {
      if (clock.mono() - began > deadlineMs) throw new Error(`${store.outbox.counts().pending} messages still wait`);
      await sleep(5);
    }
    return { ms: clock.mono() - began };
  } finally {
    clearInterval(changes);
    stop.abort();
    await Promise.all([uplink, reporting]);
  }
}

/** As many messages of the same size over a bare socket, as fast as it takes them: what no agent can be faster than. */
export async function pump({ port, tls }: Way, texts: readonly string[]): Promise<Drained> {
  const socket = new WebSocket(urlOf(port), { ...tls, perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  const began = performance.now();
  const arrived = new Promise((resolve) => socket.once("pong", resolve));
  for (const text of texts) {
    socket.send(text);
    while (socket.bufferedAmount > 1_048_576) await sleep(0);
  }
  socket.ping("last");
  await arrived;
  const ms = performance.now() - began;
  socket.close();
  await new Promise((resolve) => socket.once("close", resolve));
  return { ms };
}
