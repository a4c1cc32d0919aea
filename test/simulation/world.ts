import { defaultPolicy } from "../../src/core/admission/policy.ts";
import { hashesOf, partOf } from "../../src/core/pod/wanted.ts";
import type { Engine } from "../../src/ports/engine.ts";
import type { Log } from "../../src/ports/log.ts";
import { type VirtualClock, virtualClock } from "../fakes/clock.ts";
import { type FakeDevice, fakeDevice } from "../fakes/device.ts";
import { type FakeEngineHost, fakeEngine } from "../fakes/engine.ts";
import { fakeHttp } from "../fakes/http.ts";
import { type FakeCenter, fakeLink } from "../fakes/link.ts";
import { seededRandom } from "../fakes/random.ts";
import { type MemoryStore, memoryStore } from "../fakes/store.ts";
import { testImage } from "../samples/messages.ts";
import { type DeviceProcess, startProcess } from "./device-process.ts";
import { createPrograms, type Programs } from "./programs.ts";
import { createTrace, noteLog, type Trace, tracedEngine, tracedStore } from "./trace.ts";

/** An end of the process that was planned: it tells itself from a bug. */
export class PlannedEnd extends Error {}

/** One device in a world of fakes, on virtual time, with everything that happens decided by one seed. */
export interface World {
  readonly clock: VirtualClock;
  readonly random: ReturnType<typeof seededRandom>;
  readonly host: FakeEngineHost;
  readonly center: FakeCenter;
  readonly device: FakeDevice;
  readonly programs: Programs;
  /** Looks into the store without being one of the process's calls. */
  look<T>(at: (store: MemoryStore) => T): T;
  process(): DeviceProcess;
  readonly trace: Trace;
  /** The agent's process dies before the n-th store call from now. */
  crashIn(calls: number): void;
  /** It dies as it is about to go on after the n-th wait from now: for the engine, a probe or the clock. */
  crashAtAwait(awaits: number): void;
  /** No crash is planned any more. */
  calm(): void;
  /** The process dies now, if it has not yet, and another one starts on what is on disk. */
  restart(how: { readonly powerCut: boolean }): Promise<void>;
  /** Stops that the desired state did not ask for: invariant 3. */
  unjustified(): readonly string[];
}

export const images = { first: testImage, second: "edge.test/busybox:2" } as const;

export interface WorldOptions {
  readonly liveRestore: boolean;
  /** Writes down what happens. */
  readonly keep?: boolean;
}

export function createWorld(seed: number, options: WorldOptions): World {
  const clock = virtualClock();
  const trace = createTrace(clock, options.keep ?? false);
  const random = seededRandom(seed);
  const { engine, host } = fakeEngine({ clock, random, liveRestore: options.liveRestore });
  const { link, center } = fakeLink(clock, { handlerThrew: (error) => died(error) });
  const device = fakeDevice();
  const { http, behave } = fakeHttp(clock);
  const programs = createPrograms(clock, host, behave);
  const unjustified: string[] = [];
  let storeCalls = Number.POSITIVE_INFINITY;
  let awaits = Number.POSITIVE_INFINITY;
  let store = memoryStore({ beforeCall });
  /** Null while it starts. */
  let process: DeviceProcess | null = null;
  /** A look from outside is none of the process's calls. */
  let looking = false;
  const look = <T>(at: (store: MemoryStore) => T): T => {
    looking = true;
    try {
      return at(store);
    } finally {
      looking = false;
    }
  };

  function beforeCall(): void {
    if (looking) return;
    // A dead process writes nothing, whatever of it was still on its way.
    if (process?.alive() === false) throw new PlannedEnd("The process is dead");
    storeCalls -= 1;
    if (storeCalls > 0) return;
    trace.note("agent", () => "dies between two store calls");
    process?.kill();
    throw new PlannedEnd("The process died between two store calls");
  }

  function awaited(): void {
    awaits -= 1;
    if (awaits > 0) return;
    awaits = Number.POSITIVE_INFINITY;
    trace.note("agent", () => "dies as it goes on");
    process?.kill();
  }

  function calm(): void {
    storeCalls = Number.POSITIVE_INFINITY;
    awaits = Number.POSITIVE_INFINITY;
  }

  function died(error: unknown): void {
    if (!(error instanceof PlannedEnd)) throw error;
  }

  const judged: Engine = {
    ...engine,
    stop(id, graceSeconds, signal) {
      const why = look((now) => unjustifiedStop(now, { host, programs }, id));
      if (why !== null) unjustified.push(why);
      return engine.stop(id, graceSeconds, signal);
    },
  };

  function start(): void {
    trace.note("agent", () => "starts");
    process = null;
    const log: Log = { write: (level, event, fields) => noteLog(trace, level, event, fields) };
    const ports = { clock, random, engine: tracedEngine(judged, trace), link, device, http, log, awaited };
    process = startProcess({ ...ports, policy: defaultPolicy }, tracedStore(store, trace));
  }
  start();

  return {
    ...{ clock, random, host, center, device, programs, trace },
    look,
    process: () => process as DeviceProcess,
    crashIn(calls) {
      storeCalls = calls;
    },
    crashAtAwait(count) {
      awaits = count;
    },
    calm,
    async restart({ powerCut }) {
      process?.kill();
      center.abandon();
      calm();
      store = store.reopen({ beforeCall, powerCut });
      if (powerCut) {
        host.down("crash");
        clock.reboot();
        host.up();
      }
      await clock.pass(500);
      start();
    },
    unjustified: () => unjustified,
  };
}

/** Says what is wrong with stopping a container now, null when the desired state asks for it. */
function unjustifiedStop(
  store: MemoryStore,
  { host, programs }: Pick<World, "host" | "programs">,
  id: string,
): string | null {
  const request = host.container(id)?.request;
  if (request == null) return null;
  const { pod, container, generation } = request;
  const { namespace, name, uid } = pod.id;
  const leaving = store
    .leavingPods()
    .some((one) => one.id.namespace === namespace && one.id.name === name && ["", uid].includes(one.id.uid));
  if (leaving) return null;
  const desired = store.desiredPod(namespace, name);
  if (desired?.pod.id.uid !== uid) return `${name}/${container} was stopped although nobody asked for it`;
  const { sandboxId } = request;
  if (sandboxId !== null && host.container(sandboxId)?.state.kind !== "running") return null;
  const part = partOf(desired, container);
  if (part === undefined) return null;
  const wanted = hashesOf(desired, part);
  const same = request.podHash === wanted.podHash && request.specHash === wanted.specHash;
  if (!same || generation < desired.generation) return null;
  const spec = desired.pod.spec.containers.find((one) => one.name === container);
  if (spec?.livenessProbe !== undefined && programs.gaveCause(id)) return null;
  return `${name}/${container} was stopped although it is what is wanted`;
}
