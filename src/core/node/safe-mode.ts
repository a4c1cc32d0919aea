import type { Moment } from "../pod/container-history.ts";

/** One end of the agent's process that nobody asked for. */
export interface SelfEnd {
  readonly bootId: string;
  /** Milliseconds since that boot. */
  readonly mono: number;
  /** Pods that were being worked on, as namespace/name; null if that is not known. */
  readonly busy: readonly string[] | null;
  readonly why: string;
}

/** The agent starts, and leaves the pods alone that may be why it ended. */
export interface SafeMode {
  /** Pods that are held, as namespace/name; null holds all. */
  readonly held: ReadonlySet<string> | null;
  /** Monotonic time at which all are released. */
  readonly untilMono: number;
  readonly why: string;
}

/** This many ends within this time begin safe mode; it lasts as long after the last of them. */
export const safeModeEnds = 3;
export const safeModeMs = 600_000;

/**
 * Whether an agent that starts now starts in safe mode: its process ended by itself three times within ten minutes of this
 * boot. Wall time does not count, and an end by a signal or a power cut is none.
 */
export function safeModeOf(ends: readonly SelfEnd[], now: Moment): SafeMode | null {
  const recent = ends
    .filter(({ bootId, mono }) => bootId === now.bootId && mono <= now.mono && now.mono - mono < safeModeMs)
    .sort((a, b) => a.mono - b.mono);
  const last = recent.at(-1);
  if (last === undefined || recent.length < safeModeEnds) return null;
  const busy = recent.map((end) => end.busy);
  const known = busy.filter((keys) => keys !== null && keys.length > 0);
  const held = known.length < busy.length ? null : new Set(known.flatMap((keys) => keys ?? []));
  return { held, untilMono: last.mono + safeModeMs, why: last.why };
}
