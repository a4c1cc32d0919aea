import type { Action } from "./action.ts";
import { remainingMs } from "./backoff.ts";
import type { Moment } from "./container-history.ts";
import type { DesiredPod, TerminatingPod } from "./desired.ts";
import { sandboxName } from "./identity.ts";
import { hasEnded, isUnknown, type ObservedContainer } from "./observed.ts";
import { newestOf } from "./record.ts";
import { removals, stops } from "./sandbox-plan.ts";
import type { Situation } from "./situation.ts";
import { formatTime } from "./time.ts";
import { partOf } from "./wanted.ts";

/**
 * The containers of a terminating pod: stopped with what is left of its grace, removed, and then let go of. What the engine
 * does not answer about is waited for: a stop would hang as well.
 */
export function planTermination(situation: Situation, terminating: TerminatingPod): readonly Action[] {
  const all = situation.observed.filter((container) => belongsTo(container, terminating, situation));
  const podContainers = all.filter((container) => !isUnknown(container));
  const because =
    terminating.kind === "deleted"
      ? `${terminating.request} deletes the pod`
      : `${terminating.request} brings a new pod of this name, and its images are on this device`;
  const graceSeconds = graceLeft(terminating, situation.now);
  const halts = stops(podContainers, graceSeconds, because);
  if (halts.length > 0) return halts;
  const removes = removals(podContainers, all, because);
  if (removes.length > 0) return removes;
  if (podContainers.length < all.length) return [];
  return [{ kind: "finish", terminating, because: "none of its containers is left" }];
}

/** What a pod waits for while an older one of its name ends. The same text throughout: each other one is a write and a report. */
export function waitsForFormer({ graceSeconds }: TerminatingPod): string {
  const seconds = Math.max(graceSeconds, leastGraceMs / 1000);
  return `waits for the former pod of this name to end, which may take ${seconds} s`;
}

/** What a pod that is being deleted waits for: `its containers have until 04:43:55Z to stop`. */
export function timeToStop(terminating: TerminatingPod, now: Moment): string {
  const leftMs = graceLeftMs(terminating, now);
  return leftMs > 0
    ? `its containers have until ${formatTime(now.wall + leftMs).slice("2026-01-01T".length)} to stop`
    : "its containers are stopped by force and removed";
}

/** Containers of the desired pod's name that no row knows (a database was lost) go as those of an older pod would. */
export function unrecordedPredecessor({ desired, observed }: Situation): TerminatingPod | undefined {
  if (desired === null || observed.every((container) => container.pod.uid === desired.pod.id.uid)) return undefined;
  const { acceptedAt, request } = desired;
  return {
    seq: 0,
    kind: "replaced",
    id: { ...desired.pod.id, uid: "" },
    pod: null,
    generation: 0,
    graceSeconds: desired.pod.spec.terminationGracePeriodSeconds,
    since: acceptedAt,
    acceptedAt,
    deletionTimestamp: "",
    request,
    isTerminated: false,
  };
}

/** A replaced pod as one that is wanted; null when nothing is known of it, or it was told to go. */
export function asDesired(old: TerminatingPod | undefined): DesiredPod | null {
  return old?.kind === "replaced" ? asProbed(old) : null;
}

/** A terminating pod with its probes, as if it were wanted; null when nothing is known of it. */
export function asProbed(old: TerminatingPod | undefined): DesiredPod | null {
  if (old === undefined || old.pod === null) return null;
  const { pod, generation, acceptedAt, request } = old;
  return { pod, generation, acceptedAt, request, contentHash: "" };
}

/**
 * The situation of a replaced pod alone, as if it were wanted: it lives by its restart policy until it may go. Null
 * where it has no container: then it is not begun any more.
 */
export function stillWanted(
  situation: Situation,
  old: TerminatingPod,
  known: Pick<Situation, "history" | "images">,
): Situation | null {
  const desired = asDesired(old);
  const observed = situation.observed.filter((container) => container.pod.uid === old.id.uid);
  if (desired === null || observed.length === 0) return null;
  return { ...situation, ...known, desired, terminating: [], observed };
}

/** Whoever leaves takes along what no row knows: nobody would ask for it once more. */
function belongsTo(
  container: ObservedContainer,
  terminating: TerminatingPod,
  { desired, terminating: rows }: Situation,
): boolean {
  const { uid } = container.pod;
  // The same uid may be wanted again while it leaves: what is made for that has a higher generation.
  if (uid === desired?.pod.id.uid) return uid === terminating.id.uid && container.generation <= terminating.generation;
  return uid === terminating.id.uid || rows.every(({ id }) => id.uid !== uid);
}

const leastGraceMs = 1_000;

/** The deadline holds over a restart of the agent; after a reboot the grace begins anew, since nothing runs then anyway. */
function graceLeft(terminating: TerminatingPod, now: Moment): number {
  if (terminating.kind === "replaced") return terminating.graceSeconds;
  return Math.ceil(graceLeftMs(terminating, now) / 1000);
}

function graceLeftMs({ graceSeconds, since }: TerminatingPod, now: Moment): number {
  // Kubelet `calculateEffectiveGracePeriod`: a grace of 0 is one second, in which a program can end by itself.
  return remainingMs(Math.max(leastGraceMs, graceSeconds * 1000), since, now);
}

const outdated = "a newer attempt has replaced it";

/**
 * Containers of the desired pod that a newer attempt has taken the place of: the dead but for the last one, kept for its
 * logs (a dead sandbox says nothing and goes with the last container that joined it), and one that runs beside it. An engine carries out a start that hung, long after
 * whoever asked for it has gone another way.
 */
export function surplus(situation: Situation): readonly Action[] {
  const { desired } = situation;
  if (desired === null) return [];
  const all = situation.observed.filter((container) => container.pod.uid === desired.pod.id.uid);
  const podContainers = all.filter((container) => partOf(desired, container.container) !== undefined);
  const going: ObservedContainer[] = [];
  const halts: Action[] = [];
  for (const container of new Set(podContainers.map((container) => container.container))) {
    const dead = podContainers
      .filter((candidate) => candidate.container === container && candidate.state.kind !== "running")
      .filter((candidate) => !isUnknown(candidate))
      .sort((a, b) => b.attempt - a.attempt);
    const newest = newestOf(podContainers, container);
    const kept = (newest !== undefined && hasEnded(newest)) || container === sandboxName ? 0 : 1;
    going.push(...dead.filter((d) => d !== newest).slice(kept));
    if (newest?.state.kind !== "running") continue;
    const beside = podContainers.filter(
      (candidate) => candidate !== newest && candidate.container === container && candidate.state.kind === "running",
    );
    halts.push(...stops(beside, desired.pod.spec.terminationGracePeriodSeconds, outdated));
  }
  return [...removals(going, all, outdated), ...halts];
}
