// The device that is measured: the agent, the engine, and a center in this process.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import type { TestEngine } from "../private-engine.ts";
import { createSite } from "../site.ts";
import { type BenchPod, podFor } from "./bare.ts";
import { messageFor, openCenter, podsIn, watchEngine } from "./center.ts";
import { processorMs } from "./process-weight.ts";

export type BenchDevice = Awaited<ReturnType<typeof openDevice>>;

/** Its program has to have come so far that it heeds SIGTERM; before that only the end of the grace period stops it. */
export const settleMs = 500;

/** As many as the configuration can allow. */
const mostContainers = 128;

/** @param executable the file to run, if not the one in dist */
export async function openDevice(engine: Pick<TestEngine, "socket" | "folder" | "command">, executable?: string) {
  const docker = new Docker({ socketPath: engine.socket });
  const center = await openCenter();
  const site = createSite(engine, {
    program: "executable",
    maxContainerNumber: mostContainers,
    asOnDevice: true,
    ...(executable === undefined ? {} : { executable }),
  });
  const events = await watchEngine(docker);

  async function start(): Promise<void> {
    const before = center.connections();
    site.startAgent(center.port);
    while (center.connections() === before) await sleep(5);
  }

  /** Sends pods at once and waits until the report has them running. @returns when the first byte was sent, and when all were seen */
  async function run(pods: readonly BenchPod[]) {
    const uids = new Set(pods.map(({ metadata }) => metadata.uid));
    const seen = center.heard((message) => {
      const running = podsIn(message).filter(({ UID, status }) => uids.has(UID) && status.phase === "Running");
      return running.length === uids.size;
    }, "podstatus Running of all");
    const messages = pods.map((pod) => messageFor("update", pod));
    const replies = messages.map(({ isReply }) =>
      center.heard((message) => {
        if (isReply(message) && message.content !== "OK") throw new Error(JSON.stringify(message.content));
        return isReply(message);
      }, "a reply"),
    );
    const sent = performance.now();
    for (const { text } of messages) center.send(text);
    return { sent, replied: Math.max(...(await Promise.all(replies))), seen: await seen };
  }

  async function remove(pods: readonly BenchPod[]): Promise<void> {
    const uids = new Set(pods.map(({ metadata }) => metadata.uid));
    await sleep(settleMs);
    const gone = center.heard(
      (message) =>
        message.route.resource === "websocket/podstatus" && !podsIn(message).some(({ UID }) => uids.has(UID)),
      "a report without the pods",
    );
    for (const pod of pods) center.send(messageFor("delete", pod).text);
    await gone;
  }

  return {
    socket: engine.socket,
    docker,
    center,
    site,
    events,
    start,
    run,
    remove,
    pid: () => site.pid("agent"),
    processorMs: () => processorMs(site.pid("agent")),
    pods: (count: number, containers = 1) =>
      Array.from({ length: count }, () => podFor(randomUUID(), containers, count)),
    async close(): Promise<void> {
      await site.close();
      events.close();
      await center.close();
    },
  };
}
