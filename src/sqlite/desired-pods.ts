import type { Database } from "better-sqlite3";
import type { DesiredPod } from "../core/pod/desired.ts";
import { podHashes } from "../core/pod/identity.ts";
import type { AcceptedPod } from "../core/pod/spec.ts";
import type { DesiredPods, StoreReader } from "../ports/store.ts";
import { readJson } from "./columns.ts";
import type { Writer } from "./database.ts";
import { keptRows } from "./kept-rows.ts";

interface Row {
  readonly pod: string;
  readonly previous_pod: string | null;
  readonly generation: number;
  readonly accepted_wall: number;
  readonly accepted_mono: number;
  readonly accepted_boot: string;
  readonly message_id: string;
  readonly content_hash: string;
}

const columns = "pod, previous_pod, generation, accepted_wall, accepted_mono, accepted_boot, message_id, content_hash";

export function desiredPodReads(db: Database): StoreReader["desiredPods"] {
  const all = db.prepare<[], Row>(`SELECT ${columns} FROM desired_pods ORDER BY namespace, name`);
  const select = db.prepare<[string, string], Row>(
    `SELECT ${columns} FROM desired_pods WHERE namespace = ? AND name = ?`,
  );
  const selectPrevious = db
    .prepare<[string, string], string | null>("SELECT previous_pod FROM desired_pods WHERE namespace = ? AND name = ?")
    .pluck();
  return {
    list: () => all.all().map(toDesiredPod),
    get(namespace, name) {
      const row = select.get(namespace, name);
      return row === undefined ? null : toDesiredPod(row);
    },
    previous(namespace, name) {
      const previous = selectPrevious.get(namespace, name) ?? null;
      return previous === null ? null : readPod(previous);
    },
  };
}

export function desiredPods({ db, write, onUndo }: Writer): DesiredPods {
  const select = db.prepare<[string, string], Row>(
    `SELECT ${columns} FROM desired_pods WHERE namespace = ? AND name = ?`,
  );
  const put = db.prepare<[Row & { namespace: string; name: string; uid: string }]>(
    `INSERT OR REPLACE INTO desired_pods (namespace, name, uid, ${columns}) VALUES (@namespace, @name, @uid, @pod,
     @previous_pod, @generation, @accepted_wall, @accepted_mono, @accepted_boot, @message_id, @content_hash)`,
  );
  const remove = db.prepare<[string, string]>("DELETE FROM desired_pods WHERE namespace = ? AND name = ?");
  const keys = db
    .prepare<[], string>("SELECT namespace || '/' || name FROM desired_pods ORDER BY namespace, name")
    .pluck();
  const kept = keptRows({
    keys: () => keys.all(),
    read(key: string) {
      const slash = key.indexOf("/");
      const row = select.get(key.slice(0, slash), key.slice(slash + 1));
      return row === undefined ? null : { value: toDesiredPod(row), size: row.pod.length };
    },
  });
  onUndo(kept.forget);
  return {
    list: kept.list,
    get: (namespace, name) => kept.get(`${namespace}/${name}`),
    previous: desiredPodReads(db).previous,
    put(desired, keepPrevious) {
      const { id } = desired.pod;
      const row = toRow(desired);
      write(() => {
        const before = select.get(id.namespace, id.name);
        if (before !== undefined && isSame(before, row)) return;
        // A restart raises the generation and changes nothing of the pod: that is no previous spec.
        const isKept = keepPrevious !== undefined || before?.pod === row.pod;
        const previous_pod = (isKept ? before?.previous_pod : before?.pod) ?? null;
        put.run({ namespace: id.namespace, name: id.name, uid: id.uid, ...row, previous_pod });
        kept.written(`${id.namespace}/${id.name}`);
      });
    },
    delete(namespace, name) {
      write(() => remove.run(namespace, name));
      kept.deleted(`${namespace}/${name}`);
    },
  };
}

/** What asked for a pod, as it stands in a column: versions before kept the msg_id alone. */
export function requestOf(text: string): string {
  return text.includes(" ") ? text : `message ${text}`;
}

/** A pod as it stands in a JSON column. */
export function readPod(json: string): AcceptedPod {
  const pod = readJson<Omit<AcceptedPod, "hashes"> & Partial<AcceptedPod>>(json, "pod", ["id", "metadata", "spec"]);
  // Rows of versions before had none.
  return { ...pod, hashes: pod.hashes ?? podHashes(pod.spec) };
}

function toDesiredPod(row: Row): DesiredPod {
  return {
    pod: readPod(row.pod),
    generation: row.generation,
    acceptedAt: { wall: row.accepted_wall, mono: row.accepted_mono, bootId: row.accepted_boot },
    request: requestOf(row.message_id),
    contentHash: row.content_hash,
  };
}

function toRow(desired: DesiredPod): Row {
  return {
    pod: JSON.stringify(desired.pod),
    previous_pod: null,
    generation: desired.generation,
    accepted_wall: desired.acceptedAt.wall,
    accepted_mono: desired.acceptedAt.mono,
    accepted_boot: desired.acceptedAt.bootId,
    message_id: desired.request,
    content_hash: desired.contentHash,
  };
}

function isSame(a: Row, b: Row): boolean {
  return (
    a.pod === b.pod &&
    a.generation === b.generation &&
    a.accepted_wall === b.accepted_wall &&
    a.accepted_mono === b.accepted_mono &&
    a.accepted_boot === b.accepted_boot &&
    a.message_id === b.message_id &&
    a.content_hash === b.content_hash
  );
}
