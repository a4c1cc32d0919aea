// core: pure functions: no clock, no I/O, no randomness.

import type { Violation } from "./base/violation.ts";
import type { Condition } from "./node/conditions.ts";
import { noCause, type PodCause, podCause, type StopUnderWay } from "./pod/cause.ts";
import type { Moment, PodHistory } from "./pod/container-history.ts";
import type { DesiredPod, TerminatingPod } from "./pod/desired.ts";
import { stillTerminating } from "./pod/known-pods.ts";
import { byNumber, type NpuHolder } from "./pod/npu.ts";
import type { PodStatus } from "./pod/pod-status.ts";
import { type RefusedUpdate, recentRefusals } from "./pod/refused-update.ts";
import { restartCause } from "./pod/restart-cause.ts";
import { type AcceptedPod, type DeviceOrigin, podKey } from "./pod/spec.ts";
import { summarize } from "./pod/summary.ts";
import { timeToStop, waitsForFormer } from "./pod/terminating-plan.ts";
import { formatTime } from "./pod/time.ts";

/** `edge status --json` and `status.json` (contracts.md), word by word. */
export interface StatusDocument {
  readonly node: { readonly name: string; readonly conditions: readonly ConditionRow[] };
  readonly agent: {
    readonly running: boolean;
    readonly pid: number | null;
    readonly version: string;
    readonly startedAt: string | null;
    /** The configuration file in use; null when there is none. An agent of an earlier version does not tell. */
    readonly config?: string | null;
    /** The configuration file that a running agent read last, also one that it rejected. An agent of an earlier version does not tell. */
    readonly configRead?: ConfigRead;
  };
  readonly center: {
    /** none: no center is configured. */
    readonly state: "online" | "connecting" | "offline" | "none";
    readonly url: string;
    readonly since: string | null;
    readonly lastError: string | null;
    /** Of this device and of the authorities it believes; absent where it has none of its own. */
    readonly certificates?: readonly {
      readonly file: string;
      readonly notBefore: string;
      readonly notAfter: string;
    }[];
  };
  readonly engine: { readonly state: "ready" | "unavailable"; readonly version: string | null };
  readonly outbox: { readonly pending: number; readonly bytes: number; readonly dropped: number };
  readonly pods: readonly PodRow[];
  /** By number; absent where there is none and none is held. */
  readonly npus?: readonly NpuRow[];
  /** Updates refused in the last hour that no accepted message followed; absent where there are none. */
  readonly refusedUpdates?: readonly RefusedUpdateRow[];
  /** Files of factory pods that are refused; absent where there are none. */
  readonly factoryFiles?: readonly FactoryFileRow[];
  /** What else the device's owner should know; absent where there is nothing to say. */
  readonly notices?: readonly string[];
}

export interface ConfigRead {
  readonly file: string;
  /** When the file was changed last before it was read, RFC 3339 with milliseconds: another time now is another file. */
  readonly modifiedAt: string;
}

export interface FactoryFileRow {
  /** Name of the file in the folder of factory pods. */
  readonly file: string;
  readonly violations: readonly Violation[];
}

export interface RefusedUpdateRow {
  /** namespace/name. */
  readonly pod: string;
  /** RFC 3339. */
  readonly at: string;
  readonly message: string;
}

export function refusedUpdateRows(
  kept: readonly RefusedUpdate[],
  nowWall: number,
): Pick<StatusDocument, "refusedUpdates"> {
  const rows = recentRefusals(kept, nowWall).map(({ pod, wall, message }) => ({ pod, at: formatTime(wall), message }));
  return rows.length === 0 ? {} : { refusedUpdates: rows };
}

export function factoryFileRows(rows: readonly FactoryFileRow[]): Pick<StatusDocument, "factoryFiles"> {
  return rows.length === 0 ? {} : { factoryFiles: rows };
}

/** Kubernetes' NodeCondition, without the heartbeat. */
export interface ConditionRow extends Omit<Condition, "since"> {
  /** RFC 3339; null when nobody has watched. */
  readonly lastTransitionTime: string | null;
}

export function conditionRows(conditions: readonly Condition[]): readonly ConditionRow[] {
  return conditions.map(({ since, ...rest }) => ({ ...rest, lastTransitionTime: formatTime(since) }));
}

export interface NpuRow {
  readonly name: string;
  /** Whether its device node is there. */
  readonly present: boolean;
  /** `namespace/name/container` of who has it for itself; null while it is free. */
  readonly holder: string | null;
}

export interface PodRow {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Absent for a pod of the center. */
  readonly origin?: DeviceOrigin;
  readonly phase: string;
  /** Containers ready of all: "1/1". */
  readonly ready: string;
  readonly status: string;
  readonly restarts: number;
  /** When a container last ended before it was restarted; absent if none was restarted. */
  readonly lastRestart?: string;
  readonly startTime: string | null;
  /** Absent before its network is up. An agent of an earlier version does not tell. */
  readonly podIP?: string;
  /** The cause, for people. */
  readonly reason: string | null;
  /** When the agent tries again what failed; absent where it does not wait for that. An agent of an earlier version does not tell. */
  readonly nextTry?: string;
  /** What to do; absent where nothing is to be done. */
  readonly todo?: string;
  /** Present where the engine cannot be asked: when it was asked last, null if that is not known. The rest is as of then. */
  readonly lastSeen?: string | null;
}

export interface PodFacts {
  readonly desired: readonly DesiredPod[];
  readonly terminating: readonly TerminatingPod[];
  readonly statuses: readonly { readonly id: { readonly uid: string }; readonly status: unknown }[];
  readonly historyOf: (uid: string) => PodHistory;
  /** By container id: the words of the readiness probe that fails. */
  readonly unready: ReadonlyMap<string, string>;
  /** By container id. */
  readonly stopping: ReadonlyMap<string, StopUnderWay>;
  /** Null while the engine answers; else when it did last, RFC 3339, as far as that is known. */
  readonly unseen: { readonly since: string | null } | null;
  readonly now: Moment;
}

/** The rows of `edge status`: every pod that is wanted or on its way out, by namespace and name. */
export function podRows(facts: PodFacts): readonly PodRow[] {
  const { desired, terminating, statuses } = facts;
  const byUid = new Map(statuses.map((stored) => [stored.id.uid, stored.status as PodStatus]));
  const wanted = new Set(desired.map((desiredPod) => desiredPod.pod.id.uid));
  const rows = desired.map(({ pod }) => {
    // Its status is the former pod's until that is gone.
    const former = stillTerminating(terminating).find(({ id, kind }) => id.uid === pod.id.uid && kind === "deleted");
    const shown = row(facts, pod, byUid.get(pod.id.uid), former !== undefined);
    return former === undefined ? shown : { ...shown, reason: waitsForFormer(former) };
  });
  for (const terminatingPod of terminating) {
    const { pod, kind, isTerminated } = terminatingPod;
    if (pod === null || isTerminated || wanted.has(pod.id.uid)) continue;
    const shown = row(facts, pod, byUid.get(pod.id.uid), kind === "deleted");
    rows.push(shown.status === "Terminating" ? { ...shown, reason: timeToStop(terminatingPod, facts.now) } : shown);
  }
  return rows.sort((a, b) => order(`${a.namespace}/${a.name}/${a.uid}`, `${b.namespace}/${b.name}/${b.uid}`));
}

/** The NPUs of the device, and those that somebody holds although they are not there (any more). */
export function npuRows(present: readonly string[], holders: readonly NpuHolder[]): Pick<StatusDocument, "npus"> {
  const held = new Map(holders.map(({ npu, pod, container }) => [npu, `${podKey(pod)}/${container}`]));
  const names = [...new Set([...present, ...held.keys()])].sort(byNumber);
  if (names.length === 0) return {};
  return { npus: names.map((name) => ({ name, present: present.includes(name), holder: held.get(name) ?? null })) };
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function row(facts: PodFacts, pod: AcceptedPod, status: PodStatus | undefined, deleting: boolean): PodRow {
  const { namespace, name, uid } = pod.id;
  const whose = pod.origin === undefined ? {} : { origin: pod.origin };
  if (status === undefined) {
    return {
      name,
      namespace,
      uid,
      ...whose,
      phase: "Pending",
      ready: `0/${pod.spec.containers.length}`,
      status: "Pending",
      restarts: 0,
      startTime: null,
      reason: null,
    };
  }
  const { ready, status: text, restarts, lastRestart } = summarize(status, deleting);
  const shown =
    facts.unseen === null
      ? { ready, status: text, ...seenCause(facts, pod, status) }
      : unseen(facts.unseen, ready, text);
  return {
    name,
    namespace,
    uid,
    ...whose,
    phase: status.phase,
    ready: shown.ready,
    status: shown.status,
    restarts,
    ...(lastRestart === null ? {} : { lastRestart }),
    startTime: status.startTime,
    ...(status.podIP === undefined ? {} : { podIP: status.podIP }),
    reason: shown.reason,
    ...(shown.nextTry === null ? {} : { nextTry: shown.nextTry }),
    ...(shown.todo === null ? {} : { todo: shown.todo }),
    ...(facts.unseen === null ? {} : { lastSeen: facts.unseen.since }),
  };
}

/** What is wrong now, else why a container was restarted that may soon end again. */
function seenCause(facts: PodFacts, { id, spec }: AcceptedPod, status: PodStatus): PodCause {
  const { historyOf, unready, stopping, now } = facts;
  const input = { name: id.name, status, spec, history: historyOf(id.uid), now };
  const cause = podCause({ ...input, unready, stopping });
  if (cause.reason !== null) return cause;
  return { ...cause, ...restartCause(input) };
}

/** Nobody can tell what a pod does while neither agent nor engine answers (Kubernetes: a node that is lost). */
function unseen(
  { since }: NonNullable<PodFacts["unseen"]>,
  ready: string,
  status: string,
): PodCause & Pick<PodRow, "ready" | "status"> {
  const when = since === null ? "when it was last seen" : `as last seen at ${since}`;
  return {
    ...noCause,
    ready: `0/${ready.split("/")[1]}`,
    status: "Unknown",
    reason: `${status}, ${ready} ready, ${when}`,
  };
}
