import type { Database } from "better-sqlite3";
import type { Outbox, OutboxCounts, OutboxKind, OutboxRow, StoreReader } from "../ports/store.ts";
import type { Writer } from "./database.ts";
import type { StoreLimits } from "./limits.ts";

/** How much is in the outbox: counted once and then kept in step, for a sum over 100,000 rows is no small thing. */
interface Totals {
  count: number;
  bytes: number;
  records: number;
  recordBytes: number;
}

export function outboxReads(db: Database): StoreReader["outbox"] {
  const rows = db.prepare<[number, number], OutboxRow>(
    "SELECT id, kind, text FROM outbox WHERE id > ? ORDER BY id LIMIT ?",
  );
  const counts = db.prepare<[], OutboxCounts>(
    `SELECT count(*) AS pending, coalesce(sum(bytes), 0) AS bytes,
       coalesce((SELECT value FROM counters WHERE name = 'outbox-dropped'), 0) AS dropped FROM outbox`,
  );
  return {
    // A negative limit is no limit to SQLite.
    list: (after, limit) => rows.all(after, Math.max(0, limit)),
    counts: () => counts.get() ?? { pending: 0, bytes: 0, dropped: 0 },
  };
}

export function outbox({ db, write, onUndo }: Writer, limits: StoreLimits): Outbox {
  const insert = db.prepare<[OutboxKind, string, number]>("INSERT INTO outbox (kind, text, bytes) VALUES (?, ?, ?)");
  const oldestRecord = db.prepare<[], { id: number }>(
    "SELECT id FROM outbox WHERE kind = 'record' ORDER BY id LIMIT 1",
  );
  const remove = db.prepare<[number], { kind: OutboxKind; bytes: number }>(
    "DELETE FROM outbox WHERE id = ? RETURNING kind, bytes",
  );
  const drop = db.prepare<[number]>(
    `INSERT INTO counters (name, value) VALUES ('outbox-dropped', ?)
     ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`,
  );
  const dropped = db.prepare<[], number>("SELECT value FROM counters WHERE name = 'outbox-dropped'").pluck();
  let totals = readTotals(db);
  onUndo(() => {
    totals = readTotals(db);
  });

  function fits(count: number, bytes: number): boolean {
    return count <= limits.outboxMaxMessages && bytes <= limits.outboxMaxBytes;
  }

  function removeRow(id: number): void {
    const row = remove.get(id);
    if (row === undefined) return;
    const record = row.kind === "record" ? 1 : 0;
    totals.count -= 1;
    totals.bytes -= row.bytes;
    totals.records -= record;
    totals.recordBytes -= record * row.bytes;
  }

  function append(kind: OutboxKind, text: string, bytes: number): number | null {
    if (!fits(totals.count - totals.records + 1, totals.bytes - totals.recordBytes + bytes)) {
      // Dropping all records would not make room for it, so it is the one that goes.
      if (kind === "record") drop.run(1);
      return null;
    }
    let gone = 0;
    while (!fits(totals.count + 1, totals.bytes + bytes)) {
      const oldest = oldestRecord.get();
      if (oldest === undefined) throw new Error("The outbox has lost count of itself");
      removeRow(oldest.id);
      gone += 1;
    }
    if (gone > 0) drop.run(gone);
    const record = kind === "record" ? 1 : 0;
    totals.count += 1;
    totals.bytes += bytes;
    totals.records += record;
    totals.recordBytes += record * bytes;
    return Number(insert.run(kind, text, bytes).lastInsertRowid);
  }

  return {
    list: outboxReads(db).list,
    append: (kind, text) => write(() => append(kind, text, Buffer.byteLength(text))),
    release(ids) {
      if (ids.length > 0) write(() => ids.forEach(removeRow));
    },
    counts: () => ({ pending: totals.count, bytes: totals.bytes, dropped: dropped.get() ?? 0 }),
  };
}

function readTotals(db: Database): Totals {
  const sql = `SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes,
    count(*) FILTER (WHERE kind = 'record') AS records,
    coalesce(sum(bytes) FILTER (WHERE kind = 'record'), 0) AS recordBytes FROM outbox`;
  return db.prepare<[], Totals>(sql).get() ?? { count: 0, bytes: 0, records: 0, recordBytes: 0 };
}
