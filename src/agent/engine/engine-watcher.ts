import type { Clock } from "../../ports/clock.ts";
import type { Engine, EngineEvent, EngineInfo } from "../../ports/engine.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { withDeadline } from "../loop/deadline.ts";

export interface EngineWatcherParts {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, "recordDeviceEvent">;
}

export interface EngineHandlers {
  /** Events flow: what happened before has to be listed. */
  onEngineReady(info: EngineInfo): void;
  onEngineLost(why: string): void;
  /** Something happened to a container of this pod. */
  onPodEvent(event: EngineEvent): void;
  /** An image, or a name of one, has come or gone. */
  onImagesChanged(): void;
  /** Somebody has given this container other limits or networks. */
  onReconfigured(containerId: string): void;
}

/**
 * Keeps the stream of engine events open: an event only says which pod to reconcile. When the stream breaks, or the engine
 * hangs, which its stream does not show, the engine counts as lost until it answers again; then everything has to be listed,
 * since the engine replays nothing of the gap. Each outage is an event at its beginning and at its end.
 */
export interface EngineWatcher {
  /** What the engine says of itself; null while it does not answer. */
  info(): EngineInfo | null;
  /** Why it does not answer, as far as that is known; null while it does. */
  lostBecause(): string | null;
  /** Wall milliseconds: when it stopped answering; null while it answers, or has not answered since the agent started. */
  lostAt(): number | null;
  /** Runs until the signal aborts. */
  run(handlers: EngineHandlers, signal: AbortSignal): Promise<void>;
}

const infoDeadlineMs = 10_000;
/** Together less than 10 s, after which an engine that hangs is to be known as one. */
const pingPeriodMs = 4_000;
const pingDeadlineMs = 5_000;
/** A ping that took this much longer was late because this process did not run: it says nothing about the engine. */
const stallMs = 1_000;
const retryMs = 1_000;

export function createEngineWatcher({ engine, clock, events }: EngineWatcherParts): EngineWatcher {
  let info: EngineInfo | null = null;
  let lostBecause: string | null = null;
  let lostAt: number | null = null;

  async function runOnce(handlers: EngineHandlers, signal: AbortSignal): Promise<void> {
    const lost = (why: string): void => {
      if (lostBecause === null)
        events.recordDeviceEvent({ type: "Warning", reason: "EngineUnavailable", message: why });
      if (info !== null) lostAt = clock.wall();
      info = null;
      lostBecause = why;
      handlers.onEngineLost(why);
    };
    const answer = await withDeadline(clock, infoDeadlineMs, signal, (deadline) => engine.info(deadline));
    if (signal.aborted) return;
    if (!answer.ok) return lost(answer.error.message);
    const ready = (): void => {
      info = answer.value;
      if (lostBecause !== null) {
        const message = `The engine answers again, version ${answer.value.version}`;
        events.recordDeviceEvent({ type: "Normal", reason: "EngineReady", message });
      }
      lostBecause = null;
      lostAt = null;
      handlers.onEngineReady(answer.value);
    };
    const over = new AbortController();
    const end = (): void => over.abort(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    const { onPodEvent, onImagesChanged, onReconfigured } = handlers;
    const watched = engine
      .watch({ ready, changed: onPodEvent, imagesChanged: onImagesChanged, reconfigured: onReconfigured }, over.signal)
      .finally(end);
    const silent = untilSilent({ engine, clock }, over.signal).finally(end);
    const [ended, silentBecause] = await Promise.all([watched, silent]);
    signal.removeEventListener("abort", end);
    if (signal.aborted) return;
    lost(silentBecause ?? (ended.ok ? "The engine closed its event stream" : ended.error.message));
  }

  return {
    info: () => info,
    lostBecause: () => lostBecause,
    lostAt: () => lostAt,
    async run(handlers, signal) {
      while (!signal.aborted) {
        await runOnce(handlers, signal);
        await clock.sleep(retryMs, signal);
      }
    },
  };
}

/** Asks every few seconds whether the engine answers; resolves with why when it does not, with null when the signal aborts. */
async function untilSilent(
  { engine, clock }: Pick<EngineWatcherParts, "engine" | "clock">,
  signal: AbortSignal,
): Promise<string | null> {
  while (!signal.aborted) {
    await clock.sleep(pingPeriodMs, signal);
    if (signal.aborted) return null;
    const before = clock.mono();
    const answer = await withDeadline(clock, pingDeadlineMs, signal, engine.ping);
    const wasStalled = clock.mono() - before > pingDeadlineMs + stallMs;
    if (answer.ok || wasStalled || signal.aborted) continue;
    if (answer.error.kind === "timeout" || answer.error.kind === "unavailable") return answer.error.message;
  }
  return null;
}
