import type { Database } from "better-sqlite3";
import type { CurrentContainer, PodHistory } from "../core/pod/container-history.ts";
import type { Histories, StoreReader } from "../ports/store.ts";
import { readJson } from "./columns.ts";
import type { Writer } from "./database.ts";

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

export function histories({ db, write }: Writer): Histories {
  const now = db.prepare<[string], string>("SELECT history FROM histories WHERE uid = ?").pluck();
  // REPLACE would give the row another place: two more pages each time.
  const put = db.prepare<[string, string]>(
    "INSERT INTO histories (uid, history) VALUES (?, ?) ON CONFLICT (uid) DO UPDATE SET history = excluded.history",
  );
  const remove = db.prepare<[string]>("DELETE FROM histories WHERE uid = ?");
  return {
    ...historyReads(db),
    // Looked at before, not written "where different": a transaction that changes nothing is not even begun.
    put(uid, history) {
      const json = JSON.stringify(history);
      if (now.get(uid) !== json) write(() => put.run(uid, json));
    },
    delete(uid) {
      write(() => remove.run(uid));
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
