import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import type { WebSocket } from "ws";
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
  /** What is wrong with the database after a cut, by SQLite's integrity check. */
  readonly damaged: readonly string[];
  /** Acknowledged intents that are not there after a cut. */
  readonly lost: readonly string[];
}

/** What one message wants a pod or a config map to be; null: not there. */
interface Intent {
  readonly subject: string;
  readonly msgId: string;
  readonly value: string | null;
}

const pods = ["a", "b", "c", "d"];
const configMaps = ["x", "y"];
const mostPending = 6;
const longestMs = 1_500;

/**
 * Sends pods and config maps, changes and deletes them, and cuts the disk's power at a random moment after each start of the agent.
 * After each cut what the store holds must be what was acknowledged last, or what was on its way.
 */
export async function playPowerCuts(agent: BareAgent, disk: Ext4Disk, game: PowerCuts): Promise<PowerCutsResult> {
  const random = seededRandom(game.seed);
  const uids = new Map<string, string>();
  const damaged: string[] = [];
  const lost: string[] = [];
  let [version, sent, acknowledged] = [0, 0, 0];
  let held: ReadonlyMap<string, string> = new Map();

  const next = (): { readonly intent: Intent; readonly text: string } => {
    version += 1;
    const msgId = random.uuid();
    if (random.next() < 0.3) {
      const name = random.pick(configMaps);
      const intent = { subject: `configmap ${name}`, msgId };
      if (random.next() < 0.3) return { intent: { ...intent, value: null }, text: configMapDelete(name, msgId) };
      const text = configMapUpdate(name, msgId, { version: String(version) });
      return { intent: { ...intent, value: String(version) }, text };
    }
    const name = random.pick(pods);
    const intent = { subject: `pod ${name}`, msgId };
    const uid = uids.get(name) ?? random.uuid();
    const message = { name, uid, msgId, resourceVersion: String(version), container: { image: "edge.test/none:1" } };
    if (uids.delete(name) && random.next() < 0.3) {
      const text = random.next() < 0.5 ? podDelete(message) : gracefulDelete(message, 1);
      return { intent: { ...intent, value: null }, text };
    }
    uids.set(name, uid);
    return { intent: { ...intent, value: `${uid} ${version}` }, text: podUpdate(message) };
  };

  /** Sends until `ended`, with a few messages under way. @returns all that was sent, in order */
  const talk = async (intents: Intent[], ended: AbortSignal): Promise<void> => {
    const connection: WebSocket = await agent.connection();
    while (!ended.aborted) {
      const pending = intents.filter(({ msgId }) => agent.repliesTo(msgId).length === 0).length;
      if (pending < mostPending) {
        const { intent, text } = next();
        intents.push(intent);
        connection.send(text);
      }
      await sleep(pending < mostPending ? 0 : 2);
    }
  };

  for (let cut = 1; cut <= game.cuts; cut += 1) {
    const ended = new AbortController();
    const intents: Intent[] = [];
    agent.received.length = 0;
    agent.start();
    const talking = talk(intents, ended.signal);
    talking.catch(() => undefined);
    await agent.connection();
    await sleep(random.below(longestMs));
    const replies = new Map(intents.map(({ msgId }) => [msgId, agent.repliesTo(msgId).join()]));
    disk.cutPower();
    ended.abort();
    await agent.kill();
    await talking;
    await disk.mountAgain();
    const after = stored(agent.dataDir);
    if (after.damage !== null) damaged.push(`cut ${cut}: ${after.damage}`);
    sent += intents.length;
    acknowledged += intents.filter(({ msgId }) => isOk(replies.get(msgId))).length;
    lost.push(...missing({ intents, replies, before: held, after: after.held }).map((what) => `cut ${cut}: ${what}`));
    held = after.held;
    uids.clear();
    for (const [subject, value] of held)
      if (subject.startsWith("pod ")) uids.set(subject.slice(4), value.split(" ")[0] ?? "");
  }
  return { sent, acknowledged, damaged, lost };
}

function isOk(reply: string | undefined): boolean {
  return reply?.includes('"content":"OK"') === true;
}

interface Comparison {
  readonly intents: readonly Intent[];
  /** By msg_id, empty where there was none. */
  readonly replies: ReadonlyMap<string, string>;
  readonly before: ReadonlyMap<string, string>;
  readonly after: ReadonlyMap<string, string>;
}

/** Subjects that are neither as they were acknowledged last nor as a later message wants them. */
function missing({ intents, replies, before, after }: Comparison): readonly string[] {
  const subjects = [...pods.map((name) => `pod ${name}`), ...configMaps.map((name) => `configmap ${name}`)];
  return subjects.flatMap((subject) => {
    const own = intents.filter((one) => one.subject === subject);
    const last = own.findLastIndex(({ msgId }) => isOk(replies.get(msgId)));
    const acknowledged = last === -1 ? (before.get(subject) ?? null) : (own[last]?.value ?? null);
    const possible = [acknowledged, ...own.slice(last + 1).map(({ value }) => value)];
    const found = after.get(subject) ?? null;
    return possible.includes(found) ? [] : [`${subject} is ${found}, was acknowledged as ${acknowledged}`];
  });
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
