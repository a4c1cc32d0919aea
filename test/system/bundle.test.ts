import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { version } from "../../src/cli/version.ts";
import { openStore } from "../../src/sqlite/store.ts";

const runtimes = { Node: [process.execPath], Deno: ["deno", "run", "--allow-all", "--no-config"] } as const;

describe("the bundle, alone in a folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-bundle-"));
  after(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  const file = join(folder, "edge.mjs");
  cpSync("dist/edge.mjs", file);

  for (const [name, [program, ...args]] of Object.entries(runtimes)) {
    const edge = (...command: readonly string[]) =>
      spawnSync(program, [...args, file, ...command], { cwd: folder, encoding: "utf8", timeout: 60_000 });

    test(`${name}: says its version`, () => {
      const { stdout, stderr, status } = edge("--version");
      assert.equal(stdout.trim(), version, stderr);
      assert.equal(status, 0);
    });

    test(`${name}: reads a database with the SQLite that it carries`, () => {
      const config = storeOfOneMessage(join(folder, `data-${name}`));
      const { stdout, stderr } = edge("--config", config, "--json", "status");
      assert.notEqual(stdout, "", stderr);
      assert.equal(JSON.parse(stdout).outbox.pending, 1);
    });
  }

  test("leaves no file of its own in the folder for temporary ones", () => {
    assert.deepEqual(
      readdirSync(tmpdir()).filter((name) => name.startsWith("edge-addon-")),
      [],
    );
  });
});

/** Makes a data folder whose store holds one message for the centre, and returns the configuration that names it. */
function storeOfOneMessage(dir: string): string {
  const opened = openStore({ dir });
  assert.ok(opened.ok);
  opened.store.appendOutbox("reply", "{}");
  opened.store.close();
  const config = {
    node: { name: "edge-1", serialNumber: "edge-1" },
    center: { url: "ws://127.0.0.1:1/websocket/edge-1/events" },
    engine: { socket: join(dir, "no-engine.sock") },
    data: { dir, runDir: join(dir, "run") },
  };
  const file = `${dir}.json`;
  writeFileSync(file, JSON.stringify(config));
  return file;
}
