import type { Database } from "better-sqlite3";
import type { RepeatKey, Replies, StoreReader } from "../ports/store.ts";
import type { Writer } from "./database.ts";
import type { StoreLimits } from "./limits.ts";

/** The replies given to messages, which may come again. */
export function replyReads(db: Database): StoreReader["replies"] {
  const reply = db
    .prepare<[RepeatKey], string>(
      `SELECT reply FROM replies WHERE message_id = @messageId AND operation = @operation AND resource = @resource
       AND content_hash = @contentHash`,
    )
    .pluck();
  return { repeated: (key) => reply.get(key) ?? null };
}

export function replies({ db, write }: Writer, limits: StoreLimits): Replies {
  const put = db.prepare<[RepeatKey & { reply: string }]>(
    `REPLACE INTO replies (message_id, operation, resource, content_hash, reply)
     VALUES (@messageId, @operation, @resource, @contentHash, @reply)`,
  );
  const trim = db.prepare<[number]>(
    "DELETE FROM replies WHERE seq <= (SELECT seq FROM replies ORDER BY seq DESC LIMIT 1 OFFSET ?)",
  );
  return {
    repeated: replyReads(db).repeated,
    remember(key, reply) {
      write(() => {
        put.run({ ...key, reply });
        trim.run(limits.repliesMaxRows);
      });
    },
  };
}
