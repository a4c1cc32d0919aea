import type { Probe } from "./spec.ts";

export type ProbeKind = "liveness" | "readiness";

/** What one look at a container came to. */
export interface ProbeResult {
  readonly good: boolean;
  /** What it said or why it failed, for people. */
  readonly message: string;
}

/** What the results so far amount to. */
export interface ProbeState {
  /** null until enough results agree: a liveness then counts as good, a readiness as it was reported last. */
  readonly verdict: boolean | null;
  /** How many of the last results were the same as the very last, and which that was. */
  readonly good: boolean | null;
  readonly run: number;
  /** Words of the last failure. */
  readonly message: string;
  /** A failure of this container has been told once. */
  readonly isReported: boolean;
}

/** What is known of a running container that has probes. */
export interface ProbeVerdict {
  /** null: not known yet, what was reported of this very container holds. */
  readonly ready: boolean | null;
  readonly live: boolean;
  /** Why it is not live; "" while it is. */
  readonly why: string;
}

/** By id of the container: what was found out about one says nothing of the next. */
export type ProbeVerdicts = Readonly<Record<string, ProbeVerdict>>;

export const noResults: ProbeState = { verdict: null, good: null, run: 0, message: "", isReported: false };

/**
 * Folds one result in: a verdict changes once as many results in a row as its threshold asks for agree (kubelet
 * `prober/worker.go`). A result that could not be had is none, and is not to come here.
 */
export function afterResult(state: ProbeState, probe: Probe, result: ProbeResult): ProbeState {
  const run = state.good === result.good ? state.run + 1 : 1;
  const enough = run >= (result.good ? probe.successThreshold : probe.failureThreshold);
  return {
    verdict: enough ? result.good : state.verdict,
    good: result.good,
    // A container may fail for years: the count is for people, and stays readable.
    run: Math.min(run, 1_000_000),
    message: result.good ? state.message : result.message,
    isReported: state.isReported || !result.good,
  };
}

/** A failure is worth an event when it is the first of this container, or when it turns the verdict. */
export function isWorthTelling(before: ProbeState, after: ProbeState): boolean {
  if (after.good !== false) return false;
  return !before.isReported || (after.verdict === false && before.verdict !== false);
}

/** A readiness that goes on failing is told at least this often. */
const stillSeconds = 1_800;

/**
 * Whether a readiness that has failed before, and was told, is worth telling again: each time that the failures in a row have
 * doubled, and every half hour. Fewer would be no series of events, and more would wear out the flash.
 */
export function isStillWorthTelling(before: ProbeState, after: ProbeState, probe: Probe): boolean {
  if (before.verdict !== false || after.good !== false) return false;
  const most = Math.max(1, Math.floor(stillSeconds / probe.periodSeconds));
  if (after.run >= most) return after.run % most === 0;
  const doubled = Math.log2(after.run / probe.failureThreshold);
  return doubled > 0 && Number.isInteger(doubled);
}

/** A container that is not live is not asked any more: it is to be stopped, and the next one is another (kubelet: onHold). */
export function isOnHold(kind: ProbeKind, state: ProbeState): boolean {
  return kind === "liveness" && state.verdict === false;
}

/** Both probes of one container together. */
export function verdictOf(liveness: ProbeState, readiness: ProbeState): ProbeVerdict {
  const live = liveness.verdict !== false;
  const why = live ? "" : `liveness probe failed: ${liveness.message}`;
  return { ready: readiness.verdict, live, why };
}

/**
 * When to look for the first time, on the monotonic clock.
 * @param spread a number in [0, 1) for a container that ran before this process did, so that after a restart of the
 * agent not all are asked at once; null for one that was just started
 */
export function firstDue(probe: Probe, startedMono: number, nowMono: number, spread: number | null): number {
  const soonest = spread === null ? nowMono : nowMono + spread * probe.periodSeconds * 1000;
  return Math.max(soonest, startedMono + probe.initialDelaySeconds * 1000);
}

/** The next time of the grid that `due` stands on: a probe that took long puts none off, and none is made up for. */
export function nextDue(probe: Probe, due: number, nowMono: number): number {
  const periodMs = probe.periodSeconds * 1000;
  return due + periodMs * Math.max(1, Math.floor((nowMono - due) / periodMs) + 1);
}
