import { counted } from "../base/counted.ts";
import { ownValue } from "../base/own-value.ts";
import { remainingMs, restartDelayMs } from "./backoff.ts";
import type { ContainerHistory, Moment, PodHistory, Termination } from "./container-history.ts";
import { failureRemainingMs, isRetriedAtOnce } from "./failure-wait.ts";
import { nextStep } from "./next-step.ts";
import type { ContainerStatus, PodStatus, TerminatedState } from "./pod-status.ts";
import type { AcceptedPod, ContainerSpec } from "./spec.ts";
import { formatTime, parseTime } from "./time.ts";

/** Why a pod is as its status says, for people. */
export interface PodCause {
  /** A sentence without its full stop; null where there is nothing to say. */
  readonly reason: string | null;
  /** RFC 3339: when the agent tries again; null where it does not, or does so at once. */
  readonly nextTry: string | null;
  /** What to do about it; null where nothing is to be done. */
  readonly todo: string | null;
}

/** A container that is being stopped. */
export interface StopUnderWay {
  /** Why, as a clause: "liveness probe failed: …". */
  readonly because: string;
  /** When it is stopped by force, milliseconds since the epoch. */
  readonly untilWall: number;
}

export interface CauseInput {
  readonly name: string;
  readonly status: PodStatus;
  readonly spec: AcceptedPod["spec"];
  readonly history: PodHistory;
  /** By container id: the words of the readiness probe that fails. */
  readonly unready: ReadonlyMap<string, string>;
  /** By container id. */
  readonly stopping: ReadonlyMap<string, StopUnderWay>;
  readonly now: Moment;
}

interface ContainerCause {
  readonly container: string;
  readonly word: string;
  readonly text: string;
  readonly remainingMs: number;
}

/** An update that waits, without the words of a back-off: `The update waits for the image of container app: ErrImagePull: …`. */
const waitingUpdate =
  /^(The update waits for [^:]{1,200}): ([A-Z][A-Za-z]{3,40}): (?:Back-off pulling image "[^"]{1,512}": )?(.{1,4096})/s;
/** What the engine tells of a program that it cannot run, behind the names of those that it asked to: `exec: "/app": …`. */
const cannotRun = 'exec: "';

export const noCause: PodCause = { reason: null, nextTry: null, todo: null };

/** The cause behind STATUS: how a container ended, why it cannot start, or which probe fails; not the words of a back-off. */
export function podCause(input: CauseInput): PodCause {
  const { status, spec, name, now } = input;
  const causes = status.containerStatuses.flatMap((containerStatus) => containerCause(input, containerStatus) ?? []);
  const [first, ...more] = causes.toSorted((a, b) => rank(a) - rank(b));
  const ofPod = status.message ?? null;
  if (first === undefined) {
    if (ofPod === null) return noCause;
    const [, update, updateWord = "", text = ofPod] = waitingUpdate.exec(ofPod) ?? [];
    const todo = nextStep({ word: status.reason ?? updateWord, text, logs: `edge logs ${name}` });
    return { reason: update === undefined ? ofPod : `${update}: ${text}`, nextTry: null, todo };
  }
  const isOneOfSeveral = spec.containers.length > 1;
  const others = more.length === 0 ? "" : ` (and ${counted(more.length, "more container")})`;
  const text = `${isOneOfSeveral ? `${first.container}: ` : ""}${first.text}${others}`;
  const logs = `edge logs ${name}${isOneOfSeveral ? ` -c ${first.container}` : ""}`;
  // What the pod itself waits for comes after what keeps it from working.
  const reason = ofPod === null ? text : status.reason === undefined ? `${text}; ${ofPod}` : `${ofPod}; ${text}`;
  const nextTry = first.remainingMs > 0 ? formatTime(now.wall + first.remainingMs) : null;
  return { reason, nextTry, todo: nextStep({ word: first.word, text: first.text, logs }) };
}

/** A container that does not run comes before one that is only not ready. */
function rank({ word }: ContainerCause): number {
  return word === "NotReady" ? 1 : 0;
}

function containerCause(input: CauseInput, containerStatus: ContainerStatus): ContainerCause | null {
  const { now } = input;
  const spec = input.spec.containers.find(({ name }) => name === containerStatus.name);
  const history = ownValue(input.history, containerStatus.name);
  const { running, waiting, terminated } = containerStatus.state;
  const container = containerStatus.name;
  if (running !== undefined) {
    const stop = input.stopping.get(idOf(containerStatus));
    if (stop !== undefined) return { container, word: "Stopping", text: stopSentence(stop), remainingMs: 0 };
    const text = containerStatus.ready ? null : notReady(input, containerStatus);
    return text === null ? null : { container, word: "NotReady", text, remainingMs: 0 };
  }
  if (terminated !== undefined) {
    const text = howItEnded(terminated, spec, history?.termination);
    return text === null ? null : { container, word: terminated.reason, text, remainingMs: 0 };
  }
  if (waiting === undefined) return null;
  const last = containerStatus.lastState.terminated;
  const ended =
    waiting.reason === "CrashLoopBackOff" && last !== undefined ? howItEnded(last, spec, history?.termination) : null;
  if (ended !== null || waiting.reason === "CrashLoopBackOff") {
    const word = last === undefined ? waiting.reason : endWord(last, history?.termination);
    const text = ended ?? "exit code 0, and the restart policy is Always";
    return { container, word, text, remainingMs: restartRemainingMs(history, now) };
  }
  // Of what is tried again at once only the second failure is a problem.
  const failure = history?.failure == null || isRetriedAtOnce(history.failure) ? null : history.failure;
  const text = failure?.message ?? waiting.message;
  if (text === undefined) return null;
  return { container, word: waiting.reason, text, remainingMs: failureRemainingMs(history, now) };
}

function idOf({ containerID }: ContainerStatus): string {
  return containerID?.replace(/^docker:\/\//, "") ?? "";
}

function stopSentence({ because, untilWall }: StopUnderWay): string {
  return `${because}; the container has until ${formatTime(untilWall).slice("2026-01-01T".length)} to stop`;
}

/** How a container ended, where that says more than that it does so again and again. */
const telling: readonly string[] = ["OOMKilled", "ContainerCannotRun", "MountsDiffer", "GroupsDiffer"];

/** The word of a container that ends again and again, by its last end: what is to be done depends on it. */
export function endWord({ reason }: TerminatedState, termination: Termination | null | undefined): string {
  const isStopped = reason === "OOMKilled" && termination?.stoppedBecause !== undefined;
  return !isStopped && telling.includes(reason) ? reason : "CrashLoopBackOff";
}

function restartRemainingMs(history: ContainerHistory | undefined, now: Moment): number {
  if (history?.diedAt == null) return 0;
  return remainingMs(restartDelayMs(history.backoffLevel), history.diedAt, now);
}

/** How a container ended, the agent's own stop before what it led to; null where it ended well. */
export function howItEnded(
  { exitCode, reason, message }: TerminatedState,
  spec: ContainerSpec | undefined,
  termination: Termination | null | undefined,
): string | null {
  const stopped = termination?.stoppedBecause;
  if (stopped !== undefined) return stopped;
  if (reason === "OOMKilled") {
    const limit = spec?.resources.limits?.memory;
    return limit === undefined ? "OOMKilled" : `OOMKilled (limit ${limit})`;
  }
  if (reason === "ContainerStatusUnknown" && message !== undefined) return message;
  const program = reason === "ContainerCannotRun" ? (message ?? "").split(cannotRun)[1] : undefined;
  if (program !== undefined) return `cannot run "${program.trim().replace(/: unknown$/, "")}`;
  const words = message === undefined || message === "" ? "" : `: ${message.trim().split("\n").at(-1)}`;
  if (reason === "Completed" || (reason === "Error" && exitCode === 0)) return null;
  return reason === "Error" || reason === ""
    ? `exit code ${exitCode}${words}`
    : `${reason}, exit code ${exitCode}${words}`;
}

/** A container without a readiness probe is not ready only while it is paused, which the pod's message says. */
function notReady({ status, spec, unready, now }: CauseInput, containerStatus: ContainerStatus): string | null {
  if (spec.containers.find(({ name }) => name === containerStatus.name)?.readinessProbe === undefined) return null;
  const why = unready.get(idOf(containerStatus));
  if (why === undefined) return "waiting for its first successful readiness probe";
  const since = status.conditions.find(({ type }) => type === "ContainersReady")?.lastTransitionTime;
  return `readiness failing${since === undefined ? "" : ` since ${shortTime(since, now.wall)}`}: ${why}`;
}

const dayMs = 86_400_000;

/** The time of day alone where it is of the last 24 hours: `04:43:55Z`. */
function shortTime(time: string, nowWall: number): string {
  const age = nowWall - parseTime(time);
  return age >= 0 && age < dayMs ? time.slice(11) : time;
}
