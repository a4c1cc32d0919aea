// core: pure functions: no clock, no I/O, no randomness.

import type { Condition } from "./node/conditions.ts";
import type { DesiredPod, TerminatingPod } from "./pod/desired.ts";
import { byNumber, type NpuHolder } from "./pod/npu.ts";
import type { PodStatus } from "./pod/pod-status.ts";
import { podKey } from "./pod/spec.ts";
import { summarize } from "./pod/summary.ts";
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
  };
  readonly center: {
    readonly state: "online" | "connecting" | "offline";
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
  /** What else the device's owner should know; absent where there is nothing to say. */
  readonly notices?: readonly string[];
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
  readonly phase: string;
  /** Containers ready of all: "1/1". */
  readonly ready: string;
  readonly status: string;
  readonly restarts: number;
  /** When a container last ended before it was restarted; absent if none was restarted. */
  readonly lastRestart?: string;
  readonly startTime: string | null;
  readonly reason: string | null;
}

interface StoredPods {
  readonly desired: readonly DesiredPod[];
  readonly terminating: readonly TerminatingPod[];
  readonly statuses: readonly { readonly id: { readonly uid: string }; readonly status: unknown }[];
}

/** The rows of `edge status`: every pod that is wanted or on its way out, by namespace and name. */
export function podRows({ desired, terminating, statuses }: StoredPods): readonly PodRow[] {
  const byUid = new Map(statuses.map((one) => [one.id.uid, one.status as PodStatus]));
  const wanted = new Set(desired.map((desiredPod) => desiredPod.pod.id.uid));
  const rows = desired.map((desiredPod) => row(desiredPod.pod.id, byUid.get(desiredPod.pod.id.uid), false));
  for (const terminatingPod of terminating) {
    if (terminatingPod.pod === null || terminatingPod.isTerminated || wanted.has(terminatingPod.id.uid)) continue;
    rows.push(row(terminatingPod.id, byUid.get(terminatingPod.id.uid), terminatingPod.kind === "deleted"));
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

function row(
  id: { readonly namespace: string; readonly name: string; readonly uid: string },
  status: PodStatus | undefined,
  deleting: boolean,
): PodRow {
  const { namespace, name, uid } = id;
  if (status === undefined) {
    return {
      name,
      namespace,
      uid,
      phase: "Pending",
      ready: "0/0",
      status: "Pending",
      restarts: 0,
      startTime: null,
      reason: null,
    };
  }
  const { ready, status: text, restarts, lastRestart, reason } = summarize(status, deleting);
  return {
    name,
    namespace,
    uid,
    phase: status.phase,
    ready,
    status: text,
    restarts,
    ...(lastRestart === null ? {} : { lastRestart }),
    startTime: status.startTime,
    reason,
  };
}
