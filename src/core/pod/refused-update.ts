import { shorten } from "../base/shorten.ts";

/** An update of a pod that this device refused. */
export interface RefusedUpdate {
  /** namespace/name. */
  readonly pod: string;
  /** Milliseconds since the epoch. */
  readonly wall: number;
  /** Why, one sentence a violation. */
  readonly message: string;
}

/** Where the store keeps them. */
export const refusedUpdatesKey = "refusedUpdates";

/** What the store keeps: updates that no accepted message for the pod followed, oldest first. */
export function keptRefusals(text: string | null): readonly RefusedUpdate[] {
  return JSON.parse(text ?? "[]") as readonly RefusedUpdate[];
}

const most = 8;
const longestMessage = 512;
/** How long `edge status` shows a refusal. */
const recentMs = 3_600_000;

/** The refusals that are kept, oldest first: the last one of each pod, of at most eight pods. */
export function withRefusal(kept: readonly RefusedUpdate[], next: RefusedUpdate): readonly RefusedUpdate[] {
  const message = shorten(next.message, longestMessage - 1);
  return [...withoutPod(kept, next.pod), { ...next, message }].slice(-most);
}

/** A later message for the pod was accepted. */
export function withoutPod(kept: readonly RefusedUpdate[], pod: string): readonly RefusedUpdate[] {
  return kept.filter((refusal) => refusal.pod !== pod);
}

/** Those of the last hour; a clock that was set back hides none. */
export function recentRefusals(kept: readonly RefusedUpdate[], nowWall: number): readonly RefusedUpdate[] {
  return kept.filter(({ wall }) => nowWall - wall < recentMs);
}
