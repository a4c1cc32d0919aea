import { getHeapStatistics } from "node:v8";

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

/** Looks every 10 s, without keeping the process alive. Does nothing where the runtime was started without `--expose-gc`. */
export function keepHeapSmall(): void {
  const collector = globalThis.gc;
  if (collector === undefined) return;
  const look = heapKeeper({
    held: () => getHeapStatistics().total_heap_size,
    // The flavour that also moves what is left together; the plain one frees next to no page.
    collect: () => collector({ type: "major", execution: "sync", flavor: "last-resort" }),
  });
  setInterval(look, lookMs).unref();
}
