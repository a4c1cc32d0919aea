import type { Database } from "better-sqlite3";
import type { TerminatingPod } from "../core/pod/desired.ts";
import type { StoreReader, TerminatingPods } from "../ports/store.ts";
import type { Writer } from "./database.ts";
import { readPod, requestOf } from "./desired-pods.ts";
import { keptRows } from "./kept-rows.ts";

/** The table keeps the word of its first version. */
type StoredKind = "deleted" | "superseded";

interface Row {
  readonly seq: number | null;
  readonly kind: StoredKind;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly pod: string | null;
  readonly generation: number;
  readonly grace_seconds: number;
  readonly since_wall: number;
  readonly since_mono: number;
  readonly since_boot: string;
  readonly accepted_wall: number;
  readonly accepted_mono: number;
  readonly accepted_boot: string;
  readonly deletion_timestamp: string;
  readonly message_id: string;
  readonly gone: number;
}

const names = [
  "seq",
  "kind",
  "namespace",
  "name",
  "uid",
  "pod",
  "generation",
  "grace_seconds",
  "since_wall",
  "since_mono",
  "since_boot",
  "accepted_wall",
  "accepted_mono",
  "accepted_boot",
  "deletion_timestamp",
  "message_id",
  "gone",
] as const satisfies readonly (keyof Row)[];

export function terminatingPodReads(db: Database): StoreReader["terminatingPods"] {
  const all = db.prepare<[], Row & { seq: number }>(`SELECT ${names.join(", ")} FROM leaving_pods ORDER BY seq`);
  return { list: () => all.all().map((row) => toTerminatingPod(row, row.seq)) };
}

export function terminatingPods({ db, write, onUndo }: Writer): TerminatingPods {
  const select = db.prepare<[number], Row>(`SELECT ${names.join(", ")} FROM leaving_pods WHERE seq = ?`);
  const put = db.prepare<[Row]>(
    `INSERT OR REPLACE INTO leaving_pods (${names.join(", ")}) VALUES (${names.map((name) => `@${name}`).join(", ")})`,
  );
  const remove = db.prepare<[number]>("DELETE FROM leaving_pods WHERE seq = ?");
  const keys = db.prepare<[], number>("SELECT seq FROM leaving_pods ORDER BY seq").pluck();
  const kept = keptRows({
    keys: () => keys.all(),
    read(seq: number) {
      const row = select.get(seq);
      return row === undefined ? null : { value: toTerminatingPod(row, seq), size: row.pod?.length ?? 0 };
    },
  });
  onUndo(kept.forget);
  return {
    list: kept.list,
    put(pod) {
      const row = toRow(pod);
      return write(() => {
        const before = pod.seq === 0 ? undefined : select.get(pod.seq);
        const isEqual = before !== undefined && names.every((name) => before[name] === row[name]);
        const seq = isEqual ? pod.seq : Number(put.run(row).lastInsertRowid);
        if (!isEqual) kept.written(seq);
        return toTerminatingPod(row, seq);
      });
    },
    delete(seq) {
      write(() => remove.run(seq));
      kept.deleted(seq);
    },
  };
}

function toRow(pod: TerminatingPod): Row {
  return {
    seq: pod.seq === 0 ? null : pod.seq,
    kind: pod.kind === "replaced" ? "superseded" : pod.kind,
    namespace: pod.id.namespace,
    name: pod.id.name,
    uid: pod.id.uid,
    pod: pod.pod === null ? null : JSON.stringify(pod.pod),
    generation: pod.generation,
    grace_seconds: pod.graceSeconds,
    since_wall: pod.since.wall,
    since_mono: pod.since.mono,
    since_boot: pod.since.bootId,
    accepted_wall: pod.acceptedAt.wall,
    accepted_mono: pod.acceptedAt.mono,
    accepted_boot: pod.acceptedAt.bootId,
    deletion_timestamp: pod.deletionTimestamp,
    message_id: pod.request,
    gone: pod.isTerminated ? 1 : 0,
  };
}

function toTerminatingPod(row: Row, seq: number): TerminatingPod {
  return {
    seq,
    kind: row.kind === "superseded" ? "replaced" : row.kind,
    id: { namespace: row.namespace, name: row.name, uid: row.uid },
    pod: row.pod === null ? null : readPod(row.pod),
    generation: row.generation,
    graceSeconds: row.grace_seconds,
    since: { wall: row.since_wall, mono: row.since_mono, bootId: row.since_boot },
    acceptedAt: { wall: row.accepted_wall, mono: row.accepted_mono, bootId: row.accepted_boot },
    deletionTimestamp: row.deletion_timestamp,
    request: requestOf(row.message_id),
    isTerminated: row.gone !== 0,
  };
}
