import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openAgentStore } from "../../../src/cli/agent-store.ts";
import { parseConfig } from "../../../src/core/config/config.ts";

function configOf(dir: string) {
  const center = { url: "wss://center.example/websocket/edge-1/events" };
  const parsed = parseConfig({ node: { name: "edge-1" }, center, data: { dir } }, { strict: true });
  assert.ok(parsed.ok);
  return parsed.config;
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "edge-agent-store-"));
  t.after(() => {
    spawnSync("umount", ["--lazy", folder]);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** Opens the store, and keeps what was logged and told to the supervisor. */
function opening(dir: string, signal: AbortSignal) {
  const said: string[] = [];
  const log = { write: (_: string, event: string) => void said.push(event) };
  const supervisor = { aliveEveryMs: null, ready: () => void said.push("ready"), alive: () => void said.push("alive") };
  return { said, opened: openAgentStore(configOf(dir), log, { supervisor, signal }) };
}

test("the agent waits for a store on a full disk and opens it when there is room", {
  skip: process.geteuid?.() === 0 ? false : "it mounts a small disk",
}, async (t) => {
  const folder = folderFor(t);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", folder]);
  assert.equal(mounted.status, 0, String(mounted.stderr));
  assert.throws(() => writeFileSync(join(folder, "filled"), Buffer.alloc(1 << 20)), { code: "ENOSPC" });
  const dir = join(folder, "data");
  mkdirSync(dir);
  const { said, opened } = opening(dir, new AbortController().signal);
  assert.deepEqual(said, ["The device's disk is full: the agent waits for room", "ready"]);
  rmSync(join(folder, "filled"));
  const found = await opened;
  assert.ok(found?.kind === "open");
  assert.deepEqual(found.notices, []);
  found.store.close();
});

test("a signal ends the wait for a store, and a damaged store is not waited for", async (t) => {
  const folder = folderFor(t);
  writeFileSync(join(folder, "store.db"), "SQLite format 3\0".padEnd(200, "x"));
  const ended = new AbortController();
  ended.abort();
  const { opened, said } = opening(folder, ended.signal);
  const found = await opened;
  assert.notEqual(found, null);
  assert.ok(!said.includes("ready"));
  if (found?.kind === "open") found.store.close();
});

test("a damaged store and a lost key are replaced, each with an event and a notice", async (t) => {
  const dir = folderFor(t);
  const { signal } = new AbortController();
  const open = async () => {
    const { opened, said } = opening(dir, signal);
    const found = await opened;
    assert.ok(found?.kind === "open");
    const events = found.store.events.list({ limit: 10 }).map(({ reason }) => reason);
    found.store.close();
    return { notices: found.notices, events, said };
  };
  assert.deepEqual(await open(), { notices: [], events: [], said: [] });
  rmSync(join(dir, "device.key"));
  const keyless = await open();
  assert.deepEqual([keyless.events, keyless.said], [["DeviceKeyMadeAnew"], ["DeviceKeyMadeAnew"]]);
  assert.match(keyless.notices.join(), /The key of this device was lost and a new one was created/);
  writeFileSync(join(dir, "store.db"), Buffer.alloc(8192, "x"));
  const damaged = await open();
  assert.deepEqual(damaged.events, ["StoreBegunAnew"]);
  assert.match(damaged.notices.join(), /The store was damaged, and a new one was created/);
});
