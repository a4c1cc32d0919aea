import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Options of V8, put in by the build of the executable (scripts/executable.ts); absent in the bundle. */
declare const builtOptions: readonly string[] | undefined;

/** What of the runtime's heap is seen and done from here. */
export interface Heap {
  /** Bytes that it holds, in use or not. */
  readonly held: () => number;
  /** Collects everything, and gives back what is free. Stops the process for as long as that takes. */
  readonly collect: () => void;
}

const lookMs = 10_000;
/** A collection gives back at least this much, or there was no need for one. */
const growthBytes = 1024 * 1024;

/**
 * V8 keeps a heap as large as a burst of work has made it (after 20 pods were started it held 24 MB, and 10 MB were in
 * use). This gives a look that collects when the heap has grown since the last collection and no more since the last look: once
 * after a start, and once after each burst.
 */
export function heapKeeper({ held, collect }: Heap): () => void {
  let collected = 0;
  let seen = 0;
  return () => {
    const now = held();
    const isQuiet = now <= seen;
    seen = now;
    if (!isQuiet || now < collected + growthBytes) return;
    collect();
    collected = held();
    seen = collected;
  };
}

/**
 * Makes V8 small from now on, and looks every 10 s, without keeping the process alive. Done by the agent when it is loaded and
 * not by its command line: with such options V8 would believe no code cache at the start of any command. Does nothing where
 * the program runs on a Node that somebody else has installed.
 */
export function keepHeapSmall(): void {
  if (typeof builtOptions === "undefined") return;
  for (const option of builtOptions) setFlagsFromString(option);
  // Only a context that is made after the option has it.
  const collect = runInNewContext("gc") as NodeJS.GCFunction;
  const look = heapKeeper({
    held: () => getHeapStatistics().total_heap_size,
    // The flavour that also moves what is left together; the plain one frees next to no page.
    collect: () => collect({ type: "major", execution: "sync", flavor: "last-resort" }),
  });
  setInterval(look, lookMs).unref();
}
