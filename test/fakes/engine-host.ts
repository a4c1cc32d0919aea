import { sandboxName } from "../../src/core/pod/identity.ts";
import type { ObservedState } from "../../src/core/pod/observed.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { CreateRequest, ExecResult, ImageInfo } from "../../src/ports/engine.ts";
import {
  type Behaviour,
  type Entry,
  type FakeContainer,
  hasOwnNetwork,
  lastingOf,
  type Outcome,
  type Refusal,
} from "./engine-container.ts";
import { byName, identityOf, refusedCreate, refusedOomScore, refusedStart } from "./engine-refusals.ts";

/** Within what setTimeout can take, for tests on the real clock. */
const foreverMs = 2_000_000_000;

/** The host's own state: containers and images. Nothing here waits but programs that end by themselves. */
export interface Host {
  containers(): readonly FakeContainer[];
  container(idOrName: string): FakeContainer | null;
  images(): ReadonlyMap<string, ImageInfo>;
  addImage(name: string, image: ImageInfo): void;
  /** By name or id; containers made from it live on. */
  removeImage(nameOrId: string): void;
  behave(behaviour: (request: CreateRequest) => Behaviour): void;
  /** FinishedAt is this much too early from now on: for what ends at once Docker writes a time before StartedAt. */
  clockLag(ms: number): void;
  /** Another process takes the address: "127.0.0.1:8080/TCP". */
  occupy(port: string): void;
  release(port: string): void;
  /** The kernel lets the engine set no negative OOM score from now on. */
  refuseOomScores(): void;
  create(request: CreateRequest): { readonly id: string } | Refusal;
  /** A container that somebody else made, of no image that is known here unless one is given by id; it runs. */
  addForeign(name: string, labels: Readonly<Record<string, string>>, image?: string): string;
  start(id: string): Refusal | null;
  /** What the engine could not do with it stays with it, as Docker's State.Error. */
  noteError(id: string, message: string): void;
  /** SIGTERM: false when the program lives through it. */
  terminate(id: string): boolean;
  /** Ends a running container. */
  die(id: string, exitCode: number, oomKilled?: boolean): void;
  /** Its programs stand still, or go on; nothing for one that does not run. */
  pause(id: string, on: boolean): void;
  /** Gives it another name, unless that is taken. */
  rename(id: string, name: string): Refusal | null;
  /** Takes it out of its network while it runs; nothing for one that has none of its own. */
  disconnect(id: string): void;
  remove(id: string): void;
  /** Runs a program in the container to its end; a caller who has gone hears nothing of it. */
  exec(
    id: string,
    asked: { readonly command: readonly string[]; readonly at: number },
    signal: AbortSignal,
    started?: (program: string) => void,
  ): Promise<Outcome<ExecResult>>;
  isAlive(id: string, program: string): Outcome<boolean>;
  /** Resolves when the container does not run any more. */
  ended(id: string): Promise<void>;
}

/** `emit` hears every event that Docker would send, with Docker's action; `imagesChanged` those of images. */
export function fakeHost(
  clock: Clock,
  emit: (action: string, container: FakeContainer) => void,
  imagesChanged: () => void = () => {},
): Host {
  const entries = new Map<string, Entry>();
  const images = new Map<string, ImageInfo>();
  const occupied = new Set<string>();
  /** What runs beside a container's own program: the container's id, by its own. */
  const programs = new Map<string, string>();
  let behaviour: (request: CreateRequest) => Behaviour = () => ({});
  let made = 0;
  let lagMs = 0;
  let leastOomScore = -1000;

  const now = (lag = 0): string => new Date(clock.wall() - lag).toISOString();
  const behaviourOf = (entry: Entry): Behaviour => {
    if (entry.request === null) return {};
    return entry.request.container === sandboxName ? { termCode: 0 } : behaviour(entry.request);
  };
  const add = (entry: Omit<Entry, "id" | "lasting" | "state" | "run" | "createdAt" | "disconnected">): Entry => {
    made += 1;
    // The first twelve digits are what people see of it.
    const id = made.toString(16).padStart(12, "0").padEnd(64, "0");
    const lasting = lastingOf({ ...entry, id });
    const created: Entry = {
      ...entry,
      id,
      lasting,
      createdAt: now(),
      disconnected: false,
      state: { kind: "created" },
      run: null,
    };
    entries.set(id, created);
    emit("create", created);
    return created;
  };
  const run = (entry: Entry): void => {
    const controller = new AbortController();
    entry.run = controller;
    entry.disconnected = false;
    entry.state = { kind: "running", startedAt: now() };
    emit("start", entry);
    const { exit } = behaviourOf(entry);
    if (exit === undefined) return;
    void clock.sleep(exit.afterMs, controller.signal).then(() => {
      if (!controller.signal.aborted) die(entry.id, exit.code, exit.oomKilled ?? false);
    });
  };
  const noteError = (id: string, message: string): void => {
    const entry = entries.get(id);
    if (entry?.state.kind === "created") entry.state = { ...entry.state, startError: message };
    if (entry?.state.kind === "exited") entry.state = { ...entry.state, error: message };
  };
  const die = (id: string, exitCode: number, oomKilled = false): void => {
    const entry = entries.get(id);
    if (entry === undefined || entry.state.kind !== "running") return;
    const { startedAt } = entry.state;
    entry.state = { kind: "exited", exitCode, oomKilled, error: "", startedAt, finishedAt: now(lagMs) };
    if (oomKilled) emit("oom", entry);
    emit("die", entry);
    entry.run?.abort("over");
    entry.run = null;
  };

  return {
    containers: () => [...entries.values()].map((entry) => ({ ...entry })),
    container: (idOrName) => entries.get(idOrName) ?? byName(entries, idOrName),
    images: () => images,
    addImage: (name, image) => {
      images.set(name, image);
      imagesChanged();
    },
    removeImage: (nameOrId) => {
      for (const [name, image] of images) if (name === nameOrId || image.id === nameOrId) images.delete(name);
      imagesChanged();
    },
    behave: (next) => {
      behaviour = next;
    },
    clockLag: (ms) => {
      lagMs = ms;
    },
    occupy: (port) => void occupied.add(port),
    release: (port) => void occupied.delete(port),
    refuseOomScores: () => {
      leastOomScore = 0;
    },
    create: (request) => {
      const refusal = refusedCreate(request, images, entries);
      if (refusal !== null) return refusal;
      return { id: add({ ...identityOf(request), request, image: request.image.id }).id };
    },
    addForeign: (name, labels, image = "") => {
      const entry = add({ name, labels, request: null, image });
      run(entry);
      return entry.id;
    },
    start: (id) => {
      const entry = entries.get(id);
      if (entry === undefined) return { kind: "notFound", message: `No such container: ${id}` };
      if (entry.state.kind === "running") return null;
      const refusal =
        refusedOomScore(entry, leastOomScore) ?? refusedStart(entry, behaviourOf(entry), entries, occupied);
      if (refusal === null) run(entry);
      else if (entry.state.kind === "created") {
        noteError(id, refusal.message);
        if (refusal.message === behaviourOf(entry).startError) entry.state = cannotRun(refusal.message, entry);
      }
      return refusal;
    },
    noteError,
    terminate: (id) => {
      const entry = entries.get(id);
      if (entry === undefined || entry.state.kind !== "running") return true;
      emit("kill", entry);
      const { ignoresTerm, termCode } = behaviourOf(entry);
      if (ignoresTerm === true) return false;
      die(id, termCode ?? 143);
      return true;
    },
    die,
    pause: (id, on) => {
      const entry = entries.get(id);
      if (entry?.state.kind !== "running" || (entry.state.paused === true) === on) return;
      const { startedAt } = entry.state;
      entry.state = on ? { kind: "running", startedAt, paused: true } : { kind: "running", startedAt };
      emit(on ? "pause" : "unpause", entry);
    },
    rename: (id, name) => {
      const entry = entries.get(id);
      if (entry === undefined) return { kind: "notFound", message: `No such container: ${id}` };
      if (byName(entries, name) !== null) {
        return { kind: "conflict", message: `Conflict. The container name "/${name}" is already in use` };
      }
      entry.name = name;
      entry.lasting = lastingOf(entry);
      emit("rename", entry);
      return null;
    },
    disconnect: (id) => {
      const entry = entries.get(id);
      if (entry?.state.kind !== "running" || !hasOwnNetwork(entry)) return;
      entry.disconnected = true;
      emit("disconnect", entry);
    },
    remove: (id) => {
      const entry = entries.get(id);
      if (entry === undefined) return;
      die(id, 137);
      entries.delete(id);
      emit("destroy", entry);
    },
    exec: async (id, asked, signal, started) => {
      const entry = entries.get(id);
      if (entry === undefined) return { refusal: { kind: "notFound", message: `No such container: ${id}` } };
      if (entry.run === null) return { refusal: { kind: "conflict", message: `Container ${id} is not running` } };
      made += 1;
      const program = made.toString(16);
      programs.set(program, id);
      started?.(program);
      const does = behaviourOf(entry).exec?.(asked.command, id, asked.at) ?? { code: 0, afterMs: 1 };
      const over = new AbortController();
      const end = (): void => over.abort("over");
      const ends = [entry.run.signal, signal];
      for (const by of ends) by.addEventListener("abort", end, { once: true });
      await clock.sleep(does === "hangs" ? foreverMs : does.afterMs, over.signal);
      for (const by of ends) by.removeEventListener("abort", end);
      programs.delete(program);
      // Docker kills what else runs in a container that ends.
      if (does === "hangs" || over.signal.aborted) return { value: { exitCode: 137, output: "" } };
      return { value: { exitCode: does.code, output: does.output ?? "" } };
    },
    isAlive: (id, program) => {
      const entry = entries.get(id);
      if (entry === undefined) return { refusal: { kind: "notFound", message: `No such container: ${id}` } };
      if (entry.run === null) return { refusal: { kind: "conflict", message: `Container ${id} is not running` } };
      return { value: programs.get(program) === id };
    },
    ended: (id) => {
      const signal = entries.get(id)?.run?.signal;
      if (signal === undefined || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    },
  };
}

function cannotRun(startError: string, { createdAt }: Entry): ObservedState {
  return { kind: "created", startError, cannotRun: { exitCode: 127, createdAt } };
}
