import { taggedName } from "../../src/docker/image.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Engine } from "../../src/ports/engine.ts";
import { abortedBy, call, ping, refuse } from "./engine-calls.ts";
import type { FakeContainer } from "./engine-container.ts";
import { type FakeEngineHost, type FakeEngineState, hostOf } from "./engine-controls.ts";
import { audited, created, inspected, listed, removed, started, stopped } from "./engine-effects.ts";
import { noteEvent, publishEvent, publishImageEvent, publishReconfigured, watch } from "./engine-events.ts";
import { fakeHost } from "./engine-host.ts";
import { fakeSandboxImage, imageRemoved, loaded, localImage, pulled, storedImages } from "./engine-images.ts";

export interface FakeEngineOptions {
  readonly clock: Clock;
  /** Spreads latencies, and decides what becomes of calls whose caller has gone. */
  readonly random: { next(): number };
  readonly architecture?: string;
  /** Whether containers outlive the engine; off unless asked for. */
  readonly liveRestore?: boolean;
  /** Hears of everything that happens to a container, with Docker's action, whether an event of it arrives or not. */
  readonly happened?: (action: string, container: FakeContainer) => void;
}

export interface FakeEngine {
  readonly engine: Engine;
  readonly host: FakeEngineHost;
}

/** A Docker engine in memory, on the clock's time: containers start, end, hold ports and names, and die with the engine. */
export function fakeEngine(options: FakeEngineOptions): FakeEngine {
  const state: FakeEngineState = {
    clock: options.clock,
    random: options.random,
    host: fakeHost(
      options.clock,
      (action, container) => {
        if (action === "start") state.endedByEngine.delete(container.id);
        options.happened?.(action, container);
        if (state.losesEvents) return;
        if (action === "disconnect") publishReconfigured(state, container.id);
        else publishEvent(state, action, container);
      },
      () => {
        if (!state.losesEvents) publishImageEvent(state);
      },
    ),
    registry: new Map(),
    startsAside: new Map(),
    freeSince: null,
    upSince: options.clock.mono(),
    faults: [],
    watchers: new Set(),
    past: [],
    waiting: new Set(),
    calls: [],
    pending: 0,
    network: true,
    latency: { least: 1, most: 5, pull: 50 },
    mode: "up",
    containerdHangs: false,
    locks: new Set(),
    shown: new Set(),
    downs: 0,
    deaths: 0,
    losesEvents: false,
    diskFull: "no",
    deadHeld: false,
    endedByEngine: new Set(),
  };
  return { engine: engineOn(state, options), host: hostOf(state, options.liveRestore ?? false) };
}

function engineOn(state: FakeEngineState, options: FakeEngineOptions): Engine {
  const { host } = state;
  const architecture = options.architecture ?? "amd64";
  const info = {
    version: "20.10.24",
    apiVersion: "1.41",
    architecture,
    liveRestore: options.liveRestore ?? false,
    seccomp: true,
    product: "docker" as const,
    bridge: true,
    rootless: false,
    remapsUsers: false,
    hasProxy: false,
    warnings: [],
    dataRoot: "/var/lib/docker",
    memoryBytes: 2 ** 31,
    cpus: 2,
  };
  return {
    info: (signal) => call(state, "info", "", signal, () => ({ value: { ...info, runId: runIdOf(state, options) } })),
    ping: (signal) => ping(state, signal),
    list: (signal) =>
      call(state, "list", "", signal, () => {
        const value = listed(state);
        for (const { id, state: is } of value) if (is.kind === "running") state.shown.add(id);
        return { value };
      }),
    inspect: (id, signal) => call(state, "inspect", id, signal, () => inspected(host, id)),
    create: (request, signal) => {
      const subject = `${request.pod.id.name}/${request.container}/${request.attempt}`;
      return call(state, "create", subject, signal, () => created(state, request, architecture));
    },
    audit: (id, _request, signal) => call(state, "audit", id, signal, () => audited(host, id)),
    start: (id, signal) => call(state, "start", id, signal, (late) => started(state, id, late)),
    stop: (id, graceSeconds, signal) => call(state, "stop", id, signal, () => stopped(state, id, graceSeconds)),
    rename: (id, name, signal) =>
      call(state, "rename", id, signal, () => {
        const refusal = host.rename(id, name);
        return refusal === null ? { value: undefined } : { refusal };
      }),
    remove: (id, signal) => call(state, "remove", id, signal, () => removed(state, id)),
    exec: (id, command, signal, started) => {
      const asked = { command, at: state.clock.mono() };
      return call(state, "exec", id, signal, () => {
        for (const _ of ["exec_create", "exec_start", "exec_die"]) noteEvent(state, null);
        return host.exec(id, asked, signal, started);
      });
    },
    isAlive: (id, program, signal) => call(state, "isAlive", id, signal, () => host.isAlive(id, program)),
    image: (name, signal) => call(state, "image", name, signal, () => localImage(state, name)),
    images: (signal) => call(state, "images", "", signal, () => ({ value: storedImages(host) })),
    removeImage: (id, signal) =>
      call(state, "removeImage", id, signal, () =>
        // Docker writes before it deletes (docker 20.10).
        state.diskFull !== "no"
          ? refuse("diskFull", "write .tmp-repositories.json: no space left on device")
          : imageRemoved(host, id),
      ),
    ensureSandboxImage: (signal) =>
      call(state, "ensureSandboxImage", "", signal, () => {
        const image = fakeSandboxImage(architecture);
        host.addImage("edge.invalid/sandbox:fake", image);
        return { value: image };
      }),
    pull: (name, credentials, signal) =>
      call(state, "pull", name, signal, async () => {
        await state.clock.sleep(state.latency.pull, signal);
        if (signal.aborted) return { refusal: abortedBy(signal) };
        if (state.diskFull !== "no") return refuse("diskFull", "write /var/lib/docker/tmp: no space left on device");
        return pulled(state, taggedName(name), credentials, architecture);
      }),
    load: (name, archive, signal, onBytes = () => {}) =>
      call(state, "load", name, signal, async () => {
        await state.clock.sleep(state.latency.pull, signal);
        if (signal.aborted) return { refusal: abortedBy(signal) };
        if (state.diskFull !== "no") return refuse("diskFull", "write /var/lib/docker/tmp: no space left on device");
        return loaded(host, taggedName(name), archive, { architecture, onBytes });
      }),
    watch: (handlers, signal) => watch(state, handlers, signal),
  };
}

function runIdOf({ downs }: FakeEngineState, { liveRestore = false }: FakeEngineOptions): string {
  return liveRestore ? "live-restore" : `run-${downs}`;
}
