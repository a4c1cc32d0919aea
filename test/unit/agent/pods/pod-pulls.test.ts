import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Outcome } from "../../../../src/agent/pods/executor.ts";
import { createPodPulls, type NeededPull } from "../../../../src/agent/pods/pod-pulls.ts";
import type { FetchProgress } from "../../../../src/core/image/pull-progress.ts";

const image = { id: "sha256:1", user: "", architecture: "amd64", volumes: [] };
const here: Outcome = { kind: "image", image, pulled: true };

function setUp() {
  const woken: string[] = [];
  const begun: string[] = [];
  const signals = new Map<string, AbortSignal>();
  const land = new Map<string, (outcome: Outcome) => void>();
  const pulls = createPodPulls((key) => woken.push(key));
  const needed = (id: string): NeededPull => ({
    id,
    uid: "u1",
    wanted: "w",
    action: { kind: "pull", container: id, image: `${id}:1`, because: "the pod is new" },
    pull: (signal) => {
      begun.push(id);
      signals.set(id, signal);
      return new Promise((resolve) => land.set(id, resolve));
    },
  });
  return { woken, begun, signals, land, pulls, needed };
}

test("a pull starts once, and its pod is woken when it ends", async () => {
  const { woken, begun, land, pulls, needed } = setUp();
  pulls.sync("a", [needed("x")]);
  pulls.sync("a", [needed("x"), needed("y")]);
  pulls.sync("b", [needed("x")]);
  assert.deepEqual(begun, ["x", "y", "x"], "each pod its own");
  assert.deepEqual(pulls.takeEnded("a"), []);
  land.get("y")?.(here);
  await turn();
  assert.deepEqual(woken, ["a"]);
  pulls.sync("a", [needed("x"), needed("y")]);
  assert.equal(begun.length, 3, "not again before its outcome was taken");
  assert.deepEqual(pulls.takeEnded("a"), [{ uid: "u1", wanted: "w", action: needed("y").action, outcome: here }]);
  assert.deepEqual(pulls.takeEnded("a"), []);
  pulls.sync("a", [needed("x"), needed("y")]);
  assert.deepEqual(begun.slice(3), ["y"]);
});

test("a pod is woken by the progress of its pull", () => {
  const { woken, pulls, needed } = setUp();
  const here3 = { tenths: 3, archive: null };
  let tell: (progress: FetchProgress) => void = () => {};
  pulls.sync("a", [
    {
      ...needed("x"),
      pull: (_, told) => {
        told(here3);
        tell = told;
        return new Promise(() => {});
      },
    },
  ]);
  assert.deepEqual(pulls.progress("a", "u1", "x"), here3, "what another pod's pull had fetched before");
  tell({ tenths: 6, archive: null });
  assert.deepEqual(woken, ["a", "a"]);
  assert.deepEqual(
    [pulls.progress("a", "u1", "x"), pulls.progress("a", "u2", "x"), pulls.progress("b", "u1", "x")].map(
      ({ tenths }) => tenths,
    ),
    [6, 0, 0],
  );
  pulls.sync("a", []);
  tell({ tenths: 9, archive: null });
  assert.deepEqual(woken, ["a", "a"], "nobody hears of a pull that was given up");
});

test("a pull that no pod needs is stopped without an event", async () => {
  const { woken, signals, land, pulls, needed } = setUp();
  pulls.sync("a", [needed("x"), needed("y")]);
  pulls.sync("a", [needed("y")]);
  assert.deepEqual(
    ["x", "y"].map((id) => signals.get(id)?.aborted),
    [true, false],
  );
  land.get("x")?.(here);
  await turn();
  assert.deepEqual([woken, pulls.takeEnded("a")], [[], []]);
});

test("a stopping agent aborts all pulls and waits for them", async () => {
  const { signals, land, pulls, needed } = setUp();
  const stop = new AbortController();
  let over = false;
  const ended = pulls.run(stop.signal).then(() => {
    over = true;
  });
  pulls.sync("a", [needed("x")]);
  stop.abort();
  await turn();
  assert.deepEqual([signals.get("x")?.aborted, over], [true, false]);
  land.get("x")?.(here);
  await ended;
});

test("an error thrown by a pull is thrown once, to the worker of its pod", async () => {
  const { needed } = setUp();
  const woken: string[] = [];
  const broken = createPodPulls((key) => woken.push(key));
  broken.sync("a", [{ ...needed("x"), pull: () => Promise.reject(new Error("A bug")) }]);
  await turn();
  assert.deepEqual(woken, ["a"]);
  assert.throws(() => broken.takeEnded("a"), /A bug/);
  assert.deepEqual(broken.takeEnded("a"), []);
});
