import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { moment } from "./store-samples.ts";
import { type Open, stores } from "./store-subjects.ts";

for (const [name, open] of stores) {
  describe(`a store ${name}`, () => {
    configMaps(open);
    credentials(open);
  });
}

function configMaps(open: Open): void {
  it("keeps config maps under their names", (t) => {
    const { store, reopen } = open(t);
    assert.equal(store.configMaps.get("a"), null);
    assert.equal(store.configMaps.put("b", { "b.conf": "ü" }, moment), true);
    assert.equal(store.configMaps.put("a", {}, moment), true);
    assert.equal(store.configMaps.put("b", { x: "2" }, moment), true);
    assert.deepEqual(store.configMaps.names(), ["a", "b"]);
    assert.deepEqual(store.configMaps.get("a"), {});
    assert.deepEqual(store.configMaps.get("b"), { x: "2" });
    store.configMaps.delete("a");
    store.configMaps.delete("never");
    const after = reopen();
    assert.deepEqual(after.configMaps.names(), ["b"]);
    assert.deepEqual(after.configMaps.get("b"), { x: "2" });
  });

  it("stores at most 256 config maps and still accepts changes to them", (t) => {
    const { store } = open(t);
    store.transaction("normal", () => {
      for (let i = 0; i < 256; i += 1) assert.equal(store.configMaps.put(`map-${i}`, { i: `${i}` }, moment), true);
    });
    assert.equal(store.configMaps.put("one-more", {}, moment), false);
    assert.equal(store.configMaps.get("one-more"), null);
    assert.equal(store.configMaps.put("map-7", { i: "changed" }, moment), true);
    store.configMaps.delete("map-0");
    assert.equal(store.configMaps.put("one-more", {}, moment), true);
  });

  it("rolls a config map back with its transaction", (t) => {
    const { store } = open(t);
    store.configMaps.put("a", { x: "1" }, moment);
    const fail = () =>
      store.transaction("full", () => {
        store.configMaps.put("a", { x: "2" }, moment);
        store.credentials.put("registry", "{}", moment);
        assert.deepEqual(store.configMaps.get("a"), { x: "2" });
        throw new Error("power");
      });
    assert.throws(fail, /power/);
    assert.deepEqual(store.configMaps.get("a"), { x: "1" });
    assert.equal(store.credentials.get("registry"), null);
  });
}

function credentials(open: Open): void {
  it("keeps credentials under their names, up to 16", (t) => {
    const { store, reopen } = open(t);
    assert.equal(store.credentials.get("registry"), null);
    for (let i = 0; i < 16; i += 1) assert.equal(store.credentials.put(`r${i}`, `{"auths":{"${i}":{}}}`, moment), true);
    assert.equal(store.credentials.put("r16", "{}", moment), false);
    assert.equal(store.credentials.put("r3", "{}", moment), true);
    assert.equal(store.credentials.names().length, 16);
    store.credentials.delete("r0");
    const after = reopen();
    assert.equal(after.credentials.get("r0"), null);
    assert.equal(after.credentials.get("r1"), '{"auths":{"1":{}}}');
    assert.equal(after.credentials.get("r3"), "{}");
  });
}
