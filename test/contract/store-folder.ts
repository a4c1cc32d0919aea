import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Store } from "../../src/ports/store.ts";
import { openStore } from "../../src/sqlite/store.ts";
import { desired, event, moment } from "./store-samples.ts";

/** A data folder that does not exist yet; its parent is removed after the test. */
export function folder(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), "edge-store-"));
  t.after(() => rmSync(parent, { recursive: true }));
  return join(parent, "data");
}

/** The store of a folder, which must open. */
export function opened(dir: string): Store {
  const result = openStore({ dir });
  assert.ok(result.ok, JSON.stringify(result));
  return result.store;
}

/** A store with something in it, closed. */
export function filled(t: TestContext): string {
  const dir = folder(t);
  const store = opened(dir);
  store.setMeta("install", "1");
  store.desiredPods.put(desired("a"));
  for (let i = 0; i < 100; i += 1) store.events.append({ ...event, message: `${i} ${"x".repeat(1_000)}` }, moment);
  store.close();
  return dir;
}

/** A process of its own that holds the store or its lock, or asks about it, and the first line that it sends. */
export async function child(
  t: TestContext,
  what: "store" | "lock" | "ask",
  dir: string,
): Promise<{ line: unknown; kill: () => Promise<void> }> {
  const process: ChildProcess = fork(new URL(import.meta.resolve("./store-child.ts")), [what, dir]);
  const kill = async () => {
    if (process.exitCode !== null || process.signalCode !== null) return;
    const ended = once(process, "exit");
    process.kill("SIGKILL");
    await ended;
  };
  t.after(kill);
  const [line] = await once(process, "message");
  return { line, kill };
}
