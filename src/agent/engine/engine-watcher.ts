import type { Clock } from "../../ports/clock.ts";
import type { Engine, EngineInfo } from "../../ports/engine.ts";
import type { Log } from "../../ports/log.ts";
import { withDeadline } from "../loop/deadline.ts";

export interface WatcherParts {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Log;
  /** The engine answers and its events are listened to: everything is to be looked at. */
  readonly onEngineReady: (info: EngineInfo) => void;
  /** It does not answer any more. */
  readonly onEngineLost: (why: string) => void;
  /** Something happened to a container of this pod. */
  readonly onPodEvent: (pod: { readonly namespace: string; readonly name: string }) => void;
}

const infoDeadlineMs = 10_000;
const retryMs = 1_000;

/**
 * Keeps an ear on the engine: events only say which pod to look at. When the stream breaks, the engine is taken for
 * gone until it answers again; then the caller lists everything, since the engine replays nothing of the gap.
 */
export async function watchEngine(parts: WatcherParts, signal: AbortSignal): Promise<void> {
  const { engine, clock, log } = parts;
  while (!signal.aborted) {
    const info = await withDeadline(clock, infoDeadlineMs, signal, (deadline) => engine.info(deadline));
    if (signal.aborted) return;
    if (!info.ok) {
      parts.onEngineLost(info.error.message);
    } else {
      const ended = await engine.watch(
        { ready: () => parts.onEngineReady(info.value), changed: parts.onPodEvent },
        signal,
      );
      if (signal.aborted) return;
      const why = ended.ok ? "The engine closed its event stream" : ended.error.message;
      log.write("warn", "Engine lost", { why });
      parts.onEngineLost(why);
    }
    await clock.sleep(retryMs, signal);
  }
}
