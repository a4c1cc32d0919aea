import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryStore } from "../../fakes/store.ts";

describe("memoryStore()", () => {
  it("can crash between any two calls and keeps committed data", () => {
    for (let crashAt = 1; crashAt <= 8; crashAt += 1) {
      let calls = 0;
      const beforeCall = () => {
        calls += 1;
        if (calls >= crashAt) throw new Error("crash");
      };
      const store = memoryStore({ beforeCall });
      assert.throws(() => {
        store.setMeta("a", "1");
        store.transaction("full", () => {
          store.setMeta("b", "2");
          store.setMeta("c", "3");
        });
        store.setMeta("d", "4");
        store.getMeta("d");
        store.getMeta("d");
      }, /crash/);
      const after = store.reopen({ beforeCall: () => {} });
      assert.throws(() => store.getMeta("a"), /closed/);
      const found = ["a", "b", "c", "d"].filter((key) => after.getMeta(key) !== null).join("");
      // The calls are: a, transaction, b, c, commit, d and two reads.
      const expected = ["", "a", "a", "a", "a", "abc", "abcd", "abcd"][crashAt - 1];
      assert.equal(found, expected, `crash at call ${crashAt}`);
    }
  });

  it("loses normal commits in a power cut, and nothing from before a full commit", () => {
    const store = memoryStore();
    store.setMeta("a", "1");
    store.transaction("full", () => store.setMeta("b", "2"));
    store.setMeta("c", "3");
    const after = store.reopen({ powerCut: true });
    assert.deepEqual([after.getMeta("a"), after.getMeta("b"), after.getMeta("c")], ["1", "2", null]);
  });

  it("counts no write if nothing changed", () => {
    const store = memoryStore();
    store.setMeta("a", "1");
    const before = store.writes();
    store.setMeta("a", "1");
    store.statuses.delete("never");
    assert.equal(store.writes(), before);
  });
});
