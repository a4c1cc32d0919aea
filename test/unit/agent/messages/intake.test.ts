import assert from "node:assert/strict";
import { test } from "node:test";
import { createEventRecorder } from "../../../../src/agent/event-recorder.ts";
import { createIntake } from "../../../../src/agent/messages/intake.ts";
import { defaultPolicy } from "../../../../src/core/admission/policy.ts";
import type { ObservedContainer } from "../../../../src/core/pod/observed.ts";
import { keptRefusals, refusedUpdatesKey } from "../../../../src/core/pod/refused-update.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { fakeDevice } from "../../../fakes/device.ts";
import { seededRandom } from "../../../fakes/random.ts";
import { type MemoryStoreOptions, memoryStore } from "../../../fakes/store.ts";
import { envelope, gracefulDelete, podDelete, podRestart, podUpdate } from "../../../samples/messages.ts";
import { acceptedPod, container, running } from "../../../samples/pods.ts";

const uid = "6bf30364-3c62-493d-b3c1-848012fb8731";
const otherUid = "7bf30364-3c62-493d-b3c1-848012fb8732";
const msgId = (n: number): string => `00000000-0000-0000-0000-${String(n).padStart(12, "0")}`;

interface Said {
  readonly header: { readonly msg_id: string; readonly parent_msg_id: string };
  readonly route: { readonly source: string; readonly operation: string; readonly resource: string };
  readonly content: string;
}

function setUp(options: MemoryStoreOptions = {}) {
  const clock = virtualClock();
  const calls: string[] = [];
  const store = memoryStore({ ...options, beforeCall: (name) => void calls.push(name) });
  const device = fakeDevice();
  const engine: { shows: readonly ObservedContainer[] | null } = { shows: null };
  const said: string[] = [];
  const woken: string[] = [];
  const random = seededRandom(1);
  const log = { write: () => {} };
  const events = createEventRecorder({ store, clock, log });
  const intake = createIntake({
    store,
    device: device.device,
    podFiles: device.podFiles,
    clock,
    random,
    log,
    events,
    policy: () => defaultPolicy,
    protectedPaths: () => [],
    nodeName: "edge-1",
    sendNow: (text) => said.push(text),
    onOutboxChanged: () => {},
    wakePod: (key) => woken.push(key),
    lastListed: () => engine.shows,
  });
  const outbox = () => store.outbox.list(0, 1_000).map((row) => JSON.parse(row.text) as Said);
  return {
    clock,
    store,
    device,
    woken,
    intake,
    calls,
    outbox,
    engine,
    said: () => said.map((text) => JSON.parse(text) as Said),
    send(...texts: string[]) {
      for (const text of texts) intake.receive(text);
      intake.flush();
    },
  };
}

const update = (n: number, version: string, changes: { uid?: string; env?: string } = {}): string =>
  podUpdate({
    name: "web",
    uid: changes.uid ?? uid,
    msgId: msgId(n),
    resourceVersion: version,
    container: { env: [{ name: "VERSION", value: changes.env ?? "1" }] },
  });

test("an accepted update is stored, answered from the outbox, and its pod is woken after the commit", () => {
  const { store, send, outbox, said, woken } = setUp();
  send(update(1, "1"));
  assert.equal(store.desiredPods.get("websocket", "web")?.pod.id.uid, uid);
  const [reply] = outbox();
  assert.deepEqual([reply?.header.parent_msg_id, reply?.route.operation, reply?.content], [msgId(1), "response", "OK"]);
  assert.deepEqual(said(), []);
  assert.deepEqual(woken, ["websocket/web"]);
  assert.match(JSON.stringify(store.statuses.get(uid)), /"phase":"Pending"/);
});

test("messages of one turn share one commit, and a rejected message needs none", () => {
  const { send, calls, said } = setUp();
  send(update(1, "1"), update(2, "2", { env: "2" }), update(3, "3", { env: "3" }));
  assert.equal(calls.filter((name) => name === "transaction").length, 1);
  calls.length = 0;
  send(envelope(msgId(4), "update", "websocket/pod/web", { metadata: { name: "web" }, spec: {} }));
  assert.equal(calls.filter((name) => name.startsWith("put") || name.startsWith("remember")).length, 0);
  const [refusal] = said();
  assert.deepEqual(
    [refusal?.route.source, refusal?.route.operation, refusal?.header.parent_msg_id],
    ["metaManager", "error", msgId(4)],
  );
  assert.match(refusal?.content ?? "", /^FAILED: /);
});

test("a repeated message gets the same reply and has no effect", () => {
  const { store, send, outbox, said, woken } = setUp();
  send(update(1, "1"));
  const writes = store.writes();
  send(update(1, "1"));
  assert.equal(store.writes(), writes);
  assert.equal(said()[0]?.header.msg_id, outbox()[0]?.header.msg_id);
  assert.equal(woken.length, 1);
});

test("three deletes under one msg_id, as FusionDirector sends them, are each answered", () => {
  const { send, outbox } = setUp();
  send(update(1, "1"));
  const one = { name: "web", uid, msgId: msgId(2), resourceVersion: "1" };
  send(gracefulDelete(one, 10), podDelete(one));
  assert.deepEqual(
    outbox().map((reply) => reply.content),
    ["OK", "OK", "OK"],
  );
});

test("a message repeated after 1,024 others is processed again and changes nothing", () => {
  const { store, send } = setUp();
  const answers = () => store.outbox.counts().pending;
  send(update(1, "1"));
  const accepted = store.desiredPods.get("websocket", "web");
  for (let n = 2; n <= 1_025; n += 1) send(update(n, "1"));
  const before = answers();
  send(update(2, "1"));
  assert.equal(answers(), before, "one of the last 1,024 is a repeat");
  send(update(1, "1"));
  assert.equal(answers(), before + 1, "the one before them is answered anew");
  const now = store.desiredPods.get("websocket", "web");
  assert.deepEqual([now?.pod, now?.generation], [accepted?.pod, accepted?.generation]);
});

test("an update that changes nothing is an event of its pod, and ends the note of a rejected one", () => {
  const { store, send, woken } = setUp();
  send(update(1, "1"), update(2, "0", { env: "2" }));
  assert.equal(keptRefusals(store.getMeta(refusedUpdatesKey)).length, 1);
  const before = woken.length;
  send(update(3, "1"));
  const last = store.events.list({ limit: 1_000 }).at(-1);
  assert.equal(last?.pod, "websocket/web");
  assert.match(last?.message ?? "", /^Pod web is the same as before /);
  assert.deepEqual(keptRefusals(store.getMeta(refusedUpdatesKey)), []);
  assert.equal(woken.length, before, "there is nothing to do");
});

test("an older resourceVersion is rejected as stale, and an equal one with other content is applied", () => {
  const { store, send, said } = setUp();
  send(update(1, "5"), update(2, "4", { env: "2" }));
  assert.match(said()[0]?.content ?? "", /expected 5 or newer/);
  send(update(3, "5", { env: "3" }));
  assert.equal(store.desiredPods.get("websocket", "web")?.pod.spec.containers[0]?.env?.[0]?.value, "3");
});

test("a new uid replaces the old pod of the name after its images are present", () => {
  const { store, send } = setUp();
  send(update(1, "1"), update(2, "2", { uid: otherUid }));
  assert.equal(store.desiredPods.get("websocket", "web")?.pod.id.uid, otherUid);
  assert.deepEqual(
    store.terminatingPods.list().map((one) => [one.kind, one.id.uid]),
    [["replaced", uid]],
  );
  send(update(3, "1"));
  assert.equal(store.desiredPods.get("websocket", "web")?.pod.id.uid, otherUid, "the old uid is no resurrection");
});

test("a delete with another uid does not change the present pod", () => {
  const { store, send, outbox } = setUp();
  send(update(1, "1"), podDelete({ name: "web", uid: otherUid, msgId: msgId(2) }));
  assert.equal(store.desiredPods.get("websocket", "web")?.pod.id.uid, uid);
  assert.equal(outbox().length, 2);
});

test("a plain delete does not shorten a grace period under way", () => {
  const { store, send } = setUp();
  const one = { name: "web", uid, msgId: msgId(2), resourceVersion: "1" };
  send(update(1, "1"), gracefulDelete(one, 25), podDelete({ ...one, msgId: msgId(3) }));
  assert.deepEqual(
    store.terminatingPods.list().map((terminating) => terminating.graceSeconds),
    [25],
  );
});

test("an update of a terminating uid gets a higher generation", () => {
  const { store, send } = setUp();
  send(update(1, "1"), podDelete({ name: "web", uid, msgId: msgId(2) }), update(3, "2"));
  assert.deepEqual(
    [store.terminatingPods.list()[0]?.generation, store.desiredPods.get("websocket", "web")?.generation],
    [0, 1],
  );
});

test("a restart message is counted, and rejected with an operation response", () => {
  const { store, send, said } = setUp();
  send(podRestart({ name: "web", msgId: msgId(9) }));
  assert.deepEqual([said()[0]?.route.operation, said()[0]?.content.startsWith("FAILED: ")], ["response", true]);
  send(update(1, "1"), podRestart({ name: "web", msgId: msgId(2) }), podRestart({ name: "web", msgId: msgId(2) }));
  assert.equal(store.desiredPods.get("websocket", "web")?.generation, 1, "the same restart twice is one");
});

test("an unreadable message causes an event, and a reply only if it has a msg_id", () => {
  const { store, send, said } = setUp();
  send("{", "null", '{"header":{}}');
  assert.deepEqual(said(), []);
  assert.equal(store.events.list({ limit: 10 }).length, 1);
  send(envelope(msgId(1), "explode", "websocket/pod/web", {}));
  assert.equal(said()[0]?.route.operation, "error");
});

test("an update on a full disk is rejected with a reason, and a delete is accepted", () => {
  const { device, store, send, said } = setUp();
  send(update(1, "1"));
  device.freeBytes(10 * 1024 * 1024);
  send(update(2, "2", { env: "2" }));
  assert.match(said()[0]?.content ?? "", /50 MiB are free/);
  send(podDelete({ name: "web", uid, msgId: msgId(3) }));
  assert.equal(store.desiredPods.get("websocket", "web"), null);
});

test("a hostPort is rejected for a foreign process, not for an orphaned container or before the first list", () => {
  const { device, engine, store, send, said } = setUp();
  const port = { containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "127.0.0.1" } as const;
  const asks = (n: number): string =>
    podUpdate({ name: `web-${n}`, uid: msgId(n), msgId: msgId(n), container: { ports: [port] } });
  const shown = container(acceptedPod(), running(), { hostPorts: ["8080/TCP"] });
  device.listening(() => [8080]);
  store.setMeta("installId", "another-install");
  engine.shows = [shown];
  send(asks(1));
  assert.match(said()[0]?.content ?? "", /TCP port 8080 is already used by another process/);
  store.setMeta("installId", shown.installId);
  send(asks(2));
  assert.ok(store.desiredPods.get("websocket", "web-2"));
  store.desiredPods.delete("websocket", "web-2");
  engine.shows = null;
  send(asks(3));
  assert.ok(store.desiredPods.get("websocket", "web-3"));
});

test("a message is rejected without effect if the outbox is full of replies", () => {
  const { store, send, said } = setUp({ limits: { outboxMaxMessages: 2 } });
  send(update(1, "1"), update(2, "2", { env: "2" }), update(3, "3", { env: "3" }));
  assert.match(said()[0]?.content ?? "", /full of replies/);
  assert.equal(store.desiredPods.get("websocket", "web")?.pod.metadata.resourceVersion, "2");
});

test("reading pauses when too much waits for its commit", () => {
  const { intake } = setUp();
  for (let n = 0; n < 64; n += 1) intake.receive("{}");
  assert.equal(intake.full(), false);
  intake.receive("{}");
  assert.equal(intake.full(), true);
  intake.flush();
  assert.equal(intake.full(), false);
  for (let n = 0; n < 5; n += 1) intake.receive("x".repeat(1024 * 1024));
  assert.equal(intake.full(), true);
});

test("a message that makes the agent throw is rejected, and the others of its batch are applied", () => {
  const { device, outbox, said, send, store } = setUp();
  const { savePod } = device.podFiles;
  Object.assign(device.podFiles, {
    savePod(pod: Parameters<typeof savePod>[0]) {
      if (pod.id.name === "bad") throw new TypeError("a bug of this pod");
      savePod(pod);
    },
  });
  send(
    update(1, "1"),
    podUpdate({ name: "bad", uid: otherUid, msgId: msgId(2) }),
    podRestart({ name: "web", msgId: msgId(3) }),
  );
  assert.deepEqual(
    outbox().map(({ header, content }) => [header.parent_msg_id, content]),
    [
      [msgId(1), "OK"],
      [msgId(3), "OK"],
    ],
  );
  assert.match(said()[0]?.content ?? "", /The agent failed on this message because of a bug/);
  assert.deepEqual(
    store.desiredPods.list().map(({ pod }) => pod.id.name),
    ["web"],
  );
  const events = store.events.list({ limit: 100 }).filter(({ reason }) => reason === "InternalError");
  assert.match(events[0]?.message ?? "", /TypeError: a bug of this pod/);
});
