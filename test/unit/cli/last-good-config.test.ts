import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { keepConfig, keptConfig } from "../../../src/cli/last-good-config.ts";
import { parseConfig } from "../../../src/core/config/config.ts";
import { keyFile } from "../../../src/sqlite/secrets.ts";
import { openStore } from "../../../src/sqlite/store.ts";

/** A data folder in which an agent has kept its configuration, and that configuration. */
function kept(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "edge-kept-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const url = "wss://center.example/websocket/edge-1/events?token=hunter2-token";
  const center = { url, headers: { "x-token": "hunter2-header" } };
  const parsed = parseConfig({ node: { name: "edge-1" }, center, data: { dir, runDir: dir } }, { strict: true });
  const opened = openStore({ dir });
  assert.ok(parsed.ok && opened.ok);
  const { config } = parsed;
  keepConfig(opened.store, config);
  return { dir, config, store: opened.store };
}

const everythingIn = (dir: string): string =>
  readdirSync(dir)
    .map((name) => readFileSync(join(dir, name), "latin1"))
    .join("\n");

test("the last good configuration is kept complete, and no file shows its secrets", async (t) => {
  const { dir, config, store } = kept(t);
  const whileOpen = everythingIn(dir);
  store.close();
  assert.match(whileOpen, /center\.example/);
  assert.equal(`${whileOpen}${everythingIn(dir)}`.includes("hunter2"), false);
  assert.deepEqual(await keptConfig(dir), config);
});

test("the last good configuration is not written again if it is unchanged", (t) => {
  const { config, store } = kept(t);
  const writes: string[] = [];
  keepConfig(
    { getMeta: store.getMeta, setMeta: (key, value) => store.getMeta(key) === value || writes.push(key) },
    config,
  );
  store.close();
  assert.deepEqual(writes, []);
});

test("the last good configuration is read without headers and query if the device key is lost", async (t) => {
  const { dir, config, store } = kept(t);
  store.close();
  rmSync(keyFile(dir));
  const center = { ...config.center, url: "wss://center.example/websocket/edge-1/events", headers: {} };
  assert.deepEqual(await keptConfig(dir), { ...config, center });
});
