import type { Database } from "better-sqlite3";
import type { KeptEvent, PodEvent } from "../core/pod/event.ts";
import {
  eventBytes,
  keep,
  type Share,
  sameness,
  type Trim,
  total,
  trim,
  unreported,
} from "../core/pod/event-history.ts";
import type { EventCounts, PodEvents, StoreReader } from "../ports/store.ts";
import type { Writer } from "./database.ts";
import type { StoreLimits } from "./limits.ts";

interface Row extends PodEvent {
  readonly id: number;
  readonly at_wall: number;
  readonly at_mono: number;
  readonly at_boot: string;
  readonly first_wall: number;
  readonly count: number;
  readonly told: number;
  readonly untold_wall: number;
  readonly bytes: number;
}

const columns =
  "id, at_wall, at_mono, at_boot, first_wall, count, told, untold_wall, type, pod, container, reason, message, bytes";
/** A bare name matches the pod of that name in any namespace. */
const ofPod = "(@pod IS NULL OR pod = @pod OR substr(pod, instr(pod, '/') + 1) = @pod)";
/** Rows among which an event that happens again is looked for; it is last in them, for it moves to the end. */
const maxRecent = 1_024;

/** What has happened, as people and the center are told. */
export function eventReads(db: Database): StoreReader["events"] {
  const newest = db.prepare<[{ pod: string | null; limit: number }], Row>(
    `SELECT * FROM (SELECT ${columns} FROM events WHERE ${ofPod} ORDER BY id DESC LIMIT @limit) ORDER BY id`,
  );
  const following = db.prepare<[{ pod: string | null; after: number; limit: number }], Row>(
    `SELECT ${columns} FROM events WHERE id > @after AND ${ofPod} ORDER BY id LIMIT @limit`,
  );
  const told = counter(db, "events-told");
  const counts = db.prepare<[], EventCounts>(
    `SELECT count(*) AS rows, coalesce(sum(bytes), 0) AS bytes,
       coalesce((SELECT value FROM counters WHERE name = 'events-dropped'), 0) AS dropped FROM events`,
  );
  return {
    list({ pod = null, after, limit }) {
      const atMost = Math.max(0, limit);
      const rows =
        after === undefined ? newest.all({ pod, limit: atMost }) : following.all({ pod, after, limit: atMost });
      return rows.map(toEvent);
    },
    unreported: (limit) => following.all({ pod: null, after: told.read(), limit: Math.max(0, limit) }).map(toEvent),
    counts: () => counts.get() ?? { rows: 0, bytes: 0, dropped: 0 },
  };
}

/** What every event is looked up in, kept in memory so that the table needs no index. */
interface Book {
  nextId: number;
  reportedUpTo: number;
  readonly shares: Map<string, Share>;
  /** By sameness, the longest untouched first. */
  readonly recent: Map<string, KeptEvent>;
}

export function events({ db, write, onUndo }: Writer, limits: StoreLimits): PodEvents {
  const reads = eventReads(db);
  const told = counter(db, "events-told");
  const dropped = counter(db, "events-dropped");
  const insert = db.prepare<[Row]>(`INSERT INTO events (${columns}) VALUES (${columns.replace(/\w+/g, "@$&")})`);
  const remove = db.prepare<[number]>("DELETE FROM events WHERE id = ?");
  const trimRows = db.prepare<[{ pod: string | null; rows: number; newest: number }], Row>(
    `DELETE FROM events WHERE id IN (SELECT id FROM events WHERE (@pod IS NULL OR pod = @pod) AND id < @newest
       ORDER BY type = 'Warning', id LIMIT @rows) RETURNING ${columns}`,
  );
  let book = readBook(db);
  onUndo(() => {
    book = readBook(db);
  });

  function dropRows({ pod, rows }: Trim): void {
    const gone = trimRows.all({ pod, rows, newest: book.nextId - 1 });
    let unheard = 0;
    for (const row of gone) {
      unheard += unreported({ id: row.id, count: row.count, reported: row.told }, book.reportedUpTo);
      resize(book.shares, row.pod, { rows: -1, bytes: -row.bytes });
      const key = sameness(row);
      if (book.recent.get(key)?.id === row.id) book.recent.delete(key);
    }
    if (unheard > 0) dropped.add(unheard);
    if (gone.length === 0) throw new Error("The events have lost count of themselves");
  }

  return {
    list: reads.list,
    unreported: reads.unreported,
    append(event, at) {
      const key = sameness(event);
      const before = book.recent.get(key) ?? null;
      write(() => {
        const kept = keep(before, event, at, { id: book.nextId, reportedUpTo: book.reportedUpTo });
        const bytes = eventBytes(kept);
        if (before !== null && kept.count > 1) {
          remove.run(before.id);
          resize(book.shares, event.pod, { rows: -1, bytes: -eventBytes(before) });
        }
        insert.run(toRow(kept, bytes));
        book.nextId += 1;
        resize(book.shares, event.pod, { rows: 1, bytes });
        remember(book.recent, key, kept);
        for (let next = trim(book.shares, limits); next !== null; next = trim(book.shares, limits)) dropRows(next);
      });
    },
    markReported(upTo) {
      if (upTo <= book.reportedUpTo) return;
      write(() => {
        told.add(upTo - book.reportedUpTo);
        book.reportedUpTo = upTo;
      });
    },
    counts: () => ({ ...total(book.shares), dropped: dropped.read() }),
  };
}

function readBook(db: Database): Book {
  const shares = db.prepare<[], { pod: string } & Share>(
    "SELECT pod, count(*) AS rows, sum(bytes) AS bytes FROM events GROUP BY pod ORDER BY min(id)",
  );
  const newest = db.prepare<[], Row>(
    `SELECT * FROM (SELECT ${columns} FROM events ORDER BY id DESC LIMIT ${maxRecent}) ORDER BY id`,
  );
  const recent = new Map<string, KeptEvent>();
  for (const row of newest.all()) remember(recent, sameness(row), toEvent(row));
  const last = db.prepare<[], number>("SELECT coalesce(max(id), 0) FROM events").pluck().get() ?? 0;
  return {
    nextId: last + 1,
    reportedUpTo: counter(db, "events-told").read(),
    shares: new Map(shares.all().map(({ pod, rows, bytes }) => [pod, { rows, bytes }])),
    recent,
  };
}

function remember(recent: Map<string, KeptEvent>, key: string, kept: KeptEvent): void {
  recent.delete(key);
  recent.set(key, kept);
  const [oldest] = recent.keys();
  if (recent.size > maxRecent && oldest !== undefined) recent.delete(oldest);
}

function resize(shares: Map<string, Share>, pod: string, by: Share): void {
  const before = shares.get(pod) ?? { rows: 0, bytes: 0 };
  const rows = before.rows + by.rows;
  if (rows === 0) shares.delete(pod);
  else shares.set(pod, { rows, bytes: before.bytes + by.bytes });
}

function counter(db: Database, name: string): { read(): number; add(by: number): void } {
  const read = db.prepare<[string], number>("SELECT value FROM counters WHERE name = ?").pluck();
  const add = db.prepare<[string, number]>(
    "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
  );
  return { read: () => read.get(name) ?? 0, add: (by) => void add.run(name, by) };
}

function toEvent(row: Row): KeptEvent {
  const { id, type, pod, container, reason, message, count, told } = row;
  const at = { wall: row.at_wall, mono: row.at_mono, bootId: row.at_boot };
  const times = { at, firstWall: row.first_wall, unreportedWall: row.untold_wall };
  return { id, type, pod, container, reason, message, count, reported: told, ...times };
}

function toRow({ at, firstWall, reported, unreportedWall, ...rest }: KeptEvent, bytes: number): Row {
  const moment = { at_wall: at.wall, at_mono: at.mono, at_boot: at.bootId };
  return { ...rest, ...moment, told: reported, first_wall: firstWall, untold_wall: unreportedWall, bytes };
}
