// A process that holds what a test names, says so, and waits to be killed: `node store-child.ts store|lock DIR`.

import { acquireRunLock } from "../../src/sqlite/lock.ts";
import { openStore } from "../../src/sqlite/store.ts";

const [what, dir = ""] = process.argv.slice(2);

function holdStore(): void {
  const result = openStore({ dir });
  if (!result.ok) throw new Error(result.error.message);
  const { store } = result;
  store.transaction("full", () => store.setFact("committed", "full"));
  store.setFact("also", "normal");
  store.transaction("full", () => {
    store.setFact("committed", "never");
    say("in the middle");
    wait();
  });
}

function holdLock(): void {
  say(acquireRunLock(dir).ok ? "held" : "refused");
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
else holdLock();
