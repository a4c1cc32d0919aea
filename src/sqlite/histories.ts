import type { Database } from "better-sqlite3";
import type { CurrentContainer, PodHistory } from "../core/pod/container-history.ts";
import type { Histories, StoreReader } from "../ports/store.ts";
import { readJson } from "./columns.ts";
import type { Writer } from "./database.ts";
import { keptRows } from "./kept-rows.ts";

export function historyReads(db: Database): StoreReader["histories"] {
  const select = db.prepare<[string], string>("SELECT history FROM histories WHERE uid = ?").pluck();
  const uids = db.prepare<[], string>("SELECT uid FROM histories ORDER BY uid").pluck();
  return {
    get(uid) {
      const json = select.get(uid);
      return json === undefined ? {} : readHistory(json);
    },
    uids: () => uids.all(),
  };
}

export function histories({ db, write, onUndo }: Writer): Histories {
  const select = db.prepare<[string], string>("SELECT history FROM histories WHERE uid = ?").pluck();
  // REPLACE would give the row another place: two more pages each time.
  const put = db.prepare<[string, string]>(
    "INSERT INTO histories (uid, history) VALUES (?, ?) ON CONFLICT (uid) DO UPDATE SET history = excluded.history",
  );
  const remove = db.prepare<[string]>("DELETE FROM histories WHERE uid = ?");
  const { uids } = historyReads(db);
  const kept = keptRows({
    keys: uids,
    read(uid: string) {
      const json = select.get(uid);
      return json === undefined ? null : { value: readHistory(json), size: json.length };
    },
  });
  onUndo(kept.forget);
  return {
    get: (uid) => kept.get(uid) ?? {},
    uids,
    // Looked at before, not written "where different": a transaction that changes nothing is not even begun.
    put(uid, history) {
      const json = JSON.stringify(history);
      if (select.get(uid) === json) return;
      write(() => put.run(uid, json));
      kept.written(uid);
    },
    delete(uid) {
      write(() => remove.run(uid));
      kept.deleted(uid);
    },
  };
}

/** Earlier versions of the agent wrote the engine run of a container as `session`. */
function readHistory(json: string): PodHistory {
  const history = readJson<PodHistory>(json, "history", []);
  return Object.fromEntries(
    Object.entries(history).map(([container, record]) => {
      const current = record.current as (CurrentContainer & { readonly session?: string | null }) | null;
      if (current === null || current.session === undefined) return [container, record];
      const { session, ...kept } = current;
      return [container, { ...record, current: { ...kept, engineRunId: session } }];
    }),
  );
}
