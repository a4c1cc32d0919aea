import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineResult } from "../../src/ports/engine.ts";

/** The time of this machine, for an engine in memory that stands beside a real one. */
export const realClock = {
  wall: () => Date.now(),
  mono: () => performance.now(),
  bootId: () => "boot",
  sleep: (ms: number, signal?: AbortSignal) => sleep(ms, undefined, { signal: signal as never }).catch(() => undefined),
};

/** Longer than any call takes that succeeds. */
export const generous = (): AbortSignal => AbortSignal.timeout(60_000);

export function valued<T>(result: EngineResult<T>): T {
  if (!result.ok) assert.fail(`${result.error.operation}: ${result.error.kind}: ${result.error.message}`);
  return result.value;
}

/** Kind of the error that the result must be. */
export function errorOf<T>(result: EngineResult<T>): string {
  assert.ok(!result.ok, "The call should have failed");
  assert.ok(result.error.message.length > 0 && result.error.message.length <= 1024);
  return result.error.kind;
}

/** What `look` finds, once it is not null; a minute at most. */
export async function eventually<T>(look: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    const found = await look();
    if (found !== null) return found;
    await sleep(20);
  }
  return assert.fail("It did not happen in a minute");
}
