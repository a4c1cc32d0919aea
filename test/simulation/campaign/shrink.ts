import { type Played, play } from "./play.ts";
import { replaySteps, type Step } from "./steps.ts";

/**
 * The fewest steps found that still end in the same failure, by dropping ever smaller pieces of the run, and then time
 * that need not pass.
 * @param mostMs gives up on getting shorter after this much real time
 */
export async function shrink(seed: number, failed: Played, mostMs = 40_000): Promise<Played> {
  const kind = kindOf(failed.failure);
  let best = failed;
  const end = performance.now() + mostMs;
  const late = (): boolean => performance.now() > end;
  const fails = async (steps: readonly Step[]): Promise<boolean> => {
    const played = await play({ seed, steps: replaySteps(steps), keep: true });
    const same = played.failure !== null && kindOf(played.failure) === kind;
    if (same) best = played;
    return same;
  };

  let size = Math.ceil(best.steps.length / 2);
  while (size >= 1 && !late()) {
    let from = 0;
    let dropped = false;
    while (from < best.steps.length && !late()) {
      const rest = [...best.steps.slice(0, from), ...best.steps.slice(from + size)];
      if (rest.length < best.steps.length && (await fails(rest))) dropped = true;
      else from += size;
    }
    if (!dropped || size > 1) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  for (let index = 0; index < best.steps.length && !late(); index += 1) {
    for (const waitMs of [0, 1_000]) {
      const step = best.steps[index];
      if (step === undefined || step.waitMs <= waitMs) continue;
      if (await fails(best.steps.map((one, at) => (at === index ? { ...one, waitMs } : one)))) break;
    }
  }
  return best;
}

/** What kind of failure it is: its words without the names, ids and numbers of this one. */
function kindOf(failure: string | null): string {
  const ofThisOne = /[0-9a-f]{8}-[0-9a-f-]+|\b(websocket\/)?[abc](\/\w+)?\b|(?!^)\d+/g;
  return (failure ?? "").replaceAll(ofThisOne, "").slice(0, 60);
}
