import type { Database } from "better-sqlite3";
import type { Statuses, StoredStatus, StoreReader } from "../ports/store.ts";
import { readJson } from "./columns.ts";
import type { Writer } from "./database.ts";
import { keptRows } from "./kept-rows.ts";

interface Row {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly status: string;
}

export function statusReads(db: Database): StoreReader["statuses"] {
  const all = db.prepare<[], Row>("SELECT namespace, name, uid, status FROM statuses ORDER BY namespace, name, uid");
  const select = db.prepare<[string], Row>("SELECT namespace, name, uid, status FROM statuses WHERE uid = ?");
  return {
    list: () => all.all().map(toStatus),
    get(uid) {
      const row = select.get(uid);
      return row === undefined ? null : toStatus(row);
    },
  };
}

export function statuses({ db, write, onUndo }: Writer): Statuses {
  const select = db.prepare<[string], Row>("SELECT namespace, name, uid, status FROM statuses WHERE uid = ?");
  const put = db.prepare<[string, string, string, string]>(
    `INSERT INTO statuses (namespace, name, uid, status) VALUES (?, ?, ?, ?) ON CONFLICT (uid) DO UPDATE
       SET namespace = excluded.namespace, name = excluded.name, status = excluded.status`,
  );
  const remove = db.prepare<[string]>("DELETE FROM statuses WHERE uid = ?");
  const keys = db.prepare<[], string>("SELECT uid FROM statuses ORDER BY namespace, name, uid").pluck();
  const kept = keptRows({
    keys: () => keys.all(),
    read(uid: string) {
      const row = select.get(uid);
      return row === undefined ? null : { value: toStatus(row), size: row.status.length };
    },
  });
  onUndo(kept.forget);
  return {
    list: kept.list,
    get: kept.get,
    put({ namespace, name, uid }, status) {
      const json = JSON.stringify(status);
      const before = select.get(uid);
      if (before?.status === json && before.namespace === namespace && before.name === name) return;
      write(() => put.run(namespace, name, uid, json));
      kept.written(uid);
    },
    delete(uid) {
      write(() => remove.run(uid));
      kept.deleted(uid);
    },
  };
}

function toStatus({ namespace, name, uid, status }: Row): StoredStatus {
  return { id: { namespace, name, uid }, status: readJson(status, "status", []) };
}
