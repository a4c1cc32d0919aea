import { installIdOf } from "../agent/engine/install-id.ts";
import { momentOf } from "../agent/loop/moment.ts";
import { isDiskFull } from "../core/base/store-failure.ts";
import type { Config } from "../core/config/config.ts";
import { linuxClock } from "../linux/clock.ts";
import { ownerAmongOthers } from "../linux/trust.ts";
import { savedPods } from "../linux/volumes.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import { openStore, recoverStore, type StoreOptions } from "../sqlite/store.ts";

/** Whoever owns a folder can exchange what is in it: the key, the store, what pods are made from. */
export function folderOfAnother({ data: { dir, runDir } }: Config): string | null {
  for (const folder of [dir, runDir]) {
    const uid = ownerAmongOthers(folder);
    if (uid !== null)
      return `${folder} belongs to another user (uid ${uid}): let it belong to root or the agent's user (chown)`;
  }
  return null;
}

/** A damaged database is put aside: running pods are found again on the engine, and the center sends what it wants. */
export function openAgentStore(config: Config, log: Log): Store | string {
  const options = storeOptionsOf(config);
  const { dir } = options;
  const opened = openStore(options);
  if (opened.ok) {
    if (installIdOf(opened.store) === null) restore(opened.store, dir, log);
    return opened.store;
  }
  if (opened.error.code !== "corrupt") return opened.error.message;
  const aside = recoverStore(dir);
  log.write("error", "Store damaged, begun anew", { why: opened.error.message, keptAs: aside });
  const anew = openStore(options);
  if (!anew.ok) return anew.error.message;
  unlessFull(() => recordBegunAnew(anew.store, opened.error.message));
  restore(anew.store, dir, log);
  return anew.store;
}

function recordBegunAnew(store: Store, why: string): void {
  const message = `The store was damaged and is begun anew: ${why}`.slice(0, 1024);
  const event = { type: "Warning", pod: "", container: "", reason: "StoreBegunAnew", message } as const;
  store.events.append(event, momentOf(linuxClock()));
}

function storeOptionsOf({ data: { dir, outbox, events } }: Config): StoreOptions {
  const limits = {
    outboxMaxBytes: outbox.maxBytes,
    outboxMaxMessages: outbox.maxMessages,
    eventsMaxBytes: events.maxBytes,
    eventsMaxRows: events.maxRows,
  };
  return { dir, limits };
}

/** A disk that is full does not keep the agent from starting. */
export function unlessFull(write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

/** The desired pods of a database that was lost, from their second copies: what runs is theirs and is adopted. */
function restore(store: Store, dir: string, log: Log): void {
  const { pods, unreadable } = savedPods(dir);
  if (pods.length === 0 && unreadable.length === 0) return;
  const clock = linuxClock();
  const acceptedAt = { wall: clock.wall(), mono: clock.mono(), bootId: clock.bootId() };
  store.transaction("full", () => {
    for (const pod of pods) store.desiredPods.put({ pod, generation: 0, acceptedAt, messageId: "", contentHash: "" });
  });
  log.write("warn", "Pods restored from their second copies", { pods: pods.map((pod) => pod.id.name), unreadable });
}
