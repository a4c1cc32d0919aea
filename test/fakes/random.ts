import type { Random } from "../../src/ports/random.ts";

/** Random numbers for a test that draws what happens. */
export interface Dice extends Random {
  /** A whole number from 0 up to, but not, `limit`. */
  below(limit: number): number;
  /** One of them; `from` is not empty. */
  pick<T>(from: readonly T[]): T;
}

/** Numbers that one seed decides (mulberry32), so that a run can be played again. */
export function seededRandom(seed: number): Dice {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const hex = (digits: number): string => {
    let text = "";
    while (text.length < digits) text += Math.floor(next() * 16).toString(16);
    return text;
  };
  return {
    next,
    below: (limit) => Math.floor(next() * limit),
    pick: (from) => from[Math.floor(next() * from.length)] as (typeof from)[number],
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`,
  };
}
