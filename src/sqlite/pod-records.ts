import type { Database } from "better-sqlite3";
import type { CurrentContainer, PodHistory } from "../core/pod/container-history.ts";
import type { Store, StoredStatus } from "../ports/store.ts";
import { readJson } from "./columns.ts";
import type { Writer } from "./database.ts";
import type { StoreLimits } from "./limits.ts";

interface StatusRow {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly status: string;
}

/** What is remembered of single pods, by uid: their history, their status, and that they were deleted. */
export function podRecordReads(
  db: Database,
): Pick<Store, "deletedVersion" | "history" | "historyUids" | "statuses" | "status"> {
  const version = db.prepare<[string], string>("SELECT resource_version FROM deleted_pods WHERE uid = ?").pluck();
  const history = db.prepare<[string], string>("SELECT history FROM histories WHERE uid = ?").pluck();
  const historyUids = db.prepare<[], string>("SELECT uid FROM histories ORDER BY uid").pluck();
  const statuses = db.prepare<[], StatusRow>(
    "SELECT namespace, name, uid, status FROM statuses ORDER BY namespace, name, uid",
  );
  const status = db.prepare<[string], StatusRow>("SELECT namespace, name, uid, status FROM statuses WHERE uid = ?");
  return {
    deletedVersion: (uid) => version.get(uid) ?? null,
    history(uid) {
      const json = history.get(uid);
      return json === undefined ? {} : readHistory(json);
    },
    historyUids: () => historyUids.all(),
    statuses: () => statuses.all().map(toStatus),
    status(uid) {
      const row = status.get(uid);
      return row === undefined ? null : toStatus(row);
    },
  };
}

type Writes = Pick<Store, "rememberDeleted" | "putHistory" | "deleteHistory" | "putStatus" | "deleteStatus">;

export function podRecordWrites({ db, write }: Writer, limits: StoreLimits): Writes {
  const remember = db.prepare<[string, string]>("REPLACE INTO deleted_pods (uid, resource_version) VALUES (?, ?)");
  const forget = db.prepare<[number]>(
    "DELETE FROM deleted_pods WHERE seq <= (SELECT seq FROM deleted_pods ORDER BY seq DESC LIMIT 1 OFFSET ?)",
  );
  const historyNow = db.prepare<[string], string>("SELECT history FROM histories WHERE uid = ?").pluck();
  // REPLACE would give the row another place: two more pages each time.
  const putHistory = db.prepare<[string, string]>(
    "INSERT INTO histories (uid, history) VALUES (?, ?) ON CONFLICT (uid) DO UPDATE SET history = excluded.history",
  );
  const deleteHistory = db.prepare<[string]>("DELETE FROM histories WHERE uid = ?");
  const statusNow = db.prepare<[string], StatusRow>("SELECT namespace, name, uid, status FROM statuses WHERE uid = ?");
  const putStatus = db.prepare<[string, string, string, string]>(
    `INSERT INTO statuses (namespace, name, uid, status) VALUES (?, ?, ?, ?) ON CONFLICT (uid) DO UPDATE
       SET namespace = excluded.namespace, name = excluded.name, status = excluded.status`,
  );
  const deleteStatus = db.prepare<[string]>("DELETE FROM statuses WHERE uid = ?");
  return {
    rememberDeleted(uid, resourceVersion) {
      write(() => {
        remember.run(uid, resourceVersion);
        forget.run(limits.deletedMaxRows);
      });
    },
    // Looked at before, not written "where different": a transaction that changes nothing is not even begun.
    putHistory(uid, history) {
      const json = JSON.stringify(history);
      if (historyNow.get(uid) !== json) write(() => putHistory.run(uid, json));
    },
    deleteHistory(uid) {
      write(() => deleteHistory.run(uid));
    },
    putStatus({ namespace, name, uid }, status) {
      const json = JSON.stringify(status);
      const before = statusNow.get(uid);
      if (before?.status === json && before.namespace === namespace && before.name === name) return;
      write(() => putStatus.run(namespace, name, uid, json));
    },
    deleteStatus(uid) {
      write(() => deleteStatus.run(uid));
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

function toStatus({ namespace, name, uid, status }: StatusRow): StoredStatus {
  return { id: { namespace, name, uid }, status: readJson(status, "status", []) };
}
