// What a pod of ours is measured beside: the calls of the engine that make its containers, over bare HTTP with the same
// payloads, and the commands of others.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { availableParallelism } from "node:os";
import { text } from "node:stream/consumers";
import { admitPod } from "../../src/core/admission/admit.ts";
import { featureGates } from "../../src/core/admission/feature-gates.ts";
import { defaultPolicy } from "../../src/core/admission/policy.ts";
import { sandboxName } from "../../src/core/pod/identity.ts";
import { hashesOf, sandboxPart } from "../../src/core/pod/wanted.ts";
import { type CreatePayload, createOptions } from "../../src/docker/create-options.ts";
import type { CreateRequest, ImageInfo } from "../../src/ports/engine.ts";
import { testImages } from "../test-images.ts";
import type { EngineEvents } from "./center.ts";

/**
 * A pod of so many containers that end when they are asked to.
 * @param atOnce how many such pods have to fit on the device: each has its share of the processors as its limit
 */
export function podFor(uid: string, containers = 1, atOnce = 1) {
  const millis = Math.max(
    10,
    Math.min(100, Math.floor((availableParallelism() * 1_000 - 100) / (atOnce * containers))),
  );
  const container = {
    image: testImages.greeter,
    resources: { requests: { cpu: "10m", memory: "8Mi" }, limits: { cpu: `${millis}m`, memory: "8Mi" } },
  };
  const names = ["app", "side", "third"].slice(0, containers);
  const metadata = { name: `bench-${uid}`, namespace: "websocket", uid, resourceVersion: "1" };
  return { metadata, spec: { containers: names.map((name) => ({ name, ...container })), restartPolicy: "Always" } };
}

export type BenchPod = ReturnType<typeof podFor>;

interface Answer {
  readonly Id?: string;
  readonly State?: { readonly Running: boolean; readonly StartedAt: string };
}

/** One call of the engine on a connection of its own. */
export function call(socketPath: string, method: "GET" | "POST" | "DELETE", path: string, body?: object) {
  return new Promise<Answer>((resolve, reject) => {
    const headers = { "Content-Type": "application/json" };
    const sent = request({ socketPath, method, path: `/v1.41${path}`, headers, agent: false }, (response) => {
      text(response).then((answer) => {
        if ((response.statusCode ?? 500) >= 400) reject(new Error(`${path}: ${response.statusCode} ${answer}`));
        else resolve(answer.startsWith("{") ? JSON.parse(answer) : {});
      }, reject);
    });
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Makes and starts one container. */
export async function bareStart(socket: string, payload: CreatePayload): Promise<string> {
  const { Id = "" } = await call(socket, "POST", `/containers/create?name=bare-${randomUUID()}`, payload);
  await call(socket, "POST", `/containers/${Id}/start`);
  return Id;
}

export async function bareEnd(socket: string, id: string): Promise<void> {
  await call(socket, "POST", `/containers/${id}/stop`);
  await call(socket, "DELETE", `/containers/${id}?v=true`);
}

/** When a container started, on this process' clock. */
export async function startedAt(socket: string, id: string): Promise<number> {
  const { State } = await call(socket, "GET", `/containers/${id}/json`);
  return Date.parse(State?.StartedAt ?? "") - performance.timeOrigin;
}

/** Kills a container. @returns the milliseconds from the engine's event until its inspect shows the end */
export async function bareDeath(socket: string, id: string, events: Pick<EngineEvents, "at">): Promise<number> {
  const event = events.at(`die ${id}`);
  await call(socket, "POST", `/containers/${id}/kill`);
  for (;;) {
    const { State } = await call(socket, "GET", `/containers/${id}/json`);
    if (State?.Running === false) return performance.now() - (await event);
  }
}

/**
 * What the agent sends to the engine for a container of a pod, but for the labels: by them the agent would look at it.
 * @param sandboxId the running sandbox that it joins; null for a container that is alone
 */
export function payloadOf(
  containers: number,
  name: string,
  images: Readonly<Record<"app" | "sandbox", ImageInfo>>,
  sandboxId: string | null,
  atOnce = 1,
): CreatePayload {
  const allocatable = { cpu: "4", memory: "4Gi" };
  const node = { allocatable, addresses: [], listening: { tcp: [], udp: [] }, pods: [], configMaps: [] };
  const context = { policy: defaultPolicy, node, featureGates, nodeName: "edge-1" };
  const verdict = admitPod(podFor(randomUUID(), containers, atOnce), context);
  if (!verdict.accepted) throw new Error(verdict.violations.map(({ message }) => message).join("\n"));
  const pod = verdict.value;
  const part = pod.spec.containers.find((one) => one.name === name) ?? sandboxPart;
  const desired = {
    pod,
    generation: 0,
    acceptedAt: { wall: 0, mono: 0, bootId: "" },
    request: "bench",
    contentHash: "",
  };
  const image = name === sandboxName ? images.sandbox : images.app;
  const request: CreateRequest = {
    installId: "",
    pod,
    container: name,
    sandboxId,
    attempt: 0,
    generation: 0,
    image,
    volumePaths: {},
    hostPaths: {},
    coveredPaths: {},
    scratchPaths: [],
    submounts: [],
    resolvConf: null,
    terminationLog: null,
    oomScoreAdj: 0,
    devices: [],
    ...hashesOf(desired, part),
  };
  const made = createOptions(request);
  if (!made.ok) throw new Error(made.message);
  return { ...made.payload, Labels: {} };
}

/** A command of somebody else's against the engine, to its end. @returns what it printed */
export async function command(socket: string, program: string, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, DOCKER_HOST: `unix://${socket}` };
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"], env });
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}`);
  return out.trim();
}
