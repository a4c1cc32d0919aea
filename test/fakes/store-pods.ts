import type { DesiredPod, LeavingPod } from "../../src/core/pod/desired.ts";
import type { PodHistory } from "../../src/core/pod/history.ts";
import { type PodId, podKey } from "../../src/core/pod/spec.ts";
import type { Store } from "../../src/ports/store.ts";
import { newestEntries, type Room, withEntry, withoutEntry } from "./store-state.ts";

/** What a pod was before its last change: kept for the device's owner, so no part of the port. */
export interface PreviousPods {
  previousPod(namespace: string, name: string): DesiredPod["pod"] | null;
}

export function desiredPods(
  room: Room,
): Pick<Store, "desiredPods" | "desiredPod" | "putDesiredPod" | "deleteDesiredPod"> & PreviousPods {
  const { called, change, state } = room;
  return {
    desiredPods() {
      called("desiredPods");
      const pods = [...state().desired.values()].map((row): DesiredPod => JSON.parse(row.json));
      return pods.sort((a, b) => compareIds(a.pod.id, b.pod.id));
    },
    desiredPod(namespace, name) {
      called("desiredPod");
      const row = state().desired.get(podKey({ namespace, name }));
      return row === undefined ? null : JSON.parse(row.json);
    },
    putDesiredPod(pod) {
      called("putDesiredPod");
      const key = podKey(pod.pod.id);
      const json = JSON.stringify(pod);
      const before = state().desired.get(key);
      if (before?.json === json) return;
      const previousPod = before === undefined ? null : JSON.stringify(JSON.parse(before.json).pod);
      const previous = previousPod === JSON.stringify(pod.pod) ? (before?.previous ?? null) : previousPod;
      change({ desired: withEntry(state().desired, key, { json, previous }) });
    },
    deleteDesiredPod(namespace, name) {
      called("deleteDesiredPod");
      const key = podKey({ namespace, name });
      if (state().desired.has(key)) change({ desired: withoutEntry(state().desired, key) });
    },
    previousPod(namespace, name) {
      const previous = state().desired.get(podKey({ namespace, name }))?.previous ?? null;
      return previous === null ? null : JSON.parse(previous);
    },
  };
}

export function leavingPods({
  called,
  change,
  state,
}: Room): Pick<Store, "leavingPods" | "putLeavingPod" | "deleteLeavingPod"> {
  return {
    leavingPods() {
      called("leavingPods");
      const pods = [...state().leaving.values()].map((json): LeavingPod => JSON.parse(json));
      return pods.sort((a, b) => a.seq - b.seq);
    },
    putLeavingPod(pod) {
      called("putLeavingPod");
      const seq = pod.seq === 0 ? state().leavingSeq + 1 : pod.seq;
      const json = JSON.stringify({ ...pod, seq });
      if (state().leaving.get(seq) !== json) {
        const leavingSeq = Math.max(seq, state().leavingSeq);
        change({ leaving: withEntry(state().leaving, seq, json), leavingSeq });
      }
      return JSON.parse(json);
    },
    deleteLeavingPod(seq) {
      called("deleteLeavingPod");
      if (state().leaving.has(seq)) change({ leaving: withoutEntry(state().leaving, seq) });
    },
  };
}

type PerPod = Pick<
  Store,
  | "deletedVersion"
  | "rememberDeleted"
  | "history"
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
      return JSON.parse(state().histories.get(uid) ?? "{}");
    },
    putHistory(uid, history) {
      called("putHistory");
      const json = JSON.stringify(history);
      if (state().histories.get(uid) !== json) change({ histories: withEntry(state().histories, uid, json) });
    },
    deleteHistory(uid) {
      called("deleteHistory");
      if (state().histories.has(uid)) change({ histories: withoutEntry(state().histories, uid) });
    },
    statuses() {
      called("statuses");
      const rows = [...state().statuses.values()].sort((a, b) => compareIds(a.id, b.id));
      return rows.map((row) => ({ id: row.id, status: JSON.parse(row.json) }));
    },
    status(uid) {
      called("status");
      const row = state().statuses.get(uid);
      return row === undefined ? null : { id: row.id, status: JSON.parse(row.json) };
    },
    putStatus({ namespace, name, uid }, status) {
      called("putStatus");
      const row = { id: { namespace, name, uid }, json: JSON.stringify(status) };
      const before = state().statuses.get(uid);
      if (before?.json === row.json && compareIds(before.id, row.id) === 0) return;
      change({ statuses: withEntry(state().statuses, uid, row) });
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
