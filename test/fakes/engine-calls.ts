import type { Clock } from "../../src/ports/clock.ts";
import type { Engine, EngineErrorKind, EngineEvent, EngineResult } from "../../src/ports/engine.ts";
import type { Outcome, Refusal } from "./engine-container.ts";
import type { Host } from "./engine-host.ts";

export type Operation = keyof Engine;

/** What goes wrong with a call. A hung one has no effect and no answer; a lost answer has its effect all the same. */
export type Fault = "hang" | "loseAnswer" | Refusal;

export interface EngineCall {
  readonly operation: Operation;
  /** Container id, image name, or pod/container/attempt of a container to be made. */
  readonly subject: string;
  /** Monotonic milliseconds. */
  readonly at: number;
}

export interface Watcher {
  readonly changed: (event: EngineEvent) => void;
  readonly imagesChanged: () => void;
  readonly reconfigured: (containerId: string) => void;
  readonly broken: () => void;
}

/** The engine's process: whether it is there, and what is wrong with it. */
export interface EngineProcess {
  readonly clock: Clock;
  readonly random: { next(): number };
  readonly host: Host;
  readonly faults: { readonly operation: Operation; readonly fault: Fault; times: number }[];
  readonly watchers: Set<Watcher>;
  /** The last 256 events, oldest first, for those who ask for what has been; null where nobody hears of one. */
  readonly past: { readonly at: number; readonly event: EngineEvent | null }[];
  /** Called when the engine comes, goes, freezes or thaws. */
  readonly waiting: Set<() => void>;
  readonly calls: EngineCall[];
  pending: number;
  latency: { readonly least: number; readonly most: number; readonly pull: number };
  mode: "up" | "frozen" | "down";
  /** What the engine does not do itself hangs; it answers everything else. */
  containerdHangs: boolean;
  /** Containers that it is in the middle of something with: dockerd holds their locks for as long as containerd hangs. */
  readonly locks: Set<Lock>;
  /** Running containers that a list has shown to the caller's process: it need not inspect them each time. */
  readonly shown: Set<string>;
  /** How often the engine has gone down: a call that began before that gets no answer. */
  downs: number;
  /** How often a caller's process has died: whatever it had asked for nobody waits for any more. */
  deaths: number;
}

interface Lock {
  readonly id: string;
}

/** `info` asks it for its version. */
const ofContainerd: ReadonlySet<Operation> = new Set(["start", "stop", "exec", "isAlive", "info"]);
/** The two that hold the container's lock while they wait for containerd (docker 20.10). */
const locking: ReadonlySet<Operation> = new Set(["start", "stop"]);
/** Those that wait for it. */
const ofOne: ReadonlySet<Operation> = new Set([
  "inspect",
  "audit",
  "start",
  "stop",
  "rename",
  "remove",
  "exec",
  "isAlive",
]);
const mostCalls = 10_000;
const gone: Refusal = { kind: "unavailable", message: "connect ENOENT /var/run/docker.sock" };

export function refuse(kind: EngineErrorKind, message: string): { readonly refusal: Refusal } {
  return { refusal: { kind, message } };
}

/** What a call does; `late`: whoever asked for it has gone. */
type Effect<T> = (late: boolean) => Promise<Outcome<T>> | Outcome<T>;

/** Latency, effect, latency, answer: the engine may go, and its caller too, between any two. */
export async function call<T>(
  engine: EngineProcess,
  operation: Operation,
  subject: string,
  signal: AbortSignal,
  effect: Effect<T>,
): Promise<EngineResult<T>> {
  engine.calls.push({ operation, subject, at: engine.clock.mono() });
  if (engine.calls.length > mostCalls) engine.calls.shift();
  const fail = ({ kind, message }: Refusal): EngineResult<T> => ({ ok: false, error: { kind, operation, message } });
  if (signal.aborted) return fail(abortedBy(signal));
  engine.pending += 1;
  const outcome = await untilAborted(answer(engine, { operation, subject }, signal, effect), signal);
  engine.pending -= 1;
  return "refusal" in outcome ? fail(outcome.refusal) : { ok: true, value: outcome.value };
}

/** A call that asks for nothing of a container: it takes no time, and no throw of the dice. */
export async function ping(engine: EngineProcess, signal: AbortSignal): Promise<EngineResult<void>> {
  engine.calls.push({ operation: "ping", subject: "", at: engine.clock.mono() });
  if (engine.calls.length > mostCalls) engine.calls.shift();
  const fail = (refusal: Refusal): EngineResult<void> => ({ ok: false, error: { ...refusal, operation: "ping" } });
  while (engine.mode === "frozen" && !signal.aborted) await Promise.race([change(engine), aborted(signal)]);
  if (signal.aborted) return fail(abortedBy(signal));
  return engine.mode === "down" ? fail(gone) : { ok: true, value: undefined };
}

async function answer<T>(
  engine: EngineProcess,
  { operation, subject }: Pick<EngineCall, "operation" | "subject">,
  signal: AbortSignal,
  effect: Effect<T>,
): Promise<Outcome<T>> {
  const { clock, random, downs, deaths } = engine;
  const { least, most } = engine.latency;
  const half = (least + (most - least) * random.next()) / 2;
  const fault = takeFault(engine, operation);
  const away = (): boolean => engine.mode === "down" || engine.downs !== downs;
  const hasGone = (): boolean => signal.aborted || engine.deaths !== deaths;
  const turn = async (): Promise<void> => {
    await clock.sleep(half, signal);
    let own: Lock | null = null;
    while (!away()) {
      const hangs = engine.containerdHangs && ofContainerd.has(operation);
      const waits = [...engine.locks].some((lock) => lock !== own && isInTheWay(lock, operation, subject));
      if (engine.mode !== "frozen" && !hangs && !waits) break;
      if (hangs && !waits && own === null && locking.has(operation)) {
        own = { id: subject };
        engine.locks.add(own);
      }
      await change(engine);
    }
    if (own === null) return;
    engine.locks.delete(own);
    for (const wake of [...engine.waiting]) wake();
  };

  await turn();
  if (fault === "hang") await aborted(signal);
  if (away()) return { refusal: gone };
  if (fault !== null && typeof fault === "object") return { refusal: fault };
  // The request of somebody who has gone is still in the engine's socket: it may be read, or not.
  if (hasGone() && (fault === "hang" || random.next() < 0.5)) return { refusal: abortedBy(signal) };
  const outcome = await effect(hasGone());
  await turn();
  if (fault === "loseAnswer") await aborted(signal);
  return away() ? { refusal: gone } : outcome;
}

function isInTheWay({ id }: Lock, operation: Operation, subject: string): boolean {
  return id === subject && ofOne.has(operation);
}

/**
 * Whether a list cannot tell about a container, since the engine is in the middle of something with it: a list inspects what
 * it sees first, what has not been started yet, and what is in the network of another one (src/docker/list.ts).
 */
export function isLocked({ host, shown, locks }: EngineProcess, id: string): boolean {
  const container = host.container(id);
  if (container === null || ![...locks].some((lock) => lock.id === id)) return false;
  return container.state.kind === "created" || container.request?.sandboxId != null || !shown.has(id);
}

/** Resolves when the engine's mode changes. */
export function change(engine: EngineProcess): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      engine.waiting.delete(wake);
      resolve();
    };
    engine.waiting.add(wake);
  });
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

export function abortedBy(signal: AbortSignal): Refusal {
  const late = signal.reason instanceof Error && signal.reason.name === "TimeoutError";
  if (late) return { kind: "timeout", message: "The engine did not answer in time" };
  return { kind: "aborted", message: "The call was canceled" };
}

function untilAborted<T>(work: Promise<Outcome<T>>, signal: AbortSignal): Promise<Outcome<T>> {
  return new Promise((resolve, reject) => {
    const abort = (): void => settle({ refusal: abortedBy(signal) });
    const settle = (outcome: Outcome<T>): void => {
      signal.removeEventListener("abort", abort);
      resolve(outcome);
    };
    signal.addEventListener("abort", abort, { once: true });
    work.then(settle, reject);
  });
}

function takeFault(engine: EngineProcess, operation: Operation): Fault | null {
  const index = engine.faults.findIndex((each) => each.operation === operation);
  const script = engine.faults[index];
  if (script === undefined) return null;
  script.times -= 1;
  if (script.times <= 0) engine.faults.splice(index, 1);
  return script.fault;
}
