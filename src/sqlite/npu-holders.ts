import type { Database } from "better-sqlite3";
import { byNumber } from "../core/pod/npu.ts";
import type { NpuHolders, StoreReader } from "../ports/store.ts";
import type { Writer } from "./database.ts";

interface Row {
  readonly npu: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly container: string;
}

/** Which container has which NPU. The key of the table is what keeps two from having one. */
export function npuHolderReads(db: Database): StoreReader["npus"] {
  const all = db.prepare<[], Row>("SELECT npu, namespace, name, uid, container FROM npu_holders");
  return {
    holders: () =>
      all
        .all()
        .map(({ npu, namespace, name, uid, container }) => ({ npu, pod: { namespace, name, uid }, container }))
        .sort((a, b) => byNumber(a.npu, b.npu)),
  };
}

export function npuHolders({ db, write }: Writer): NpuHolders {
  const held = db
    .prepare<[string, string], string>("SELECT npu FROM npu_holders WHERE uid = ? AND container = ?")
    .pluck();
  const remove = db.prepare<[string, string]>("DELETE FROM npu_holders WHERE uid = ? AND container = ?");
  const put = db.prepare<[Row]>(
    "INSERT INTO npu_holders (npu, namespace, name, uid, container) VALUES (@npu, @namespace, @name, @uid, @container)",
  );
  return {
    holders: npuHolderReads(db).holders,
    put({ namespace, name, uid }, container, npus) {
      const before = held.all(uid, container);
      if (before.length === npus.length && npus.every((npu) => before.includes(npu))) return;
      write(() => {
        remove.run(uid, container);
        for (const npu of npus) put.run({ npu, namespace, name, uid, container });
      });
    },
  };
}
