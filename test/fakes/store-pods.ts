import type { PodHistory } from "../../src/core/pod/container-history.ts";
import { type PodId, podKey } from "../../src/core/pod/spec.ts";
import type { Store } from "../../src/ports/store.ts";
import { kept, keptAnew, newestEntries, type Room, withEntry, withoutEntry } from "./store-state.ts";

export function desiredPods(
  room: Room,
): Pick<Store, "desiredPods" | "desiredPod" | "previousPod" | "putDesiredPod" | "deleteDesiredPod"> {
  const { called, change, state } = room;
  return {
    desiredPods() {
      called("desiredPods");
      const pods = [...state().desired.values()].map((row) => row.value);
      return pods.sort((a, b) => compareIds(a.pod.id, b.pod.id));
    },
    desiredPod(namespace, name) {
      called("desiredPod");
      return state().desired.get(podKey({ namespace, name }))?.value ?? null;
    },
    putDesiredPod(pod, keepPrevious) {
      called("putDesiredPod");
      const key = podKey(pod.pod.id);
      const before = state().desired.get(key);
      const now = keptAnew(pod, before);
      if (now === null) return;
      const last = before === undefined ? null : kept(before.value.pod);
      const isKept = keepPrevious !== undefined || last?.json === JSON.stringify(pod.pod);
      const previous = isKept ? (before?.previous ?? null) : last;
      change({ desired: withEntry(state().desired, key, { ...now, previous }) });
    },
    deleteDesiredPod(namespace, name) {
      called("deleteDesiredPod");
      const key = podKey({ namespace, name });
      if (state().desired.has(key)) change({ desired: withoutEntry(state().desired, key) });
    },
    previousPod(namespace, name) {
      return state().desired.get(podKey({ namespace, name }))?.previous?.value ?? null;
    },
  };
}

export function leavingPods({
  called,
  change,
  state,
}: Room): Pick<Store, "terminatingPods" | "putTerminatingPod" | "deleteTerminatingPod"> {
  return {
    terminatingPods() {
      called("terminatingPods");
      const pods = [...state().terminating.values()].map((row) => row.value);
      return pods.sort((a, b) => a.seq - b.seq);
    },
    putTerminatingPod(pod) {
      called("putTerminatingPod");
      const seq = pod.seq === 0 ? state().leavingSeq + 1 : pod.seq;
      const row = kept({ ...pod, seq });
      if (state().terminating.get(seq)?.json !== row.json) {
        const leavingSeq = Math.max(seq, state().leavingSeq);
        change({ terminating: withEntry(state().terminating, seq, row), leavingSeq });
      }
      return row.value;
    },
    deleteTerminatingPod(seq) {
      called("deleteTerminatingPod");
      if (state().terminating.has(seq)) change({ terminating: withoutEntry(state().terminating, seq) });
    },
  };
}

type PerPod = Pick<
  Store,
  | "deletedVersion"
  | "rememberDeleted"
  | "history"
  | "historyUids"
  | "putHistory"
  | "deleteHistory"
  | "statuses"
  | "status"
  | "putStatus"
  | "deleteStatus"
>;

export function perPod({ called, change, state, limits }: Room): PerPod {
  return {
    deletedVersion(uid) {
      called("deletedVersion");
      return state().deleted.get(uid) ?? null;
    },
    rememberDeleted(uid, resourceVersion) {
      called("rememberDeleted");
      change({ deleted: newestEntries(state().deleted, uid, resourceVersion, limits.deletedMaxRows) });
    },
    history(uid): PodHistory {
      called("history");
      return state().histories.get(uid)?.value ?? {};
    },
    historyUids() {
      called("historyUids");
      return [...state().histories.keys()].sort();
    },
    putHistory(uid, history) {
      called("putHistory");
      const row = keptAnew(history, state().histories.get(uid));
      if (row !== null) change({ histories: withEntry(state().histories, uid, row) });
    },
    deleteHistory(uid) {
      called("deleteHistory");
      if (state().histories.has(uid)) change({ histories: withoutEntry(state().histories, uid) });
    },
    statuses() {
      called("statuses");
      const rows = [...state().statuses.values()].map((row) => row.value);
      return rows.sort((a, b) => compareIds(a.id, b.id));
    },
    status(uid) {
      called("status");
      return state().statuses.get(uid)?.value ?? null;
    },
    putStatus({ namespace, name, uid }, status) {
      called("putStatus");
      const row = keptAnew({ id: { namespace, name, uid }, status }, state().statuses.get(uid));
      if (row !== null) change({ statuses: withEntry(state().statuses, uid, row) });
    },
    deleteStatus(uid) {
      called("deleteStatus");
      if (state().statuses.has(uid)) change({ statuses: withoutEntry(state().statuses, uid) });
    },
  };
}

function compareIds(a: PodId, b: PodId): number {
  const [left, right] = [[a.namespace, a.name, a.uid].join("\0"), [b.namespace, b.name, b.uid].join("\0")];
  return left < right ? -1 : left > right ? 1 : 0;
}
