import type { RegistryCredentials } from "../../src/core/image/registry-credentials.ts";
import { taggedName } from "../../src/docker/image.ts";
import type { ImageInfo } from "../../src/ports/engine.ts";
import type { EngineCall, Fault, Operation } from "./engine-calls.ts";
import type { FakeContainer } from "./engine-container.ts";
import type { Effects } from "./engine-effects.ts";
import type { Host } from "./engine-host.ts";
import type { Published } from "./engine-images.ts";

type FromHost =
  | "containers"
  | "container"
  | "images"
  | "addImage"
  | "removeImage"
  | "behave"
  | "occupy"
  | "release"
  | "refuseOomScores"
  | "addForeign"
  | "clockLag"
  | "images";

/** The machine behind the fake engine, held by a test. */
export interface FakeEngineHost extends Pick<Host, FromHost> {
  running(): readonly FakeContainer[];
  /** An image that a registry has under this name; with credentials it refuses everybody else. */
  publish(name: string, image: ImageInfo, credentials?: Pick<RegistryCredentials, "username" | "password">): void;
  unpublish(name: string): void;
  /** Whether any registry can be reached; they can at the start. */
  network(on: boolean): void;
  /** Milliseconds of a call (spread evenly between the two) and of a pull; 1 to 5 and 50 at the start. */
  latency(least: number, most: number, pull?: number): void;
  /** The next `times` calls of an operation go wrong; later scripts come after earlier ones. */
  fail(operation: Operation, fault: Fault, times?: number): void;
  /** No further call goes wrong; what hangs already stays so. */
  heal(): void;
  /** The engine ends, by its own will or in a crash. Without live-restore what runs dies: at once, or as it comes up again. */
  down(how?: "stop" | "crash"): void;
  up(): void;
  /** SIGSTOP: calls are taken and not answered, containers live on. What waits is done at `thaw`, or not if its caller has gone. */
  freeze(): void;
  thaw(): void;
  /**
   * SIGSTOP of containerd: nothing can be started, stopped or run in a container. Lists are answered, until a container that
   * they have to look at is in the middle of a start or a stop.
   */
  hangContainerd(on: boolean): void;
  /**
   * Which disk is full, that of what the engine keeps or the one for all: nothing can be made, started or fetched any more;
   * what runs does so, and can be stopped and removed.
   */
  fillDisk(full: Effects["diskFull"]): void;
  /** The shim of a container is stopped: the engine answers about everything but this one. */
  silence(idOrName: string, on: boolean): void;
  /** `docker pause` and `docker unpause` by somebody else. */
  pauseByHand(idOrName: string, on: boolean): void;
  /** `docker rename` by somebody else. */
  renameByHand(idOrName: string, name: string): void;
  /** `docker network disconnect` by somebody else; no event of a container tells of it. */
  disconnectByHand(idOrName: string): void;
  /** Dead containers cannot be removed: something holds their folders. */
  holdDead(on: boolean): void;
  /** Ends the stream of events; the engine is there all the while. */
  breakEvents(): void;
  /** The process of a caller dies: calls under way are those of nobody. */
  abandon(): void;
  /** Whether a container last ended because the engine did. */
  endedByEngine(id: string): boolean;
  /** Whether somebody at the device could do anything by hand now. */
  answersHands(): boolean;
  /** `docker start` by somebody else; false when the engine refuses it. */
  startByHand(idOrName: string): boolean;
  /** `docker restart` by somebody else. */
  restartByHand(idOrName: string): void;
  /** Whether events are lost on the way; a list still tells. */
  loseEvents(on: boolean): void;
  /** `docker kill` by somebody else. */
  kill(idOrName: string, exitCode?: number): void;
  /** `docker rm -f` by somebody else. */
  removeByHand(idOrName: string): void;
  /** Every container and image is gone: somebody emptied the data folder. */
  wipe(): void;
  /** When it was last started beside another one of its name: by hand, or for somebody who had given up; null when it never was. */
  startedAside(id: string): number | null;
  /** Since when it could carry out whatever was asked; null while it cannot. */
  ableSince(): number | null;
  /** Since when it has not been frozen, nor its containerd; null when it never was in this life of its. */
  freeSince(): number | null;
  /** The last 10,000 calls, oldest first. */
  calls(): readonly EngineCall[];
  /** Calls that wait for an answer. */
  pending(): number;
}

/** Everything that the engine in memory and its machine know. */
export interface FakeEngineState extends Effects {
  freeSince: number | null;
  upSince: number;
  readonly registry: Map<string, Published>;
  network: boolean;
  losesEvents: boolean;
  readonly endedByEngine: Set<string>;
}

/** The controls of the machine behind an engine in memory. */
export function hostOf(state: FakeEngineState, liveRestore: boolean): FakeEngineHost {
  const { host } = state;
  const turn = (mode: FakeEngineState["mode"]): void => {
    state.mode = mode;
    for (const wake of [...state.waiting]) wake();
  };
  const known = (idOrName: string): string => host.container(idOrName)?.id ?? "";
  return {
    ...host,
    running: () => host.containers().filter((each) => each.state.kind === "running"),
    publish: (name, image, credentials) => void state.registry.set(taggedName(name), { image, credentials }),
    unpublish: (name) => void state.registry.delete(taggedName(name)),
    network: (on) => {
      state.network = on;
    },
    latency: (least, most, pull = state.latency.pull) => {
      state.latency = { least, most, pull };
    },
    fail: (operation, fault, times = 1) => void state.faults.push({ operation, fault, times }),
    heal: () => void state.faults.splice(0),
    down: (how = "stop") => {
      if (state.mode === "down") return;
      state.downs += 1;
      state.freeSince = null;
      state.past.length = 0;
      if (!liveRestore && how === "stop") endAll(state);
      for (const watcher of [...state.watchers]) watcher.broken();
      turn("down");
    },
    up: () => {
      if (state.mode !== "down") return;
      // docker 20.10 stops at its start what outlived a crash, SIGTERM first; nobody hears those events.
      if (!liveRestore) endAll(state);
      state.upSince = state.clock.mono();
      turn("up");
    },
    freeze: () => {
      if (state.mode === "up") turn("frozen");
    },
    thaw: () => {
      if (state.mode !== "frozen") return;
      state.freeSince = state.clock.mono();
      turn("up");
    },
    hangContainerd: (on) => {
      if (state.containerdHangs && !on) state.freeSince = state.clock.mono();
      state.containerdHangs = on;
      turn(state.mode);
    },
    fillDisk: (full) => {
      state.diskFull = full;
    },
    silence: (idOrName, on) => {
      const id = known(idOrName);
      for (const lock of [...state.locks]) if (lock.id === id) state.locks.delete(lock);
      if (on) state.locks.add({ id });
      state.shown.delete(id);
      turn(state.mode);
    },
    renameByHand: (idOrName, name) => void host.rename(known(idOrName), name),
    disconnectByHand: (idOrName) => host.disconnect(known(idOrName)),
    pauseByHand: (idOrName, on) => host.pause(known(idOrName), on),
    holdDead: (on) => {
      state.deadHeld = on;
    },
    breakEvents: () => {
      for (const watcher of [...state.watchers]) watcher.broken();
    },
    abandon: () => {
      state.deaths += 1;
      state.shown.clear();
    },
    endedByEngine: (id) => state.endedByEngine.has(id),
    answersHands: () => state.mode === "up" && !state.containerdHangs,
    startByHand: (idOrName) => {
      const id = known(idOrName);
      const running = host.containers().filter((one) => one.state.kind === "running");
      if (host.start(id) !== null) return false;
      if (running.some((one) => isOfSame(one, host.container(id)))) state.startsAside.set(id, state.clock.mono());
      return true;
    },
    restartByHand: (idOrName) => {
      host.die(known(idOrName), 143);
      host.start(known(idOrName));
    },
    loseEvents: (on) => {
      state.losesEvents = on;
    },
    kill: (idOrName, exitCode = 137) => host.die(known(idOrName), exitCode),
    removeByHand: (idOrName) => host.remove(known(idOrName)),
    wipe: () => {
      for (const { id } of host.containers()) host.remove(id);
      for (const name of [...host.images().keys()]) host.removeImage(name);
    },
    startedAside: (id) => state.startsAside.get(id) ?? null,
    ableSince: () =>
      state.mode === "up" && !state.containerdHangs ? Math.max(state.upSince, state.freeSince ?? state.upSince) : null,
    freeSince: () => state.freeSince,
    calls: () => [...state.calls],
    pending: () => state.pending,
  };
}

/** Whether both are attempts of one container of a pod. */
function isOfSame(one: FakeContainer, other: FakeContainer | null): boolean {
  const [a, b] = [one.request, other?.request ?? null];
  return a !== null && b !== null && one !== other && a.pod.id.uid === b.pod.id.uid && a.container === b.container;
}

function endAll({ host, endedByEngine }: FakeEngineState): void {
  for (const { id, state } of host.containers()) {
    if (state.kind !== "running") continue;
    endedByEngine.add(id);
    if (!host.terminate(id)) host.die(id, 137);
  }
}
