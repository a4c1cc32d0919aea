import assert from "node:assert/strict";
import { test } from "node:test";
import { keptRows } from "../../../src/sqlite/kept-rows.ts";

/** A table in memory, and how often its rows were read. */
function table(rows: readonly (readonly [string, string])[]) {
  const stored = new Map(rows);
  const read: string[] = [];
  const kept = keptRows<string, { readonly text: string }>({
    keys: () => [...stored.keys()].toSorted(),
    read(key) {
      read.push(key);
      const text = stored.get(key);
      return text === undefined ? null : { value: { text }, size: text.length };
    },
  });
  return { stored, read, kept };
}

test("a row that does not change is read once", () => {
  const { kept, read } = table([
    ["b", "2"],
    ["a", "1"],
  ]);
  assert.deepEqual(kept.list(), [{ text: "1" }, { text: "2" }]);
  assert.deepEqual(kept.list(), [{ text: "1" }, { text: "2" }]);
  assert.deepEqual(kept.get("a"), { text: "1" });
  assert.deepEqual(read, ["a", "b"]);
});

test("only the row that was written is read again", () => {
  const { kept, read, stored } = table([
    ["a", "1"],
    ["b", "2"],
  ]);
  kept.list();
  stored.set("a", "3");
  kept.written("a");
  assert.deepEqual(kept.list(), [{ text: "3" }, { text: "2" }]);
  assert.deepEqual(read, ["a", "b", "a"]);
});

test("a row that was inserted stands at its place, one that was deleted is gone", () => {
  const { kept, stored } = table([["b", "2"]]);
  kept.list();
  stored.set("a", "1");
  kept.written("a");
  assert.deepEqual(kept.list(), [{ text: "1" }, { text: "2" }]);
  stored.delete("b");
  kept.deleted("b");
  assert.deepEqual(kept.list(), [{ text: "1" }]);
  assert.equal(kept.get("b"), null);
});

test("rows that were forgotten are read again", () => {
  const { kept, stored } = table([["a", "1"]]);
  kept.list();
  stored.delete("a");
  kept.forget();
  assert.deepEqual(kept.list(), []);
});

test("of rows larger than a million characters in all, those that do not fit are read each time", () => {
  const large = "x".repeat(700_000);
  const { kept, read, stored } = table([
    ["a", large],
    ["b", large],
    ["c", "small"],
  ]);
  kept.list();
  kept.list();
  assert.deepEqual(read, ["a", "b", "c", "b"]);
  stored.delete("a");
  kept.deleted("a");
  kept.list();
  kept.list();
  assert.deepEqual(read.slice(4), ["b"], "a row that is gone makes room");
});
