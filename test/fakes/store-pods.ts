import type { PodHistory } from "../../src/core/pod/container-history.ts";
import { type PodId, podKey } from "../../src/core/pod/spec.ts";
import type { Store } from "../../src/ports/store.ts";
import { kept, keptAnew, newestEntries, type Room, withEntry, withoutEntry } from "./store-state.ts";

export function desiredPods(room: Room): Store["desiredPods"] {
  const { called, change, state } = room;
  return {
    list() {
      called("desiredPods.list");
      const pods = [...state().desired.values()].map((row) => row.value);
      return pods.sort((a, b) => compareIds(a.pod.id, b.pod.id));
    },
    get(namespace, name) {
      called("desiredPods.get");
      return state().desired.get(podKey({ namespace, name }))?.value ?? null;
    },
    put(pod, keepPrevious) {
      called("desiredPods.put");
      const key = podKey(pod.pod.id);
      const before = state().desired.get(key);
      const now = keptAnew(pod, before);
      if (now === null) return;
      const last = before === undefined ? null : kept(before.value.pod);
      const isKept = keepPrevious !== undefined || last?.json === JSON.stringify(pod.pod);
      const previous = isKept ? (before?.previous ?? null) : last;
      change({ desired: withEntry(state().desired, key, { ...now, previous }) });
    },
    delete(namespace, name) {
      called("desiredPods.delete");
      const key = podKey({ namespace, name });
      if (state().desired.has(key)) change({ desired: withoutEntry(state().desired, key) });
    },
    previous(namespace, name) {
      return state().desired.get(podKey({ namespace, name }))?.previous?.value ?? null;
    },
  };
}

export function terminatingPods({ called, change, state }: Room): Store["terminatingPods"] {
  return {
    list() {
      called("terminatingPods.list");
      const pods = [...state().terminating.values()].map((row) => row.value);
      return pods.sort((a, b) => a.seq - b.seq);
    },
    put(pod) {
      called("terminatingPods.put");
      const seq = pod.seq === 0 ? state().leavingSeq + 1 : pod.seq;
      const row = kept({ ...pod, seq });
      if (state().terminating.get(seq)?.json !== row.json) {
        const leavingSeq = Math.max(seq, state().leavingSeq);
        change({ terminating: withEntry(state().terminating, seq, row), leavingSeq });
      }
      return row.value;
    },
    delete(seq) {
      called("terminatingPods.delete");
      if (state().terminating.has(seq)) change({ terminating: withoutEntry(state().terminating, seq) });
    },
  };
}

export function deletedPods({ called, change, state, limits }: Room): Store["deletedPods"] {
  return {
    version(uid) {
      called("deletedPods.version");
      return state().deleted.get(uid) ?? null;
    },
    remember(uid, resourceVersion) {
      called("deletedPods.remember");
      change({ deleted: newestEntries(state().deleted, uid, resourceVersion, limits.deletedMaxRows) });
    },
  };
}

export function histories({ called, change, state }: Room): Store["histories"] {
  return {
    get(uid): PodHistory {
      called("histories.get");
      return state().histories.get(uid)?.value ?? {};
    },
    uids() {
      called("histories.uids");
      return [...state().histories.keys()].sort();
    },
    put(uid, history) {
      called("histories.put");
      const row = keptAnew(history, state().histories.get(uid));
      if (row !== null) change({ histories: withEntry(state().histories, uid, row) });
    },
    delete(uid) {
      called("histories.delete");
      if (state().histories.has(uid)) change({ histories: withoutEntry(state().histories, uid) });
    },
  };
}

export function statuses({ called, change, state }: Room): Store["statuses"] {
  return {
    list() {
      called("statuses.list");
      const rows = [...state().statuses.values()].map((row) => row.value);
      return rows.sort((a, b) => compareIds(a.id, b.id));
    },
    get(uid) {
      called("statuses.get");
      return state().statuses.get(uid)?.value ?? null;
    },
    put({ namespace, name, uid }, status) {
      called("statuses.put");
      const row = keptAnew({ id: { namespace, name, uid }, status }, state().statuses.get(uid));
      if (row !== null) change({ statuses: withEntry(state().statuses, uid, row) });
    },
    delete(uid) {
      called("statuses.delete");
      if (state().statuses.has(uid)) change({ statuses: withoutEntry(state().statuses, uid) });
    },
  };
}

function compareIds(a: PodId, b: PodId): number {
  const [left, right] = [[a.namespace, a.name, a.uid].join("\0"), [b.namespace, b.name, b.uid].join("\0")];
  return left < right ? -1 : left > right ? 1 : 0;
}
