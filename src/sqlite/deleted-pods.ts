import type { Database } from "better-sqlite3";
import type { DeletedPods, StoreReader } from "../ports/store.ts";
import type { Writer } from "./database.ts";
import type { StoreLimits } from "./limits.ts";

export function deletedPodReads(db: Database): StoreReader["deletedPods"] {
  const version = db.prepare<[string], string>("SELECT resource_version FROM deleted_pods WHERE uid = ?").pluck();
  return { version: (uid) => version.get(uid) ?? null };
}

export function deletedPods({ db, write }: Writer, limits: StoreLimits): DeletedPods {
  const remember = db.prepare<[string, string]>("REPLACE INTO deleted_pods (uid, resource_version) VALUES (?, ?)");
  const forget = db.prepare<[number]>(
    "DELETE FROM deleted_pods WHERE seq <= (SELECT seq FROM deleted_pods ORDER BY seq DESC LIMIT 1 OFFSET ?)",
  );
  return {
    version: deletedPodReads(db).version,
    remember(uid, resourceVersion) {
      write(() => {
        remember.run(uid, resourceVersion);
        forget.run(limits.deletedMaxRows);
      });
    },
  };
}
