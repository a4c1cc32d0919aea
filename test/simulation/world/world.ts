import { defaultPolicy } from "../../../src/core/admission/policy.ts";
import { storeError } from "../../../src/core/base/store-failure.ts";
import type { SafeMode } from "../../../src/core/node/safe-mode.ts";
import type { Engine } from "../../../src/ports/engine.ts";
import type { Link } from "../../../src/ports/link.ts";
import type { Log } from "../../../src/ports/log.ts";
import { type VirtualClock, virtualClock } from "../../fakes/clock.ts";
import { type FakeControl, fakeControl } from "../../fakes/control.ts";
import { type FakeDevice, fakeDevice } from "../../fakes/device.ts";
import { fakeEngine } from "../../fakes/engine.ts";
import { type FakeContainer, observed } from "../../fakes/engine-container.ts";
import type { FakeEngineHost } from "../../fakes/engine-controls.ts";
import { type FakeFactoryFiles, fakeFactoryFiles } from "../../fakes/factory-files.ts";
import { fakeHttp } from "../../fakes/http.ts";
import { fakeImageArchives } from "../../fakes/image-archives.ts";
import { type FakeCenter, fakeLink, type Stalled } from "../../fakes/link.ts";
import { seededRandom } from "../../fakes/random.ts";
import { type MemoryStore, memoryStore } from "../../fakes/store.ts";
import { sampleArchive } from "../../samples/image-archive.ts";
import { testImage } from "../../samples/messages.ts";
import { type Chronicle, createChronicle } from "../judges/chronicle.ts";
import { unjustifiedStop } from "../judges/stops.ts";
import { createWitness, type Witness } from "../judges/witness.ts";
import { createDeviceLedger, type DeviceLedger } from "./device-ledger.ts";
import { type DeviceProcess, startProcess } from "./device-process.ts";
import { PlannedEnd, type PlannedFaults, plannedFaults, type Restart, type StrikingFault } from "./planned-faults.ts";
import { createPrograms, type Programs } from "./programs.ts";
import { createTrace, noteLog, type Trace, tracedEngine, tracedStore } from "./trace.ts";

/** One device in a world of fakes, on virtual time, with everything that happens decided by one seed. */
export interface World extends PlannedFaults {
  readonly clock: VirtualClock;
  readonly random: ReturnType<typeof seededRandom>;
  readonly host: FakeEngineHost;
  readonly center: FakeCenter;
  readonly device: FakeDevice;
  /** The folder of factory pods, and whoever asks on the device. */
  readonly factory: FakeFactoryFiles;
  readonly control: FakeControl;
  /** What the device itself asks for. */
  readonly ledger: DeviceLedger;
  readonly programs: Programs;
  readonly trace: Trace;
  readonly witness: Witness;
  readonly chronicle: Chronicle;
  /** Looks into the store without being one of the process's calls. */
  look<T>(at: (store: MemoryStore) => T): T;
  process(): DeviceProcess;
  /** The process dies now, if it has not yet, and another one starts on what is on disk. */
  restart(how: Restart): Promise<void>;
  /** SIGTERM, and another process once it has ended. */
  stopAndStart(): Promise<void>;
  /** Whether there is no room for the store either: whatever it is to write fails. */
  fillStore(on: boolean): void;
  /** Since when the store has room; null while it has none, and the agent keeps in memory what it cannot write. */
  storeRoomySince(): number | null;
  /** An image was taken away now, or all of them. */
  imageCleared(name?: string): void;
  /** Since when the line to the center is as it should be; null while it is not. */
  lineSteadySince(): number | null;
  /** Which ways of the line stall from now on. */
  stall(stalled: Stalled): void;
  /** Stops that the desired state did not ask for: invariant 3. */
  unjustified(): readonly string[];
}

export const images = { first: testImage, second: "edge.test/busybox:2" } as const;

const longestUpMs = 3_600_000;
/** The longest deadline of an engine call that a stopping agent may wait for. */
const stopWithinMs = 200_000;
/** Between looking an image up and stopping what it replaces, with calls in between that hang. */
const imageKnownMs = 200_000;

export interface WorldOptions {
  readonly liveRestore: boolean;
  /** Whether the next start of the agent is one in safe mode. */
  readonly safeMode?: () => SafeMode | null;
  /** Writes down what happens. */
  readonly keep?: boolean;
  /** Hears of a fault that was planned, just before it strikes. */
  readonly strikes?: (fault: StrikingFault) => void;
}

export function createWorld(seed: number, options: WorldOptions): World {
  // An agent may come up long after its device: what a clock said before the boot tells nothing of now.
  const boots = seededRandom(seed ^ 0xb007);
  const upMs = (): number => 1_000 + boots.below(2) * boots.below(longestUpMs);
  const clock = virtualClock(upMs());
  const trace = createTrace(clock, options.keep ?? false);
  const random = seededRandom(seed);
  const { engine, host } = fakeEngine({
    clock,
    random,
    liveRestore: options.liveRestore,
    happened: (action, container) => witness.happened(action, container),
  });
  const chronicle = createChronicle();
  const { link, center } = fakeLink(clock, { received: chronicle.arrived, handlerThrew: (error) => died(error) });
  const device = fakeDevice();
  device.listening(() => host.running().flatMap(publishedBy));
  const { http, behave } = fakeHttp(clock);
  const factory = fakeFactoryFiles();
  const control = fakeControl();
  const ledger = createDeviceLedger({ clock, factory, control });
  const programs = createPrograms(clock, host, behave);
  const unjustified: string[] = [];
  const texts = new Set<string>();
  const { endedByEngine } = host;
  const witness = createWitness({
    clock,
    programs,
    arrived,
    endedByEngine,
    stateOf: (id) => host.container(id)?.state ?? null,
    noted: chronicle.happened,
    look: (at) => look(at),
  });
  const files = fakeImageArchives();
  const fates = seededRandom(seed ^ 0xa7c4);
  const hasArchives = fates.below(4) === 0;
  const faults = plannedFaults({ strikes: options.strikes, trace, crash });
  /** When each image was taken away last. */
  const clearedAt = new Map<string, number>();
  let openedAt = clock.mono();
  let stalled = false;
  let storeFull = false;
  let roomySince = Number.NEGATIVE_INFINITY;
  let store = memoryStore({ beforeCall, beforeWrite });
  /** Null while it starts. */
  let process: DeviceProcess | null = null;
  /** A look from outside is none of the process's calls. */
  let looking = false;

  function look<T>(at: (store: MemoryStore) => T): T {
    looking = true;
    try {
      return at(store);
    } finally {
      looking = false;
    }
  }

  function arrived(text: string): boolean {
    const all = center.received();
    for (const one of all.slice(texts.size)) texts.add(one);
    return texts.has(text);
  }

  function beforeCall(name: string): void {
    if (looking) return;
    // A dead process writes nothing, whatever of it was still on its way.
    if (process?.alive() === false) throw new PlannedEnd("The process is dead");
    faults.storeCalled(name);
  }

  function kill(): void {
    process?.kill();
    host.abandon();
  }

  function beforeWrite(): void {
    if (storeFull) throw storeError("full", "database or disk is full");
  }

  function crash(powerCut: boolean): void {
    kill();
    if (powerCut) powerGoes();
  }

  function powerGoes(): void {
    host.down("crash");
    for (const { id } of host.running()) host.kill(id, 255);
  }

  /** What a handler throws that the socket calls, ends a process. */
  function died(error: unknown): void {
    if (!(error instanceof PlannedEnd)) throw error;
    kill();
  }

  const judged: Engine = {
    ...engine,
    create(request, signal) {
      witness.creates(request);
      return engine.create(request, signal);
    },
    stop(id, graceSeconds, signal) {
      const isKnown = (name: string): boolean => clock.mono() - (clearedAt.get(name) ?? -imageKnownMs) > imageKnownMs;
      const circumstances = { host, programs, isKnown };
      const why = look((now) => unjustifiedStop(now, circumstances, id));
      if (why !== null) unjustified.push(why);
      return engine.stop(id, graceSeconds, signal);
    },
  };

  const noted: Link = {
    credentials: () => link.credentials(),
    async dial(handlers, signal) {
      const result = await link.dial(handlers, signal);
      if (result.ok) openedAt = clock.mono();
      return result;
    },
  };

  /** Somebody puts archives into the folder, takes them away, or leaves half of one there. */
  function exchangeArchives(): void {
    if (!hasArchives) return;
    for (const [digest, name] of Object.entries(images)) {
      const { bytes } = sampleArchive({ names: [name], digest, user: "" });
      const fate = fates.pick(["whole", "whole", "half", "none"] as const);
      if (fate === "none") files.remove(`${digest}.tar`);
      else files.put(`${digest}.tar`, fate === "whole" ? bytes : bytes.subarray(0, bytes.length / 2));
      trace.note("device", () => `has ${fate} of the archive of ${name}`);
    }
  }

  function start(): void {
    trace.note("agent", () => "starts");
    witness.agentStarts();
    process = null;
    const log: Log = { write: (level, event, fields) => noteLog(trace, level, event, fields) };
    const safeMode = options.safeMode?.() ?? null;
    const ports = {
      safeMode,
      clock,
      random,
      engine: tracedEngine(judged, trace),
      link: noted,
      device,
      archives: files.archives,
      http,
      factoryFiles: factory.files,
      controlSocket: control.socket,
      log,
      awaited: faults.awaited,
    };
    process = startProcess({ ...ports, policy: defaultPolicy }, tracedStore(witness.beside(store), trace));
  }
  exchangeArchives();
  start();

  return {
    clock,
    random,
    host,
    center,
    device,
    factory,
    control,
    ledger,
    programs,
    trace,
    witness,
    chronicle,
    look,
    process: () => process as DeviceProcess,
    crashIn: faults.crashIn,
    crashAtCommit: faults.crashAtCommit,
    failStoreIn: faults.failStoreIn,
    crashAtAwait: faults.crashAtAwait,
    afterCrash: faults.afterCrash,
    calm: faults.calm,
    async restart({ powerCut, noBattery = false, dataLost = false, meanwhile = () => undefined, awayMs = 500 }) {
      kill();
      center.abandon();
      faults.calm();
      store = dataLost ? memoryStore({ beforeCall, beforeWrite }) : store.reopen({ powerCut });
      if (dataLost) ledger.forgot();
      if (powerCut || dataLost) look(chronicle.beginAnew);
      if (powerCut) {
        powerGoes();
        clock.reboot(upMs());
        for (const name of clearedAt.keys()) clearedAt.set(name, clock.mono());
        if (noBattery) clock.jump(60_000 - clock.wall());
        witness.unsure();
        host.up();
      }
      meanwhile();
      exchangeArchives();
      await clock.pass(awayMs);
      start();
    },
    async stopAndStart() {
      const before = process;
      if (before === null) return;
      void before.stop();
      if (!(await clock.passUntil(() => !before.alive(), stopWithinMs))) throw new Error("The agent does not stop");
      center.abandon();
      faults.calm();
      store = store.reopen();
      start();
    },
    fillStore(on) {
      if (storeFull && !on) roomySince = clock.mono();
      storeFull = on;
    },
    storeRoomySince: () => (storeFull ? null : roomySince),
    imageCleared(name) {
      for (const one of name === undefined ? Object.values(images) : [name]) clearedAt.set(one, clock.mono());
    },
    lineSteadySince: () => (stalled || !center.connected() ? null : openedAt),
    stall(which) {
      stalled = which !== "no";
      openedAt = clock.mono();
      center.stall(which);
    },
    unjustified: () => unjustified,
  };
}

/** Docker's proxies listen on what is published. */
function publishedBy(container: FakeContainer): readonly number[] {
  return (observed(container)?.hostPorts ?? []).map((key) => Number.parseInt(key, 10));
}
