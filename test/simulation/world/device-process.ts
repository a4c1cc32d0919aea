import { type AgentParts, runAgent } from "../../../src/agent/agent.ts";
import type { Policy } from "../../../src/core/admission/policy.ts";
import { defaultPolicy } from "../../../src/core/admission/policy.ts";
import type { SafeMode } from "../../../src/core/node/safe-mode.ts";
import type { StatusDocument } from "../../../src/core/status-document.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { ControlSocket } from "../../../src/ports/control.ts";
import type { Engine } from "../../../src/ports/engine.ts";
import type { FactoryFiles } from "../../../src/ports/factory-files.ts";
import type { HttpProbe } from "../../../src/ports/http.ts";
import type { ImageArchives } from "../../../src/ports/image-archives.ts";
import type { Link } from "../../../src/ports/link.ts";
import type { Log } from "../../../src/ports/log.ts";
import type { Random } from "../../../src/ports/random.ts";
import type { Store } from "../../../src/ports/store.ts";
import { fakeControl } from "../../fakes/control.ts";
import type { FakeDevice } from "../../fakes/device.ts";
import { fakeFactoryFiles } from "../../fakes/factory-files.ts";
import { fakeHttp } from "../../fakes/http.ts";
import { fakeImageArchives } from "../../fakes/image-archives.ts";

export interface ProcessWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly engine: Engine;
  readonly link: Link;
  readonly device: FakeDevice;
  /** Nobody answers anywhere without it. */
  readonly http?: HttpProbe;
  /** No image was put on this device without it. */
  readonly archives?: ImageArchives;
  /** No folder of factory pods, and nobody who asks, without them. */
  readonly factoryFiles?: FactoryFiles;
  readonly controlSocket?: ControlSocket;
  readonly policy?: Policy;
  readonly log?: Log;
  readonly safeMode?: SafeMode | null;
  /** Called each time before the process goes on with what it has waited for. */
  readonly awaited?: () => void;
}

/** One run of the agent's process on a device: it can be killed, and then nothing of it does anything any more. */
export interface DeviceProcess {
  alive(): boolean;
  /** SIGKILL. */
  kill(): void;
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void>;
  /** What it threw: a planned crash that ended it, or a bug that parked a pod or a loop. */
  failure(): unknown;
  published(): StatusDocument | null;
}

/** Starts the real agent on the world's fakes. */
export function startProcess(world: ProcessWorld, store: Store): DeviceProcess {
  const stop = new AbortController();
  const death = new AbortController();
  let living = true;
  let thrown: unknown = null;
  let document: StatusDocument | null = null;
  const alive = (): boolean => living;
  const http = world.http ?? fakeHttp(world.clock).http;
  const untilDead = async <T>(promise: Promise<T>): Promise<T> => {
    const value = await promise;
    if (living) world.awaited?.();
    return living ? value : never();
  };
  const archives = world.archives ?? fakeImageArchives().archives;
  const write: Log["write"] = (level, event, fields) => {
    // A bug ends nothing any more; for a simulation it is what it was.
    if (living && event === "Internal error") thrown ??= new Error(`${fields?.["what"]}: ${fields?.["stack"]}`);
    world.log?.write(level, event, fields);
  };
  const mortal = <T>(wait: () => Promise<T>): Promise<T> => (living ? untilDead(wait()) : never());
  const parts: AgentParts = {
    engine: mortalEngine(world.engine, mortal),
    store,
    // A process that died while it dialled opens nothing.
    link: {
      credentials: () => world.link.credentials(),
      dial: (handlers, signal) => mortal(() => world.link.dial(handlers, AbortSignal.any([signal, death.signal]))),
    },
    device: world.device.device,
    podFiles: world.device.podFiles,
    http: { get: (request, signal) => mortal(() => http.get(request, signal)) },
    archives: {
      ...archives,
      imageNames: (file, signal, onRead) => mortal(() => archives.imageNames(file, signal, onRead)),
    },
    factoryFiles: world.factoryFiles ?? fakeFactoryFiles().files,
    controlSocket: mortalControl(world.controlSocket ?? fakeControl().socket, alive),
    clock: { ...world.clock, sleep: (ms, signal) => mortal(() => world.clock.sleep(ms, signal)) },
    random: world.random,
    log: { write },
    safeMode: world.safeMode ?? null,
    policy: () => world.policy ?? defaultPolicy,
    protectedPaths: () => [],
    settings: {
      nodeName: "edge-1",
      serialNumber: "SN-1",
      centerUrl: "ws://127.0.0.1/websocket/edge-1/events",
      statusPeriodMs: 30_000,
      keepaliveMs: 15_000,
      statusDialect: "kubernetes",
      images: { high: 80, low: 70 },
      pid: 1,
      version: "0.0.0",
    },
    publish(next) {
      document = next;
    },
  };
  const ended = runAgent(parts, stop.signal).catch((error: unknown) => {
    if (living) thrown = error;
    living = false;
  });
  return {
    alive,
    kill() {
      living = false;
      death.abort();
    },
    async stop() {
      stop.abort();
      await ended;
      living = false;
    },
    failure: () => thrown,
    published: () => document,
  };
}

/** A dead process answers nobody. */
function mortalControl(socket: ControlSocket, alive: () => boolean): ControlSocket {
  return {
    serve: (handle, signal) =>
      socket.serve((request) => {
        if (!alive()) throw new Error("The process is dead");
        return handle(request);
      }, signal),
  };
}

/** What the engine answers to a dead process, nobody hears. */
function mortalEngine(engine: Engine, mortal: <T>(wait: () => Promise<T>) => Promise<T>): Engine {
  return new Proxy(engine, {
    get(target, name: keyof Engine) {
      const method = target[name] as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) => mortal(() => method.apply(target, args));
    },
  });
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}
