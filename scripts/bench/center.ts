// A central node in the process that measures, so that nothing lies between the clock and the wire; and the engine's events.
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { listen } from "../../src/center/server.ts";
import { nodeName, type Recorded, type ReportedPod } from "../site.ts";

export const deadlineMs = 300_000;

/** Whether a message of the device is the one that is waited for. */
export type Heard = (message: Recorded) => boolean;

export type Center = Awaited<ReturnType<typeof openCenter>>;

export async function openCenter() {
  const waits = new Set<{ readonly hears: Heard; readonly done: () => void }>();
  let connections = 0;
  const server = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      connected: () => {
        connections += 1;
      },
      message(_, text) {
        if (waits.size === 0) return;
        const message = JSON.parse(text) as Recorded;
        for (const wait of waits) if (wait.hears(message)) wait.done();
      },
      disconnected: () => undefined,
    },
  );
  /** Resolves with the time at which the first such message came. */
  const heard = (hears: Heard, what: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const wait = { hears, done: () => settle(() => resolve(performance.now())) };
      const late = setTimeout(() => settle(() => reject(new Error(`Waited ${deadlineMs} ms for ${what}`))), deadlineMs);
      const settle = (how: () => void): void => {
        clearTimeout(late);
        waits.delete(wait);
        how();
      };
      waits.add(wait);
    });
  return {
    heard,
    port: server.port,
    connections: () => connections,
    send: (text: string) => server.send(nodeName, text),
    close: () => server.close(),
  };
}

/** The pods of a podstatus; none for any other message. */
export function podsIn({ route, content }: Recorded): readonly ReportedPod[] {
  return route.resource === "websocket/podstatus" ? (content as readonly ReportedPod[]) : [];
}

/** When each container last started and died, as the engine's events tell: milliseconds on this process' clock. */
export async function watchEngine(docker: Docker) {
  const times = new Map<string, number>();
  const stream = (await docker.getEvents({ filters: { type: ["container"], event: ["start", "die"] } })) as Readable & {
    destroy(): void;
  };
  createInterface({ input: stream }).on("line", (line) => {
    const { timeNano, Action, Actor } = JSON.parse(line);
    const at = Number(BigInt(timeNano) / 1000n) / 1000 - performance.timeOrigin;
    times.set(`${Action} ${Actor.ID}`, at);
    const { "io.kubernetes.pod.uid": uid = "", "io.kubernetes.container.name": name = "" } = Actor.Attributes;
    times.set(`${Action} ${uid}/${name}`, at);
  });
  stream.on("error", () => undefined);
  /**
   * By `start` or `die`, and a container's id or its pod's uid and name.
   * @param since an event before this does not count
   */
  const at = async (what: string, since = 0): Promise<number> => {
    const end = performance.now() + deadlineMs;
    const isTold = (): boolean => (times.get(what) ?? -1) >= since;
    while (!isTold() && performance.now() < end) await sleep(5);
    if (!isTold()) throw new Error(`Waited ${deadlineMs} ms for the engine's event ${what}`);
    return times.get(what) ?? 0;
  };
  return { at, close: () => stream.destroy() };
}

export type EngineEvents = Awaited<ReturnType<typeof watchEngine>>;

/** A message about a pod, and how its reply is known. */
export function messageFor(operation: "update" | "delete", pod: { readonly metadata: { readonly name: string } }) {
  const id = randomUUID();
  const text = JSON.stringify({
    header: { msg_id: id, parent_msg_id: "", timestamp: Date.now(), sync: true, resourceversion: "" },
    route: { source: "controller", group: "resource", operation, resource: `websocket/pod/${pod.metadata.name}` },
    content: pod,
  });
  const isReply: Heard = ({ header }) => header.parent_msg_id === id;
  return { text, isReply };
}
