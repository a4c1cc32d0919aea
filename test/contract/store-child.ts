// A process that holds what a test names, says so, and waits to be killed: `node store-child.ts store|lock|ask DIR`.

import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { acquireRunLock, runLockHeld } from "../../src/sqlite/lock.ts";
import { openStore } from "../../src/sqlite/store.ts";

const [what, dir = ""] = process.argv.slice(2);

function holdStore(): void {
  const result = openStore({ dir });
  if (!result.ok) throw new Error(result.error.message);
  const { store } = result;
  store.transaction("full", () => store.setMeta("committed", "full"));
  store.setMeta("also", "normal");
  store.transaction("full", () => {
    store.setMeta("committed", "never");
    say("in the middle");
    wait();
  });
}

function holdLock(): void {
  say(acquireRunLock(dir).ok ? "held" : "refused");
  wait();
}

/** As somebody who is nobody here. */
function ask(): void {
  // Loads what this user may be unable to read later.
  runLockHeld(dir);
  process.setuid?.(65_534);
  const held = runLockHeld(dir) ? "held" : "free";
  try {
    closeSync(openSync(join(dir, "lock"), "r"));
    say(`${held}, and to be read`);
  } catch {
    say(`${held}, and not to be read`);
  }
  wait();
}

function say(line: string): void {
  process.send?.(line);
}

/** Inside a transaction nothing can be awaited: this blocks. */
function wait(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
}

if (what === "store") holdStore();
else if (what === "ask") ask();
else holdLock();
