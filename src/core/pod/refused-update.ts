import { shorten } from "../base/shorten.ts";

/** An update of a pod that this device refused. */
export interface RefusedUpdate {
  /** namespace/name. */
  readonly pod: string;
  /** Milliseconds since the epoch. */
  readonly wall: number;
  /** Why: the first violations and how many more there are, see `shownReasons`. */
  readonly message: string;
}

/** Where the store keeps them. */
export const refusedUpdatesKey = "refusedUpdates";

/** What the store keeps: updates that no accepted message for the pod followed, oldest first. */
export function keptRefusals(text: string | null): readonly RefusedUpdate[] {
  return JSON.parse(text ?? "[]") as readonly RefusedUpdate[];
}

const most = 8;
/** Of the violations that are shown. */
const longestReasons = 512;
/** How long `edge status` shows a refusal. */
const recentMs = 3_600_000;

/** The refusals that are kept, oldest first: the last one of each pod, of at most eight pods. */
export function withRefusal(kept: readonly RefusedUpdate[], next: RefusedUpdate): readonly RefusedUpdate[] {
  return [...withoutPod(kept, next.pod), next].slice(-most);
}

/** The first two violations whole, the first one alone where both are too long, and how many more there are. */
export function shownReasons(reasons: readonly string[]): string {
  const both = reasons.slice(0, 2).join("; ");
  const isBoth = both.length <= longestReasons;
  const shown = isBoth ? both : shorten(reasons[0] ?? "", longestReasons - 1);
  const more = reasons.length - (isBoth ? 2 : 1);
  return more > 0 ? `${shown}; and ${more} more` : shown;
}

/** A later message for the pod was accepted. */
export function withoutPod(kept: readonly RefusedUpdate[], pod: string): readonly RefusedUpdate[] {
  return kept.filter((refusal) => refusal.pod !== pod);
}

/** Those of the last hour; a clock that was set back hides none. */
export function recentRefusals(kept: readonly RefusedUpdate[], nowWall: number): readonly RefusedUpdate[] {
  return kept.filter(({ wall }) => nowWall - wall < recentMs);
}
