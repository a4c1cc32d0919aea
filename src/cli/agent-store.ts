import { existsSync, statSync } from "node:fs";
import { installIdOf } from "../agent/engine/install-id.ts";
import { createEventRecorder } from "../agent/event-recorder.ts";
import { momentOf } from "../agent/loop/moment.ts";
import { isDiskFull } from "../core/base/store-failure.ts";
import type { Config } from "../core/config/config.ts";
import { linuxClock } from "../linux/clock.ts";
import { ownerAmongOthers } from "../linux/trust.ts";
import { savedPods } from "../linux/volumes.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import type { Supervisor } from "../ports/supervisor.ts";
import { storeFile } from "../sqlite/database.ts";
import { keyFile } from "../sqlite/secrets.ts";
import { openStore, recoverStore, type StoreOptions } from "../sqlite/store.ts";

/** Whoever owns a folder can exchange what is in it: the key, the store, what pods are made from. */
export function folderOfAnother({ data: { dir, runDir } }: Config): string | null {
  for (const folder of [dir, runDir]) {
    const uid = ownerAmongOthers(folder);
    if (uid !== null)
      return `${folder} belongs to another user (uid ${uid}): give it to root or the agent's user (chown)`;
  }
  return null;
}

export type OpenedStore =
  /** `notices`: what the owner should know of it, in sentences. */
  | { readonly kind: "open"; readonly store: Store; readonly notices: readonly string[] }
  | { readonly kind: "failed"; readonly message: string };

interface NoRoom {
  readonly kind: "full";
  readonly message: string;
}

const retryMs = 5_000;

/**
 * Opens the store of an agent. While its disk has no room to open it, the agent waits and tries again, alive for whoever
 * supervises it: an end would be a restart every few seconds.
 * @returns null when the signal came first
 */
export async function openAgentStore(
  config: Config,
  log: Log,
  { supervisor, signal }: { readonly supervisor: Supervisor | null; readonly signal: AbortSignal },
): Promise<OpenedStore | null> {
  for (let round = 0; ; round += 1) {
    const opened = openOnce(config, log);
    if (opened.kind !== "full") return opened;
    if (round === 0) {
      log.write("error", "The device's disk is full: the agent waits for room", { why: opened.message });
      supervisor?.ready();
    } else supervisor?.alive();
    await linuxClock().sleep(retryMs, signal);
    if (signal.aborted) return null;
  }
}

/** A damaged database is put aside: running pods are found again on the engine, and the center sends what it wants. */
function openOnce(config: Config, log: Log): OpenedStore | NoRoom {
  const options = storeOptionsOf(config);
  const { dir } = options;
  // A file that is empty is one whose making had no room.
  const hadStore = (statSync(storeFile(dir), { throwIfNoEntry: false })?.size ?? 0) > 0;
  const lostKey = hadStore && !existsSync(keyFile(dir));
  const opened = openStore(options);
  if (opened.ok) {
    if (installIdOf(opened.store) === null) restore(opened.store, dir, log);
    const notices = lostKey ? [tell(opened.store, log, { reason: "DeviceKeyMadeAnew", message: keyWords })] : [];
    return { kind: "open", store: opened.store, notices };
  }
  const { code, message } = opened.error;
  if (code !== "corrupt") return { kind: code === "full" ? "full" : "failed", message };
  const aside = recoverStore(dir);
  log.write("error", "The store is damaged; a new one is created", { why: message, keptAs: aside });
  const anew = openStore(options);
  if (!anew.ok) return { kind: anew.error.code === "full" ? "full" : "failed", message: anew.error.message };
  const words = `The store was damaged, and a new one was created: ${message}`;
  const notices = [tell(anew.store, log, { reason: "StoreBegunAnew", message: words })];
  restore(anew.store, dir, log);
  return { kind: "open", store: anew.store, notices };
}

const keyWords =
  "The key of this device was lost and a new one was created. Config maps and registry secrets that the old key encrypted cannot be read. Send them again.";

/** Records an event and gives its words. */
function tell(
  store: Store,
  log: Log,
  { reason, message }: { readonly reason: string; readonly message: string },
): string {
  const recorder = createEventRecorder({ store, clock: linuxClock(), log });
  unlessFull(() => recorder.recordDeviceEvent({ type: "Warning", reason, message }));
  return message;
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

const restored = "the second copy";

/** The desired pods of a database that was lost, from their second copies: what runs is theirs and is adopted. */
function restore(store: Store, dir: string, log: Log): void {
  const { pods, unreadable } = savedPods(dir);
  if (pods.length === 0 && unreadable.length === 0) return;
  const acceptedAt = momentOf(linuxClock());
  store.transaction("full", () => {
    for (const pod of pods)
      store.desiredPods.put({ pod, generation: 0, acceptedAt, request: restored, contentHash: "" });
  });
  log.write("warn", "Pods restored from their second copies", { pods: pods.map((pod) => pod.id.name), unreadable });
}
