import type { Clock } from "../../ports/clock.ts";
import { woken } from "./woken.ts";

/** What came of something that should have answered in time. `stalled`: our own loop stood still meanwhile. */
export interface TimedAnswer<T> {
  readonly answer: T | null;
  readonly stalled: boolean;
}

/** How often the loop is felt for while an answer is waited for. */
const tickMs = 100;
/** A result during which the loop stood still longer than this says nothing about who was asked (lifecycle.md, Store). */
const stallMs = 250;
/** Long enough for one turn of the loop. */
const oneLoopMs = 1;

/**
 * Waits for an answer, at most `ms` and one turn of the loop more, so that what has arrived already is read before
 * it is called late. `answer` is null when it is late; nothing is given up.
 */
export async function withTimeout<T>(
  clock: Clock,
  ms: number,
  asked: Promise<T>,
  signal: AbortSignal,
): Promise<TimedAnswer<T>> {
  const over = new AbortController();
  const end = (): void => over.abort(woken);
  let answer: { readonly value: T } | null = null;
  let bug: { readonly error: unknown } | null = null;
  asked.then(
    (value) => {
      answer = { value };
      end();
    },
    (error: unknown) => {
      bug = { error };
      end();
    },
  );
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
  const due = clock.mono() + ms;
  let stalled = false;
  const sleep = async (forMs: number): Promise<void> => {
    const before = clock.mono();
    await clock.sleep(forMs, over.signal);
    stalled ||= clock.mono() - before > forMs + stallMs;
  };
  while (!over.signal.aborted && clock.mono() < due) await sleep(Math.min(tickMs, due - clock.mono()));
  if (!over.signal.aborted) await sleep(oneLoopMs);
  signal.removeEventListener("abort", end);
  return finished(answer, bug, stalled);
}

function finished<T>(
  answer: { readonly value: T } | null,
  bug: { readonly error: unknown } | null,
  stalled: boolean,
): TimedAnswer<T> {
  if (bug !== null) throw bug.error;
  return { answer: answer === null ? null : answer.value, stalled };
}
