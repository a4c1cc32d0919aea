import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadConfig } from "../../../src/cli/config-file.ts";
import { doctorCommand } from "../../../src/cli/doctor.ts";
import { keepConfig } from "../../../src/cli/last-good-config.ts";
import type { Finding } from "../../../src/core/doctor/examine.ts";
import { openStore } from "../../../src/sqlite/store.ts";

/** A device where nothing is there: no engine, no center, no folder of the agent's. */
function device(t: TestContext, text?: string) {
  const dir = mkdtempSync(join(tmpdir(), "edge-doctor-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const config = join(dir, "edge.config.json");
  const whole = {
    node: { name: "edge-1", deviceDir: join(dir, "dev") },
    center: { url: "wss://127.0.0.1:1/websocket/edge-1/events", tls: { ca: join(dir, "ca.pem") } },
    engine: { socket: join(dir, "no.sock") },
    data: { dir: join(dir, "data"), runDir: join(dir, "run") },
  };
  writeFileSync(config, text ?? JSON.stringify(whole));
  async function doctor(json: boolean, file = config) {
    const lines: string[] = [];
    const io = { out: (line: string) => lines.push(line), err: (line: string) => assert.fail(line) };
    const code = await doctorCommand({ config: file, json }, io);
    return { code, lines };
  }
  const failed = (lines: readonly string[]): readonly string[] => {
    const { checks } = JSON.parse(lines.join("\n")) as { readonly checks: readonly Finding[] };
    return checks.filter(({ state }) => state === "failure").map(({ check }) => check);
  };
  return { dir, config, whole, doctor, failed };
}

test("edge doctor reports each missing part and creates no file", async (t) => {
  const { dir, doctor, failed } = device(t);
  const { code, lines } = await doctor(true);
  assert.equal(code, 1);
  assert.equal(lines.length, 1);
  assert.deepEqual(
    failed(lines).filter((one) => one !== "disk"),
    ["agent", "engine", "certificates", "center"],
  );
  assert.deepEqual(readdirSync(dir), ["edge.config.json"]);
});

test("edge doctor prints one line per finding, and what to do below it", async (t) => {
  const { doctor } = device(t);
  const { lines } = await doctor(false);
  const at = lines.findIndex((line) => /failure.* engine .*no\.sock/.test(line));
  assert.notEqual(at, -1, lines.join("\n"));
  assert.match(lines[at + 1] ?? "", /^ {20,}Start the engine/);
});

test("edge doctor checks the rest of the device without a configuration", async (t) => {
  const { dir, doctor, failed } = device(t);
  const { code, lines } = await doctor(true, join(dir, "other.json"));
  assert.equal(code, 2);
  assert.ok(failed(lines).includes("configuration"));
  const { checks } = JSON.parse(lines.join("\n")) as { readonly checks: readonly Finding[] };
  for (const check of ["engine", "cgroups", "disk", "clock", "npu"]) {
    assert.ok(
      checks.some((one) => one.check === check),
      check,
    );
  }
});

test("edge doctor checks the paths of the last good configuration if the current one is broken", async (t) => {
  const { whole, config, doctor, failed } = device(t);
  const loaded = loadConfig(config, { strict: true });
  const opened = openStore({ dir: whole.data.dir });
  assert.ok(loaded.ok && opened.ok);
  keepConfig(opened.store, loaded.config);
  opened.store.close();
  writeFileSync(config, JSON.stringify({ ...whole, center: { url: 1 } }));
  const { code, lines } = await doctor(true);
  assert.equal(code, 2);
  assert.deepEqual(
    failed(lines).filter((one) => one !== "disk"),
    ["configuration", "agent", "engine", "certificates", "center"],
  );
});
