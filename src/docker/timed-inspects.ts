import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import type { ObservedContainer } from "../core/pod/observed.ts";
import { request } from "./connection.ts";
import { statusOf } from "./errors.ts";
import { observedContainer } from "./inspect.ts";

/** Inspects containers, each within a time of its own. */
export interface TimedInspects {
  /**
   * The container, null when it is gone or is no pod's any more, "late" when the engine has not answered about it in time,
   * or with more than is read.
   * A late call goes on, and until it has ended every further question is late at once: an engine that hangs over a
   * container has one call of ours to answer about it, however often it is asked for. Throws what dockerode throws.
   */
  inspect(docker: Docker, id: string, signal: AbortSignal): Promise<ObservedContainer | null | "late">;
}

/** An answer takes 1 to 2 ms; one that waits for a container that is being started may take longer. */
const inspectDeadlineMs = 2_000;
/** A call that was late is given up after this, and made anew: what became of it may have been lost. */
const giveUpMs = 300_000;

/**
 * @param lifetime ends late calls with whoever made them; null where nobody stays to hear of them
 * @param deadlineMs of each inspect
 */
export function createTimedInspects(lifetime: AbortSignal | null, deadlineMs = inspectDeadlineMs): TimedInspects {
  const late = new Set<string>();

  return {
    async inspect(docker, id, signal) {
      if (late.has(id)) return "late";
      const call = new AbortController();
      const end = (): void => call.abort(signal.reason);
      signal.addEventListener("abort", end, { once: true });
      const answer = inspected(docker, id, call.signal);
      const first = await Promise.race([answer, lateAfter(deadlineMs, answer)]).finally(() =>
        signal.removeEventListener("abort", end),
      );
      if (first !== "late") return first;
      if (lifetime === null || lifetime.aborted) call.abort();
      else {
        late.add(id);
        void heardOut(answer, call, lifetime).then(() => late.delete(id));
      }
      return "late";
    },
  };
}

/** `GET /containers/{id}/json` as it comes. */
export function inspectAnswer(docker: Docker, id: string, signal: AbortSignal): Promise<unknown> {
  return request(docker, "GET", `/containers/${id}/json`, {}, signal);
}

/** Null when the container is gone, or is no pod's any more, since it was listed. */
async function inspected(docker: Docker, id: string, signal: AbortSignal): Promise<ObservedContainer | null | "late"> {
  try {
    return observedContainer(await inspectAnswer(docker, id, signal));
  } catch (cause) {
    if (statusOf(cause) === 404) return null;
    if (cause instanceof RangeError) return "late";
    throw cause;
  }
}

/** "late" once `ms` have passed without an answer; never when it came before. */
async function lateAfter(ms: number, answer: Promise<unknown>): Promise<"late"> {
  const over = new AbortController();
  const end = (): void => over.abort();
  answer.then(end, end);
  return sleep(ms, undefined, { signal: over.signal }).then(
    () => "late" as const,
    () => new Promise<never>(() => {}),
  );
}

/** Resolves when a late call has ended, whatever has come of it: the next list asks again. */
async function heardOut(answer: Promise<unknown>, call: AbortController, lifetime: AbortSignal): Promise<void> {
  const end = (): void => call.abort();
  lifetime.addEventListener("abort", end, { once: true });
  const timer = setTimeout(end, giveUpMs);
  timer.unref();
  // A call that was aborted need not ever settle.
  const aborted = new Promise<void>((resolve) =>
    call.signal.addEventListener("abort", () => resolve(), { once: true }),
  );
  await Promise.race([answer.catch(() => undefined), aborted]);
  clearTimeout(timer);
  lifetime.removeEventListener("abort", end);
}
