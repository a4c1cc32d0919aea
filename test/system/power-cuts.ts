import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import type { Ext4Disk } from "../../scripts/ext4-disk.ts";
import { loadAddon } from "../../src/sqlite/addon.ts";
import { storeFile } from "../../src/sqlite/database.ts";
import { openStore } from "../../src/sqlite/store.ts";
import { seededRandom } from "../fakes/random.ts";
import { configMapDelete, configMapUpdate, gracefulDelete, podDelete, podUpdate } from "../samples/messages.ts";
import type { BareAgent } from "./bare-agent.ts";

export interface PowerCuts {
  readonly seed: number;
  readonly cuts: number;
}

export interface PowerCutsResult {
  readonly sent: number;
  /** Replies of OK that the center had before a cut. */
  readonly acknowledged: number;
  readonly refused: number;
  /** What is wrong with the database after a cut, by SQLite's integrity check. */
  readonly damaged: readonly string[];
  /** Acknowledged intents that are not there after a cut. */
  readonly lost: readonly string[];
}

/** What one message wants a pod or a config map to be; null: not there. */
interface Intent {
  readonly msgId: string;
  readonly value: string | null;
}

const subjects = ["pod a", "pod b", "pod c", "pod d", "configmap app-settings", "configmap app-words"];
/** Pods on their way out are limited, and an agent that lives so shortly seldom gets them out. */
const deleteShare = 0.08;
const longestMs = 1_500;

/**
 * Sends pods and config maps, changes and deletes them, and cuts the disk's power at a random moment after each connection
 * of the agent. After each cut the store must hold of each what was acknowledged last, or what was on its way.
 */
export async function playPowerCuts(agent: BareAgent, disk: Ext4Disk, game: PowerCuts): Promise<PowerCutsResult> {
  const random = seededRandom(game.seed);
  const counts = { sent: 0, acknowledged: 0, refused: 0 };
  const damaged: string[] = [];
  const lost: string[] = [];
  /** What was acknowledged, and of each subject the one message that has no reply yet. */
  let held = new Map<string, string | null>();
  const pending = new Map<string, Intent>();
  let version = 0;

  const next = (subject: string): { readonly intent: Intent; readonly text: string } => {
    version += 1;
    const msgId = random.uuid();
    const now = held.get(subject) ?? null;
    const [kind, name = ""] = subject.split(" ");
    const isDelete = now !== null && random.next() < deleteShare;
    if (kind === "configmap") {
      const text = isDelete ? configMapDelete(name, msgId) : configMapUpdate(name, msgId, { version: String(version) });
      return { intent: { msgId, value: isDelete ? null : String(version) }, text };
    }
    const uid = now?.split(" ")[0] ?? random.uuid();
    const message = { name, uid, msgId, resourceVersion: String(version), container: { image: "edge.test/none:1" } };
    if (!isDelete) return { intent: { msgId, value: `${uid} ${version}` }, text: podUpdate(message) };
    const text = random.next() < 0.5 ? podDelete(message) : gracefulDelete(message, 1);
    return { intent: { msgId, value: null }, text };
  };

  /** Takes in the replies that are here. */
  const settle = (): void => {
    for (const [subject, { msgId, value }] of pending) {
      const reply = agent.repliesTo(msgId).join();
      if (reply === "") continue;
      pending.delete(subject);
      const isOk = reply.includes('"content":"OK"');
      counts[isOk ? "acknowledged" : "refused"] += 1;
      if (isOk) held.set(subject, value);
    }
  };

  const talk = async (ended: AbortSignal): Promise<void> => {
    const connection = await agent.connection();
    while (!ended.aborted) {
      settle();
      const free = subjects.filter((subject) => !pending.has(subject));
      if (free.length > 0) {
        const subject = random.pick(free);
        const { intent, text } = next(subject);
        pending.set(subject, intent);
        connection.send(text);
        counts.sent += 1;
      }
      await sleep(free.length > 0 ? 0 : 1);
    }
  };

  for (let cut = 1; cut <= game.cuts; cut += 1) {
    const ended = new AbortController();
    agent.received.length = 0;
    agent.start();
    await agent.connection();
    const talking = talk(ended.signal);
    await sleep(random.below(longestMs));
    // Before the cut: a reply that comes during it may be of a commit that the cut undid.
    settle();
    disk.cutPower();
    ended.abort();
    await agent.kill();
    await talking;
    await disk.mountAgain();
    const after = stored(agent.dataDir);
    if (after.damage !== null) damaged.push(`cut ${cut}: ${after.damage}`);
    for (const subject of subjects) {
      const found = after.held.get(subject) ?? null;
      const acknowledged = held.get(subject) ?? null;
      const isOnItsWay = pending.get(subject)?.value === found;
      if (found !== acknowledged && !isOnItsWay)
        lost.push(`cut ${cut}: ${subject} is ${found}, was acknowledged as ${acknowledged}`);
    }
    pending.clear();
    held = new Map(after.held);
  }
  return { ...counts, damaged, lost };
}

/** What a copy of the store holds, so that the agent finds its own as the cut left it. */
function stored(dataDir: string): { readonly damage: string | null; readonly held: ReadonlyMap<string, string> } {
  const copy = mkdtempSync(join(tmpdir(), "edge-cut-"));
  try {
    cpSync(dataDir, copy, { recursive: true, filter: (path) => basename(path) !== "pods" });
    const db = new Database(storeFile(copy), loadAddon());
    const found = String(db.pragma("integrity_check(1)", { simple: true }));
    db.close();
    const opened = openStore({ dir: copy });
    if (!opened.ok) return { damage: opened.error.message, held: new Map() };
    const { desiredPods, configMaps: maps } = opened.store;
    const held = new Map<string, string>();
    for (const { pod } of desiredPods.list())
      held.set(`pod ${pod.id.name}`, `${pod.id.uid} ${pod.metadata.resourceVersion}`);
    for (const name of maps.names()) held.set(`configmap ${name}`, String(maps.get(name)?.["version"]));
    opened.store.close();
    return { damage: found === "ok" ? null : found, held };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** A game that acknowledged next to nothing shows nothing. */
export function assertShows({ acknowledged }: PowerCutsResult, cuts: number): void {
  assert.ok(acknowledged >= cuts, `${acknowledged} intents were acknowledged in ${cuts} cuts`);
}
