import assert from "node:assert/strict";
import { test } from "node:test";
import { createTroubledContainers } from "../../../../src/agent/engine/troubled-containers.ts";
import type { ObservedState } from "../../../../src/core/pod/observed.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { acceptedPod, container, running } from "../../../samples/pods.ts";

const pod = acceptedPod();
const unknown: ObservedState = { kind: "unknown" };
const paused: ObservedState = { kind: "running", startedAt: "2026-11-22T12:00:00Z", paused: true };

function bench() {
  const clock = virtualClock();
  const events: string[] = [];
  const changes: number[] = [];
  const troubled = createTroubledContainers({
    clock,
    events: {
      recordPodEvent: (key, { type, container: name = "", reason }) =>
        void events.push(`${type} ${key}/${name} ${reason}`),
    },
    store: { getMeta: () => "i" },
    onChanged: () => void changes.push(clock.mono()),
  });
  const look = (state: ObservedState, changed: { readonly installId?: string } = {}): void =>
    troubled.onListed([container(pod, state, changed)]);
  return { clock, events, changes, troubled, look };
}

test("a container that the engine does not answer about for seconds causes one event and a notice, and another event at the end", async () => {
  const { clock, events, changes, troubled, look } = bench();
  look(unknown);
  assert.deepEqual([events, troubled.notices()], [[], []]);
  await clock.pass(5_000);
  look(unknown);
  look(unknown);
  assert.deepEqual(events, ["Warning websocket/web/app ContainerStatusUnknown"]);
  assert.match(troubled.notices().join("\n"), /^websocket\/web\/app: the engine does not answer about it/);
  look(running());
  assert.deepEqual(events.slice(1), ["Normal websocket/web/app ContainerAnswers"]);
  assert.deepEqual(troubled.notices(), []);
  assert.equal(changes.length, 2);
});

test("a container that the engine is busy with for a moment causes no event", async () => {
  const { clock, events, look } = bench();
  look(unknown);
  await clock.pass(2_000);
  look(running());
  await clock.pass(60_000);
  look(unknown);
  assert.deepEqual(events, []);
});

test("a paused container causes an event at once", () => {
  const { events, troubled, look } = bench();
  look(paused);
  look(paused);
  assert.deepEqual(events, ["Warning websocket/web/app ContainerPaused"]);
  assert.equal(troubled.notices().length, 1);
});

test("a container of another installation is ignored", () => {
  const { events, troubled, look } = bench();
  look(paused, { installId: "another" });
  assert.deepEqual([events, troubled.notices()], [[], []]);
});
