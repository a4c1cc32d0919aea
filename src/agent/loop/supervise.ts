import { isDiskFull, storeFailureOf } from "../../core/base/store-failure.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";

export interface FailureParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly events: {
    recordPodEvent(pod: string, event: { type: "Warning"; reason: string; message: string }): void;
  };
}

/** What runs for as long as the agent does. */
export interface Loop {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

/**
 * Runs a loop until the signal aborts. A loop that throws starts again after 1 s, doubled up to 60 s, and the other loops
 * go on. Rejects only if the disk of the store fails.
 */
export async function supervise({ name, run }: Loop, parts: FailureParts, signal: AbortSignal): Promise<void> {
  const { clock } = parts;
  let waitMs = firstRetryMs;
  while (true) {
    const startedAt = clock.mono();
    try {
      await run(signal);
      return;
    } catch (error) {
      if (endsProcess(error)) throw error;
      recordFailure(parts, { what: `Loop ${name}`, pod: "", error });
      if (clock.mono() - startedAt > 2 * longestRetryMs) waitMs = firstRetryMs;
      await clock.sleep(waitMs, signal);
      waitMs = Math.min(2 * waitMs, longestRetryMs);
    }
    if (signal.aborted) return;
  }
}

/** Whether the process is to end after this error: the disk fails, and only what was committed can be trusted. */
export function endsProcess(error: unknown): boolean {
  return storeFailureOf(error) === "broken";
}

/** Logs an error that nothing expected, with its stack, and adds an event. A full disk is logged only. */
export function recordFailure(
  { log, events }: FailureParts,
  { what, pod, error }: { readonly what: string; readonly pod: string; readonly error: unknown },
): void {
  if (isDiskFull(error)) {
    log.write("warn", "Disk full", { what, pod, why: messageOf(error) });
    return;
  }
  log.write("error", "Internal error", { what, pod, error: messageOf(error), stack: stackOf(error) });
  const message = `${what} failed: ${messageOf(error)}`;
  events.recordPodEvent(pod, { type: "Warning", reason: "InternalError", message });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

const longestStack = 4_096;

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? "").slice(0, longestStack) : "";
}
