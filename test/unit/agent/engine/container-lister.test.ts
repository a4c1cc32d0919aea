import assert from "node:assert/strict";
import { test } from "node:test";
import { createContainerLister } from "../../../../src/agent/engine/container-lister.ts";
import type { ObservedContainer } from "../../../../src/core/pod/observed.ts";
import type { Engine, EngineResult } from "../../../../src/ports/engine.ts";
import { virtualClock } from "../../../fakes/clock.ts";

type Listed = EngineResult<readonly ObservedContainer[]>;

const signal = new AbortController().signal;

const container = (id: string, state: ObservedContainer["state"] = { kind: "created" }): ObservedContainer => ({
  id,
  pod: { namespace: "websocket", name: "a", uid: "u" },
  container: "app",
  installId: "i",
  attempt: 0,
  generation: 0,
  podHash: "p",
  specHash: "s",
  restartPolicy: "Always",
  state,
  imageId: "sha256:1",
  image: "app",
});

/** An engine whose lists are answered when the test says so. */
function lister() {
  const asked: ((containers: readonly ObservedContainer[] | "fails") => void)[] = [];
  const list = (): Promise<Listed> =>
    new Promise((resolve) =>
      asked.push((containers) =>
        resolve(
          containers === "fails"
            ? { ok: false, error: { kind: "unavailable", operation: "list", message: "gone" } }
            : { ok: true, value: containers },
        ),
      ),
    );
  const engine = { list } as unknown as Engine;
  return { lister: createContainerLister(engine, virtualClock()), asked };
}

const ids = (listed: Listed): readonly string[] => (listed.ok ? listed.value.map(({ id }) => id) : ["failed"]);

test("workers that were woken in the same moment share one list", async () => {
  const { lister: one, asked } = lister();
  const after = one.begun();
  const all = [one.list(signal, after), one.list(signal, after), one.list(signal, after)];
  assert.equal(asked.length, 1);
  asked[0]?.([container("x")]);
  for (const listed of await Promise.all(all)) assert.deepEqual(ids(listed), ["x"]);
  assert.deepEqual(ids(await one.list(signal, after)), ["x"]);
  assert.equal(asked.length, 1, "a worker that comes later, but was woken then, is served by it too");
});

test("a worker that is woken while a list is under way gets the next one", async () => {
  const { lister: one, asked } = lister();
  const first = one.list(signal);
  const later = one.list(signal, one.begun());
  asked[0]?.([]);
  assert.deepEqual(ids(await first), []);
  asked[1]?.([container("x")]);
  assert.deepEqual(ids(await later), ["x"]);
});

test("a list that began before a change of ours does not take it back", async () => {
  const { lister: one, asked } = lister();
  const listed = one.list(signal);
  one.changed([{ id: "made", container: container("made") }]);
  one.changed([{ id: "gone", container: null }]);
  asked[0]?.([container("gone"), container("other")]);
  assert.deepEqual(ids(await listed), ["other", "made"]);
});

test("a list that began after a change of ours is the truth", async () => {
  const { lister: one, asked } = lister();
  one.changed([{ id: "made", container: container("made") }]);
  const listed = one.list(signal);
  asked[0]?.([container("other")]);
  assert.deepEqual(ids(await listed), ["other"]);
  one.changed([{ id: "other", container: null }]);
  assert.deepEqual(one.lastListed(), []);
});

test("what was listed before the engine went is not handed out", async () => {
  const { lister: one, asked } = lister();
  const before = one.list(signal);
  asked[0]?.([container("x")]);
  await before;
  one.outdate();
  const again = one.list(signal, 0);
  assert.equal(asked.length, 2);
  asked[1]?.("fails");
  assert.deepEqual(ids(await again), ["failed"]);
  assert.equal(one.unavailableBecause(), "gone");
});
