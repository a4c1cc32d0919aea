import { labelledIdentity } from "../../src/core/pod/identity.ts";
import { eventQuery } from "../../src/docker/watch.ts";
import type { Engine, EngineEvent, EngineResult } from "../../src/ports/engine.ts";
import { aborted, abortedBy, call, change, type EngineProcess, type Watcher } from "./engine-calls.ts";
import type { FakeContainer } from "./engine-container.ts";

/** As many as Docker keeps, of whatever kind (docker 20.10). */
const mostPast = 256;

/** The stream of events, which begins with those of the seconds before; a subscription ends with the engine. */
export async function watch(
  state: EngineProcess,
  handlers: Parameters<Engine["watch"]>[0],
  signal: AbortSignal,
): Promise<EngineResult<void>> {
  const ended = new AbortController();
  const { changed, imagesChanged = () => {}, reconfigured = () => {} } = handlers;
  const watcher = { changed, imagesChanged, reconfigured, broken: () => ended.abort() };
  // Subscribed before the answer arrives, so that nothing is lost between the two.
  const { since } = eventQuery(state.clock.wall(), "docker");
  const past: EngineEvent[] = [];
  const subscribed = await call(state, "watch", "", signal, () => {
    state.watchers.add(watcher);
    past.push(...state.past.flatMap(({ at, event }) => (event === null || at < since * 1000 ? [] : [event])));
    return { value: undefined };
  });
  if (!subscribed.ok || ended.signal.aborted) {
    state.watchers.delete(watcher);
    return subscribed.ok ? streamEnded() : subscribed;
  }
  handlers.ready();
  for (const event of past) tell(state, event, [watcher]);
  const gaveUp = (): void => ended.abort();
  signal.addEventListener("abort", gaveUp, { once: true });
  await aborted(ended.signal);
  signal.removeEventListener("abort", gaveUp);
  state.watchers.delete(watcher);
  return signal.aborted ? { ok: false, error: { ...abortedBy(signal), operation: "watch" } } : streamEnded();
}

function streamEnded(): EngineResult<void> {
  const message = "The engine ended the stream of events";
  return { ok: false, error: { kind: "unavailable", operation: "watch", message } };
}

const eventDelayMs = 1;

/** Events take a moment, wait while the engine is frozen, and go to those who still listen when they arrive. */
export function publishEvent(state: EngineProcess, action: string, container: FakeContainer): void {
  const pod = labelledIdentity(container.labels)?.pod;
  if (pod === undefined || state.mode === "down") return;
  const event = { action, containerId: container.id, namespace: pod.namespace, name: pod.name };
  noteEvent(state, event);
  tell(state, event, [...state.watchers]);
}

/** An image has come or gone, or a name of one. */
export function publishImageEvent(state: EngineProcess): void {
  publishOther(state, ({ imagesChanged }) => imagesChanged());
}

/** A container has other networks than before. */
export function publishReconfigured(state: EngineProcess, id: string): void {
  publishOther(state, ({ reconfigured }) => reconfigured(id));
}

function publishOther(state: EngineProcess, hear: (watcher: Watcher) => void): void {
  if (state.mode === "down") return;
  noteEvent(state, null);
  const listeners = [...state.watchers];
  void state.clock.sleep(eventDelayMs).then(async () => {
    while (state.mode === "frozen") await change(state);
    for (const watcher of listeners) if (state.watchers.has(watcher)) hear(watcher);
  });
}

/** Null is an event that no watcher asks for: it takes the place of another one all the same. */
export function noteEvent({ past, clock }: EngineProcess, event: EngineEvent | null): void {
  past.push({ at: clock.wall(), event });
  if (past.length > mostPast) past.shift();
}

function tell(state: EngineProcess, event: EngineEvent, listeners: readonly Watcher[]): void {
  void state.clock.sleep(eventDelayMs).then(async () => {
    while (state.mode === "frozen") await change(state);
    for (const watcher of listeners) if (state.watchers.has(watcher)) watcher.changed(event);
  });
}
