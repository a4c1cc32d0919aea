import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { logsCommand } from "../../../src/cli/logs.ts";
import { openStore } from "../../../src/sqlite/store.ts";
import { desiredPod } from "../../samples/pods.ts";

test("edge logs distinguishes a pod without containers from an unknown pod", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "edge-logs-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const socket = join(dir, "engine.sock");
  const versions = JSON.stringify({ ApiVersion: "1.41", MinAPIVersion: "1.12" });
  const engine = createServer(({ url = "" }, response) => response.end(url.endsWith("/version") ? versions : "[]"));
  engine.listen(socket);
  t.after(() => engine.close());
  await once(engine, "listening");
  const config = join(dir, "edge.config.json");
  const data = { dir: join(dir, "data"), runDir: join(dir, "run") };
  const center = { url: "ws://127.0.0.1:1/websocket/edge-1/events" };
  writeFileSync(config, JSON.stringify({ node: { name: "edge-1" }, center, engine: { socket }, data }));
  const opened = openStore({ dir: data.dir });
  assert.ok(opened.ok);
  opened.store.desiredPods.put(desiredPod());
  opened.store.close();
  const errors: string[] = [];
  const io = { out: (line: string) => assert.fail(line), err: (line: string) => void errors.push(line) };
  for (const name of ["web", "nobody"]) {
    const code = await logsCommand(name, { config, json: false, follow: false }, io, AbortSignal.timeout(60_000));
    assert.equal(code, 1);
  }
  assert.deepEqual(errors, ["Pod web has no container yet: Pending", "There is no pod nobody on this device"]);
});
