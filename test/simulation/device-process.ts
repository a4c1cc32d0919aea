import { type AgentParts, runAgent } from "../../src/agent/agent.ts";
import type { Policy } from "../../src/core/admission/policy.ts";
import { defaultPolicy } from "../../src/core/admission/policy.ts";
import type { StatusDocument } from "../../src/core/status-document.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Engine } from "../../src/ports/engine.ts";
import type { HttpProbe } from "../../src/ports/http.ts";
import type { Link } from "../../src/ports/link.ts";
import type { Random } from "../../src/ports/random.ts";
import type { FakeDevice } from "../fakes/device.ts";
import { fakeHttp } from "../fakes/http.ts";
import type { MemoryStore } from "../fakes/store.ts";

export interface ProcessWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly engine: Engine;
  readonly link: Link;
  readonly device: FakeDevice;
  /** Nobody answers anywhere without it. */
  readonly http?: HttpProbe;
  readonly policy?: Policy;
}

/** One run of the agent's process on a device: it can be killed, and then nothing of it does anything any more. */
export interface DeviceProcess {
  alive(): boolean;
  /** SIGKILL. */
  kill(): void;
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void>;
  /** What it threw, if a bug or a planned crash ended it. */
  failure(): unknown;
  published(): StatusDocument | null;
}

/** Starts the real agent on the world's fakes. */
export function startProcess(world: ProcessWorld, store: MemoryStore): DeviceProcess {
  const stop = new AbortController();
  const death = new AbortController();
  let living = true;
  let thrown: unknown = null;
  let document: StatusDocument | null = null;
  const alive = (): boolean => living;
  const http = world.http ?? fakeHttp(world.clock).http;
  const parts: AgentParts = {
    engine: mortalEngine(world.engine, alive),
    store,
    // A process that died while it dialled opens nothing.
    link: { dial: (handlers, signal) => world.link.dial(handlers, AbortSignal.any([signal, death.signal])) },
    device: world.device.device,
    http: { get: (request, signal) => (alive() ? untilDead(http.get(request, signal), alive) : never()) },
    clock: mortalClock(world.clock, alive),
    random: world.random,
    log: { write: () => {} },
    policy: () => world.policy ?? defaultPolicy,
    protectedPaths: () => [],
    settings: {
      nodeName: "edge-1",
      centerUrl: "ws://127.0.0.1/websocket/edge-1/events",
      statusPeriodMs: 30_000,
      keepaliveMs: 15_000,
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

/** A dead process never wakes. */
function mortalClock(clock: Clock, alive: () => boolean): Clock {
  return {
    wall: () => clock.wall(),
    mono: () => clock.mono(),
    bootId: () => clock.bootId(),
    sleep: (ms, signal) => (alive() ? untilDead(clock.sleep(ms, signal), alive) : never()),
  };
}

/** What the engine answers to a dead process, nobody hears. */
function mortalEngine(engine: Engine, alive: () => boolean): Engine {
  return new Proxy(engine, {
    get(target, name: keyof Engine) {
      const method = target[name] as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) => (alive() ? untilDead(method.apply(target, args), alive) : never());
    },
  });
}

async function untilDead<T>(promise: Promise<T>, alive: () => boolean): Promise<T> {
  const value = await promise;
  return alive() ? value : never();
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}
