import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PodStatus } from "../../src/core/pod/pod-status.ts";
import { configMapUpdate, podContent, podDelete, podUpdate, testImage } from "../samples/messages.ts";
import { createWorld } from "./world/world.ts";

const image = { id: "sha256:first", user: "", architecture: "amd64", volumes: [] } as const;
const uid = "00000000-0000-4000-8000-000000000001";
const msgId = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

/** Properties that every object of JavaScript inherits, as far as the rules let them stand for a key or a name. */
const inherited = ["constructor", "toString", "hasOwnProperty", "valueOf", "isPrototypeOf"] as const;

/** A pod whose every name is a property that objects inherit. */
function inheritedEverywhere(): Record<string, unknown> {
  const message = {
    name: "constructor",
    uid,
    metadata: { labels: Object.fromEntries(inherited.map((word) => [word, word])) },
    container: {
      name: "constructor",
      env: inherited.map((name) => ({ name, value: name })),
      volumeMounts: [{ name: "constructor", mountPath: "/constructor", readOnly: true }],
      readinessProbe: { exec: { command: ["/constructor"] }, periodSeconds: 5 },
    },
    spec: {
      volumes: [{ name: "constructor", configMap: { name: "constructor", defaultMode: 420 } }],
      restartPolicy: "Always",
    },
  };
  return podContent(message);
}

describe("a pod whose names are words that every object inherits", () => {
  test("runs, restarts, changes and is deleted like any other", async () => {
    const world = createWorld(1, { liveRestore: true });
    world.host.addImage(testImage, image);
    await world.clock.pass(3_000);
    const data = Object.fromEntries(inherited.map((key) => [key, key]));
    world.center.deliver(configMapUpdate("constructor", msgId(10), data));
    await world.clock.pass(1_000);
    const { metadata, spec } = inheritedEverywhere() as { metadata: object; spec: object };
    const pod = { name: "constructor", uid };
    world.center.deliver(podUpdate({ ...pod, msgId: msgId(11), metadata: { ...metadata }, spec: { ...spec } }));
    assert.ok(await world.clock.passUntil(() => world.host.running().length === 1, 30_000), "it runs");
    assert.equal(world.host.running()[0]?.request?.container, "constructor");

    world.host.kill(world.host.running()[0]?.id ?? "", 1);
    assert.ok(await world.clock.passUntil(() => world.host.running().length === 1, 60_000), "it runs again");
    await world.clock.pass(3_000);
    const status = world.look((store) => store.statuses.get(uid))?.status as PodStatus;
    assert.deepEqual(
      status.containerStatuses.map(({ name, restartCount }) => ({ name, restartCount })),
      [{ name: "constructor", restartCount: 1 }],
    );

    const changed = inheritedEverywhere() as { spec: { containers: object[] } };
    const containers = changed.spec.containers.map((one) => ({ ...one, env: [] }));
    world.center.deliver(podUpdate({ ...pod, msgId: msgId(12), resourceVersion: "2", spec: { ...spec, containers } }));
    await world.clock.pass(60_000);
    assert.equal(world.host.running().length, 1, "the changed one runs");

    await world.restart({ powerCut: true });
    await world.clock.pass(60_000);
    assert.equal(world.host.running().length, 1, "it runs after a power cut");

    world.center.deliver(podDelete({ ...pod, msgId: msgId(13) }));
    await world.clock.pass(120_000);
    assert.deepEqual(world.host.containers(), []);
    world.process().kill();
  });
});
