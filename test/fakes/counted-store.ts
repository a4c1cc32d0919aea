import { type MemoryStore, memoryStore } from "./store.ts";

/** A store in memory that counts what would be a commit each: a transaction that writes, and a write outside of one. */
export function countedStore(): { readonly store: MemoryStore; commits(): number } {
  let commits = 0;
  let written = 0;
  let inside = false;
  const store = memoryStore({
    beforeCall(name) {
      if (inside && name !== "commit") return;
      // A write that stands in no transaction is a commit of its own, seen at the next call.
      inside = name === "transaction";
      if (store.writes() > written) commits += 1;
      written = store.writes();
    },
  });
  return { store, commits: () => commits };
}
