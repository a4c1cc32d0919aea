import type { Database } from "better-sqlite3";
import type { PodEvent } from "../core/pod/event.ts";
import type { EventRow, RepeatKey, Store } from "../ports/store.ts";
import type { Writer } from "./database.ts";
import { maxEventCharacters, type StoreLimits } from "./limits.ts";

interface Row extends PodEvent {
  readonly id: number;
  readonly at_wall: number;
  readonly at_mono: number;
  readonly at_boot: string;
}

const columns = "id, at_wall, at_mono, at_boot, type, pod, container, reason, message";
/** A bare name matches the pod of that name in any namespace. */
const ofPod = "(@pod IS NULL OR pod = @pod OR substr(pod, instr(pod, '/') + 1) = @pod)";

/** What has happened, as told to people (events) and to the centre (replies to messages that may come again). */
export function journalReads(db: Database): Pick<Store, "events" | "repeatedReply"> {
  const newest = db.prepare<[{ pod: string | null; limit: number }], Row>(
    `SELECT * FROM (SELECT ${columns} FROM events WHERE ${ofPod} ORDER BY id DESC LIMIT @limit) ORDER BY id`,
  );
  const following = db.prepare<[{ pod: string | null; after: number; limit: number }], Row>(
    `SELECT ${columns} FROM events WHERE id > @after AND ${ofPod} ORDER BY id LIMIT @limit`,
  );
  const reply = db
    .prepare<[RepeatKey], string>(
      `SELECT reply FROM replies WHERE message_id = @messageId AND operation = @operation AND resource = @resource
       AND content_hash = @contentHash`,
    )
    .pluck();
  return {
    events({ pod = null, after, limit }) {
      const atMost = Math.max(0, limit);
      const rows =
        after === undefined ? newest.all({ pod, limit: atMost }) : following.all({ pod, after, limit: atMost });
      return rows.map(toEvent);
    },
    repeatedReply: (key) => reply.get(key) ?? null,
  };
}

export function journalWrites(
  { db, write }: Writer,
  limits: StoreLimits,
): Pick<Store, "appendEvent" | "rememberReply"> {
  const insertEvent = db.prepare<[Omit<Row, "id">]>(
    `INSERT INTO events (at_wall, at_mono, at_boot, type, pod, container, reason, message)
     VALUES (@at_wall, @at_mono, @at_boot, @type, @pod, @container, @reason, @message)`,
  );
  const trimEvents = db.prepare<[number]>("DELETE FROM events WHERE id <= ?");
  const putReply = db.prepare<[RepeatKey & { reply: string }]>(
    `REPLACE INTO replies (message_id, operation, resource, content_hash, reply)
     VALUES (@messageId, @operation, @resource, @contentHash, @reply)`,
  );
  const trimReplies = db.prepare<[number]>(
    "DELETE FROM replies WHERE seq <= (SELECT seq FROM replies ORDER BY seq DESC LIMIT 1 OFFSET ?)",
  );
  return {
    appendEvent({ type, pod, container, reason, message }, at) {
      const text = message.slice(0, maxEventCharacters);
      const moment = { at_wall: at.wall, at_mono: at.mono, at_boot: at.bootId };
      write(() => {
        const added = insertEvent.run({ ...moment, type, pod, container, reason, message: text });
        // Ids have no gaps, for rows only ever go at the old end.
        trimEvents.run(Number(added.lastInsertRowid) - limits.eventsMaxRows);
      });
    },
    rememberReply(key, reply) {
      write(() => {
        putReply.run({ ...key, reply });
        trimReplies.run(limits.repliesMaxRows);
      });
    },
  };
}

function toEvent({ id, at_wall, at_mono, at_boot, type, pod, container, reason, message }: Row): EventRow {
  const at = { wall: at_wall, mono: at_mono, bootId: at_boot };
  return { id, at, type, pod, container, reason, message };
}
