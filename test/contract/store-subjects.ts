import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Store } from "../../src/ports/store.ts";
import type { StoreLimits } from "../../src/sqlite/limits.ts";
import { openStore } from "../../src/sqlite/store.ts";
import { memoryStore } from "../fakes/store.ts";

type Subject = Store;

/** A store, and the same one after the process that held it has ended. */
interface Opened {
  readonly store: Subject;
  reopen(): Subject;
}

export type Open = (t: TestContext, limits?: Partial<StoreLimits>) => Opened;

const inMemory: Open = (_, limits = {}) => {
  const store = memoryStore({ limits });
  return { store, reopen: () => store.reopen() };
};

const onDisk: Open = (t, limits = {}) => {
  const dir = mkdtempSync(join(tmpdir(), "edge-store-"));
  const open = () => {
    const result = openStore({ dir, limits });
    assert.ok(result.ok, JSON.stringify(result));
    return result.store;
  };
  let store = open();
  t.after(() => {
    store.close();
    rmSync(dir, { recursive: true });
  });
  return {
    store,
    reopen() {
      store.close();
      store = open();
      return store;
    },
  };
};

/** Every kind of store there is: each suite runs on all of them. */
export const stores: readonly (readonly [name: string, open: Open])[] = [
  ["in memory", inMemory],
  ["on SQLite", onDisk],
];
