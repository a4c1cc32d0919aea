import { ownValue } from "../base/own-value.ts";
import { deathMoment, levelAfterRun } from "./backoff.ts";
import {
  type ContainerHistory,
  type CurrentContainer,
  emptyHistory,
  type Moment,
  type PodHistory,
  type Termination,
} from "./container-history.ts";
import type { PodEvent } from "./event.ts";
import { isCutOff, isUnknown, type ObservedContainer } from "./observed.ts";
import { recordEvents } from "./record-events.ts";
import { terminationMessage } from "./termination-message.ts";
import { formatTime, parseTime } from "./time.ts";
import type { Made } from "./wanted.ts";

/** What the recorder has to know of the world beside the containers. */
export interface RecordContext {
  readonly now: Moment;
  /** The engine run in which the containers were listed, null if the engine has none (ports/engine.ts). */
  readonly engineRunId: string | null;
}

export interface Recorded {
  /** The very same as before where nothing has changed. */
  readonly history: PodHistory;
  readonly events: readonly Omit<PodEvent, "pod">[];
}

/**
 * Folds what a successful list showed of one pod into its history: starts, ends, and containers that vanished. The
 * result is committed before anything is done about it, so that no exit code is lost with a removed container.
 * @param observed the containers of this pod (one uid), any attempt
 */
export function record(history: PodHistory, observed: readonly ObservedContainer[], context: RecordContext): Recorded {
  const changed = new Map<string, ContainerHistory>();
  const events: Omit<PodEvent, "pod">[] = [];
  const names = new Set([...Object.keys(history), ...observed.map((o) => o.container)]);
  for (const container of names) {
    const newest = newestOf(observed, container);
    const before = ownValue(history, container);
    // What is unknown adds nothing to what was known.
    if (newest !== undefined && isUnknown(newest)) continue;
    const after =
      newest === undefined
        ? vanished(before, context)
        : foldContainer(adopt(before, newest, observed), newest, observed, context);
    if (after === undefined || after === before) continue;
    changed.set(container, after);
    events.push(...recordEvents(container, before, after));
  }
  return { history: changed.size === 0 ? history : { ...history, ...Object.fromEntries(changed) }, events };
}

/** The container of the highest attempt: older ones are only kept for their logs. */
export function newestOf(observed: readonly ObservedContainer[], container: string): ObservedContainer | undefined {
  let newest: ObservedContainer | undefined;
  for (const candidate of observed) {
    if (candidate.container === container && (newest === undefined || candidate.attempt > newest.attempt))
      newest = candidate;
  }
  return newest;
}

/** The engine may be ahead of the store: history commits with NORMAL, and a power cut takes the last ones back. */
function adopt(
  before: ContainerHistory | undefined,
  newest: ObservedContainer,
  podContainers: readonly ObservedContainer[],
): ContainerHistory {
  if (before === undefined) return emptyHistory(newest);
  if (before.current?.id === newest.id) return before;
  if (newest.attempt < before.attempt && !runsInstead(newest, before, podContainers) && !ranInstead(newest, before))
    return before;
  const { attempt, podHash, specHash, generation } = newest;
  if (attempt === before.attempt && before.termination === null) {
    return isMadeAs(newest, before) ? before : { ...before, podHash, specHash, generation };
  }
  return {
    ...before,
    attempt,
    podHash,
    specHash,
    generation,
    current: null,
    termination: null,
    lastTermination: before.termination ?? before.lastTermination,
  };
}

/**
 * Whether somebody has started an older attempt again where the next one was not made yet, or where the next one, of the
 * same specification, has ended: then no other is needed.
 */
function runsInstead(
  container: ObservedContainer,
  before: ContainerHistory,
  podContainers: readonly ObservedContainer[],
): boolean {
  if (container.state.kind !== "running" || isCutOff(container, podContainers)) return false;
  if (before.current === null) return true;
  return isMadeAs(container, before) && before.termination !== null;
}

/** Whether somebody has started an older attempt while nobody looked, and it has ended again: the next attempt waits for as long as after any other end. */
function ranInstead({ id, state, ...made }: ObservedContainer, before: ContainerHistory): boolean {
  const { current, lastTermination } = before;
  if (state.kind !== "exited" || current !== null || lastTermination?.containerId !== id) return false;
  return isMadeAs(made, before) && !isEndOf(lastTermination, id, state.startedAt);
}

/** Whether nothing is to be learned any more from how it has ended. */
export function isOnRecord(container: ObservedContainer, history: ContainerHistory | undefined): boolean {
  if (history === undefined || container.state.kind !== "exited") return false;
  if (container.attempt < history.attempt) return !ranInstead(container, history);
  return isEndOf(history.termination, container.id, container.state.startedAt);
}

function isMadeAs(made: Made, other: Made): boolean {
  return made.podHash === other.podHash && made.specHash === other.specHash && made.generation === other.generation;
}

function seen(history: ContainerHistory, container: ObservedContainer, context: RecordContext): ContainerHistory {
  if (container.attempt < history.attempt) {
    // The container of this attempt has not been made yet, or is gone; what is here is an older one.
    return vanished(history, context) ?? history;
  }
  switch (container.state.kind) {
    case "created":
      return container.state.cannotRun === undefined
        ? made(history, container, context)
        : neverRan(history, container, container.state, context);
    case "running":
      return running(history, container, container.state.startedAt, context);
    case "unknown":
      return history;
    case "exited":
      return isEndOf(history.termination, container.id, container.state.startedAt)
        ? history
        : exited(history, container, container.state, context);
    default:
      return container.state satisfies never;
  }
}

/** Whether this end is that of the run at hand; another one follows where somebody has started it again and nobody has seen it run. */
function isEndOf(termination: Termination | null, id: string, startedAt: string): boolean {
  if (termination?.containerId !== id) return false;
  return termination.startedAt === null || termination.startedAt === startedAt;
}

/** A container in a dead sandbox counts as ended although its process may run: whatever it says when it is stopped is no result. */
function foldContainer(
  history: ContainerHistory,
  container: ObservedContainer,
  podContainers: readonly ObservedContainer[],
  context: RecordContext,
): ContainerHistory {
  if (
    container.state.kind !== "running" ||
    container.attempt < history.attempt ||
    !isCutOff(container, podContainers)
  ) {
    return seen(history, container, context);
  }
  if (history.termination?.containerId === container.id) return history;
  const known = running(history, container, container.state.startedAt, context);
  return known.current === null ? known : lost(known, known.current, whyCutOff(container), context);
}

function whyCutOff({ disconnected }: ObservedContainer): string {
  return disconnected === true ? "The container was disconnected from its network by hand" : "The pod's sandbox died";
}

/** It may start and end before anybody looks again: what it ends in is told by the engine run in which it was last seen. */
function made(history: ContainerHistory, container: ObservedContainer, context: RecordContext): ContainerHistory {
  const { current } = history;
  if (current?.id !== container.id) return { ...history, current: currentOf(container, null, context) };
  return current.engineRunId === context.engineRunId
    ? history
    : { ...history, current: { ...current, engineRunId: context.engineRunId } };
}

/** Dockershim `ContainerStatus`: a start that failed is an end, with the time of its creation. */
function neverRan(
  history: ContainerHistory,
  container: ObservedContainer,
  { startError = "", cannotRun }: Extract<ObservedContainer["state"], { kind: "created" }>,
  context: RecordContext,
): ContainerHistory {
  if (cannotRun === undefined || history.termination?.containerId === container.id) return history;
  const { exitCode, createdAt } = cannotRun;
  const message = terminationMessage(startError, "");
  return {
    ...history,
    current: currentOf(container, null, context),
    termination: {
      containerId: container.id,
      exitCode,
      reason: "ContainerCannotRun",
      ...(message === "" ? {} : { message }),
      startedAt: createdAt,
      finishedAt: createdAt,
      interrupted: false,
    },
    diedAt: context.now,
    failure: null,
  };
}

function currentOf(
  container: ObservedContainer,
  startedAt: string | null,
  { engineRunId }: RecordContext,
): CurrentContainer {
  return { id: container.id, startedAt, seenRunning: null, engineRunId };
}

function running(
  history: ContainerHistory,
  container: ObservedContainer,
  startedAt: string,
  context: RecordContext,
): ContainerHistory {
  const current = history.current;
  const same =
    current?.id === container.id &&
    current.startedAt === startedAt &&
    current.seenRunning?.bootId === context.now.bootId;
  if (same && current.engineRunId === context.engineRunId && history.termination === null) return history;
  return {
    ...history,
    current: {
      id: container.id,
      startedAt,
      seenRunning: same ? current.seenRunning : context.now,
      engineRunId: context.engineRunId,
      ...(same && current.stoppedBecause !== undefined ? { stoppedBecause: current.stoppedBecause } : {}),
    },
    termination: null,
    lastTermination: history.termination ?? history.lastTermination,
    diedAt: null,
    // What has failed since it started is of the container that is to replace it: a pull, with its wait.
    failure: same ? history.failure : null,
  };
}

function exited(
  history: ContainerHistory,
  container: ObservedContainer,
  state: Extract<ObservedContainer["state"], { kind: "exited" }>,
  context: RecordContext,
): ContainerHistory {
  const known = history.current?.id === container.id ? history.current : null;
  const seenRunning = known?.seenRunning ?? null;
  const finished = parseTime(state.finishedAt);
  const died = deathMoment(finished, seenRunning, history.backoffLevel, context.now);
  const level = levelAfterRun(history.backoffLevel, ranFor(state.startedAt, finished, seenRunning, died));
  const interrupted =
    wasInterrupted(history.current, container.id, context) || mayBeInterrupted(history, container, state.exitCode);
  const message = terminationMessage(state.error, state.lastWords ?? "");
  const { stoppedBecause, killedAs } = known ?? {};
  const termination: Termination = {
    containerId: container.id,
    exitCode: state.exitCode,
    reason: killedAs ?? terminationReason(state.exitCode, state.oomKilled),
    ...(message === "" ? {} : { message }),
    startedAt: Number.isNaN(parseTime(state.startedAt)) ? null : state.startedAt,
    finishedAt: state.finishedAt,
    interrupted,
    ...(stoppedBecause === undefined ? {} : { stoppedBecause }),
  };
  const current = known ?? currentOf(container, state.startedAt, context);
  return { ...history, current, termination, backoffLevel: level, diedAt: died, failure: null };
}

/** Exit 137 with the engine's flag only: a killed child sets the flag too, with the main process ending well. */
function terminationReason(exitCode: number, oomKilled: boolean): string {
  if (exitCode === 0) return "Completed";
  return oomKilled && exitCode === 137 ? "OOMKilled" : "Error";
}

/** Milliseconds it ran: by our own clock where we saw it start, else by the engine's times, which may be the wrong way round. */
function ranFor(startedAt: string, finished: number, seenRunning: Moment | null, died: Moment): number {
  if (seenRunning !== null && seenRunning.bootId === died.bootId) return died.mono - seenRunning.mono;
  const ran = finished - parseTime(startedAt);
  return Number.isNaN(ran) ? 0 : Math.max(0, ran);
}

function wasInterrupted(current: CurrentContainer | null, id: string, context: RecordContext): boolean {
  if (current === null || current.id !== id) return false;
  const { seenRunning, engineRunId } = current;
  if (seenRunning !== null && seenRunning.bootId !== context.now.bootId) return true;
  return engineRunId !== null && context.engineRunId !== null && engineRunId !== context.engineRunId;
}

/** Nobody saw in which engine run somebody ran it again: that a job has ended well may be the engine's doing, and it is run again. */
function mayBeInterrupted(
  { current, lastTermination }: ContainerHistory,
  container: ObservedContainer,
  code: number,
): boolean {
  return (
    current === null &&
    lastTermination?.containerId === container.id &&
    container.restartPolicy === "OnFailure" &&
    code === 0
  );
}

/** Removed by hand, or with the engine's data: it cannot run, and nobody will ever know how it ended. */
function vanished(before: ContainerHistory | undefined, context: RecordContext): ContainerHistory | undefined {
  if (before === undefined || before.current === null || before.termination !== null) return before;
  if (before.current.startedAt === null) return { ...before, current: null };
  return lost(before, before.current, "The container could not be located when the pod was last looked at", context);
}

/** It ran, does so no more as far as the pod is concerned, and nobody will ever know how it ended. */
function lost(
  before: ContainerHistory,
  current: CurrentContainer,
  message: string,
  context: RecordContext,
): ContainerHistory {
  const { now } = context;
  const ranMs = current.seenRunning?.bootId === now.bootId ? now.mono - current.seenRunning.mono : 0;
  return {
    ...before,
    termination: {
      containerId: current.id,
      exitCode: 137,
      reason: "ContainerStatusUnknown",
      message,
      startedAt: current.startedAt,
      finishedAt: formatTime(now.wall),
      interrupted: wasInterrupted(current, current.id, context),
    },
    backoffLevel: levelAfterRun(before.backoffLevel, ranMs),
    diedAt: now,
    failure: null,
  };
}
