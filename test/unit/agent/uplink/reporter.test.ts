import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "../../../fakes/store.ts";
import { desiredPod, terminatingPod } from "../../../samples/pods.ts";
import { reporterOn, resourceOf } from "./reporter-site.ts";

const setUp = (options: Parameters<typeof reporterOn>[1] = {}) => reporterOn(memoryStore(), options);

test("the podstatus is sent on connect, then every 30 s", async () => {
  const { clock, reports, stop } = await setUp();
  assert.equal(reports(), 1);
  await clock.pass(29_000);
  assert.equal(reports(), 0);
  await clock.pass(61_000);
  assert.equal(reports(), 3);
  stop.abort();
});

test("a changed podstatus is sent at once, at most four times a second", async () => {
  const { clock, reporter, reports, stop } = await setUp();
  reports();
  await clock.pass(5_000);
  reporter.statusChanged();
  await clock.pass(20);
  assert.equal(reports(), 1);
  const times: number[] = [];
  for (let n = 0; n < 300; n += 1) {
    reporter.statusChanged();
    await clock.pass(10);
    for (let sent = reports(); sent > 0; sent -= 1) times.push(clock.mono());
  }
  assert.ok(times.length >= 8, `${times.length} reports in three seconds of changes`);
  for (const [index, time] of times.entries()) {
    const fifth = times[index + 4];
    assert.ok(fifth === undefined || fifth - time > 950, "five reports within a second");
  }
  stop.abort();
});

for (const { reportMs, rest, least, most } of [
  { reportMs: 10, rest: "99 times its duration", least: 29, most: 31 },
  { reportMs: 400, rest: "ten seconds", least: 2, most: 4 },
]) {
  test(`a report that takes ${reportMs} ms is followed by a pause of ${rest}`, async () => {
    const { clock, reporter, reports, stop } = await setUp({ reportMs });
    reports();
    for (let n = 0; n < 3_000; n += 1) {
      reporter.statusChanged();
      await clock.pass(10);
    }
    const sent = reports();
    assert.ok(sent >= least && sent <= most, `${sent} reports in 30 s`);
    stop.abort();
  });
}

test("a reply is kept until a pong confirms it, and sent again on the next connection", async () => {
  const { clock, store, center, reporter, connect, stop } = await setUp();
  center.autoPong(false);
  const text = JSON.stringify({ route: { resource: "reply" } });
  store.outbox.append("reply", text);
  reporter.outboxChanged();
  await clock.pass(100);
  assert.equal(center.received().filter((one) => one === text).length, 1);
  assert.equal(store.outbox.counts().pending, 1);
  center.cut();
  await clock.pass(100);
  center.autoPong(true);
  await connect();
  await clock.pass(100);
  assert.equal(center.received().filter((one) => one === text).length, 2);
  assert.equal(store.outbox.counts().pending, 0);
  stop.abort();
});

test("a reply goes out before the report that is due at the same moment", async () => {
  const { clock, store, center, reporter, stop } = await setUp();
  await clock.pass(5_000);
  const before = center.received().length;
  store.outbox.append("reply", JSON.stringify({ route: { resource: "reply" } }));
  reporter.statusChanged();
  reporter.outboxChanged();
  await clock.pass(100);
  assert.deepEqual(center.received().slice(before).map(resourceOf), ["reply", "websocket/podstatus"]);
  stop.abort();
});

test("a reply to a peer that never answers pings is deleted after two keepalive periods", async () => {
  const { clock, store, reporter, closes, stop } = await setUp({ answersPings: false });
  store.outbox.append("reply", JSON.stringify({ route: { resource: "reply" } }));
  reporter.outboxChanged();
  await clock.pass(29_000);
  assert.equal(store.outbox.counts().pending, 1);
  await clock.pass(5_000);
  assert.equal(store.outbox.counts().pending, 0);
  await clock.pass(120_000);
  assert.deepEqual(closes, []);
  stop.abort();
});

test("a deleted pod is reported until a report with its end was confirmed", async () => {
  const { clock, store, center, reporter, stop } = await setUp();
  center.autoPong(false);
  const terminating = store.terminatingPods.put({ ...terminatingPod("deleted"), seq: 0, isTerminated: true });
  store.statuses.put(terminating.id, { phase: "Succeeded" });
  reporter.statusChanged();
  await clock.pass(1_000);
  assert.equal(store.terminatingPods.list().length, 1);
  const last =
    center
      .received()
      .filter((text) => resourceOf(text) === "websocket/podstatus")
      .at(-1) ?? "";
  const [entry] = (JSON.parse(last) as { content: { metadata: Record<string, unknown>; status: unknown }[] }).content;
  assert.ok(entry?.metadata.deletionTimestamp !== undefined);
  assert.deepEqual(entry.status, { phase: "Succeeded" });
  center.pong(center.pings().at(-1) ?? "");
  await clock.pass(100);
  assert.equal(store.terminatingPods.list().length, 0);
  assert.equal(store.statuses.get(terminating.id.uid), null);
  stop.abort();
});

test("unacknowledged messages are limited in bytes and number until a pong arrives", async () => {
  const { clock, store, center, reporter, stop } = await setUp();
  center.autoPong(false);
  const add = (many: number) => {
    for (let n = 0; n < many; n += 1)
      store.outbox.append("reply", JSON.stringify({ route: { resource: `reply/${n}` } }));
    reporter.outboxChanged();
  };
  const sent = () => center.take().filter((text) => resourceOf(text).startsWith("reply/")).length;
  add(3_000);
  await clock.pass(3_000);
  const bytes = sent() * '{"route":{"resource":"reply/000"}}'.length;
  assert.ok(bytes > 7_000 && bytes < 10_000, `${bytes} bytes before anything is known of the line`);
  center.autoPong(true);
  center.pong(center.pings().at(-1) ?? "");
  await clock.pass(5_000);
  assert.equal(store.outbox.counts().pending, 0);
  center.take();
  center.autoPong(false);
  add(3_000);
  await clock.pass(3_000);
  assert.equal(sent(), 1_024);
  center.autoPong(true);
  center.pong(center.pings().at(-1) ?? "");
  await clock.pass(5_000);
  assert.equal(sent(), 3_000 - 1_024);
  assert.equal(store.outbox.counts().pending, 0);
  stop.abort();
});

test("pings follow the status and lie within the window, so that a short connection confirms its messages", async () => {
  const { clock, store, center, connect, stop } = await setUp();
  for (let n = 0; n < 8; n += 1)
    store.outbox.append("reply", JSON.stringify({ route: { resource: `reply/${n}` }, pad: "x".repeat(1_000) }));
  const before = center.pings().length;
  center.autoPong(false);
  center.cut();
  await clock.pass(10);
  await connect();
  assert.deepEqual(center.pings().slice(before), ["1", "3", "5", "7", "9"]);
  center.pong("5");
  await clock.pass(10);
  center.cut();
  await clock.pass(10);
  assert.deepEqual(
    store.outbox.list(0, 10).map(({ text }) => resourceOf(text)),
    ["reply/4", "reply/5", "reply/6", "reply/7"],
  );
  stop.abort();
});

test("the send window doubles once per window of pongs", async () => {
  const { clock, store, center, connect, stop } = await setUp();
  for (let n = 0; n < 200; n += 1)
    store.outbox.append("reply", JSON.stringify({ route: { resource: `reply/${n}` }, pad: "x".repeat(1_000) }));
  center.autoPong(false);
  center.cut();
  await clock.pass(10);
  await connect();
  center.take();
  // All five pings of the first 8 KiB are answered, one after the other.
  for (const payload of center.pings().slice(-5)) center.pong(payload);
  await clock.pass(10);
  const bytes = center.take().reduce((sum, text) => sum + text.length, 0);
  assert.ok(bytes > 15_000 && bytes < 20_000, `${bytes} bytes, twice of what was under way`);
  stop.abort();
});

const events = (texts: readonly string[]): readonly string[] =>
  texts
    .map((text) => JSON.parse(text) as { route: { resource: string }; content: { events: { message: string }[] } })
    .filter(({ route }) => route.resource === "websocket/podhistory")
    .flatMap(({ content }) => content.events.map(({ message }) => message));

test("the event history is sent once and in order after the status, over any number of lost connections", async () => {
  const { clock, store, center, connect, stop } = await setUp();
  const expected = Array.from({ length: 500 }, (_, n) => `${n}:${"x".repeat(1_500)}`);
  for (const message of expected) {
    const at = { wall: clock.wall(), mono: clock.mono(), bootId: clock.bootId() };
    store.events.append({ type: "Normal", pod: "websocket/a", container: "app", reason: "Started", message }, at);
  }
  await clock.pass(60_000);
  assert.deepEqual(events(center.take()), [], "nobody has asked");
  center.askHistory(true);
  center.delay(4);
  for (let cut = 0; cut < 5; cut += 1) {
    // On one of them nothing is confirmed: what has arrived comes again.
    center.autoPong(cut !== 2);
    center.cut();
    await clock.pass(20);
    await connect();
    await clock.pass(cut);
  }
  await clock.pass(30_000);
  const arrived = center.take();
  assert.equal(resourceOf(arrived[0] ?? ""), "websocket/podstatus");
  // As the center does: a message that came before is the same by its id.
  const once = new Map(
    arrived.map((text) => [(JSON.parse(text) as { header: { msg_id: string } }).header.msg_id, text]),
  );
  assert.ok(events([...once.values()]).length < events(arrived).length, "one came twice");
  assert.deepEqual(events([...once.values()]), expected);
  assert.equal(store.outbox.counts().pending, 0);
  stop.abort();
});

test("new events are sent within seconds, and an idle device does not write", async () => {
  const { clock, store, center, connect, stop } = await setUp();
  center.askHistory(true);
  center.cut();
  await clock.pass(20);
  await connect();
  const at = { wall: clock.wall(), mono: clock.mono(), bootId: clock.bootId() };
  store.events.append({ type: "Normal", pod: "websocket/a", container: "app", reason: "Started", message: "now" }, at);
  await clock.pass(7_000);
  assert.deepEqual(events(center.take()), ["now"]);
  const writes = store.writes();
  await clock.pass(600_000);
  assert.equal(store.writes(), writes);
  stop.abort();
});

test("a peer that did not read gets one report afterwards, not every missed one", async () => {
  const { clock, store, center, reporter, reports, stop } = await setUp({ answersPings: false });
  reports();
  store.statuses.put(terminatingPod("deleted").id, { phase: "Running", note: "x".repeat(200_000) });
  store.terminatingPods.put({ ...terminatingPod("deleted"), seq: 0 });
  center.stall("toCenter");
  for (let n = 0; n < 200; n += 1) {
    reporter.statusChanged();
    await clock.pass(300);
  }
  center.stall("no");
  await clock.pass(100);
  const late = reports();
  assert.ok(late >= 1 && late <= 8, `${late} reports`);
  await clock.pass(1_000);
  assert.ok(reports() >= 1, "the newest follows");
  stop.abort();
});

test("the podstatus uses the configured dialect", async () => {
  const wait = { waiting: { reason: "CreateContainerError", message: "no such device" } };
  const container = { name: "c", state: wait, lastState: {}, ready: false, started: false, restartCount: 0 };
  const base = { phase: "Pending", conditions: [], startTime: "2026-01-01T00:00:00Z", qosClass: "BestEffort" } as const;
  const status = { ...base, containerStatuses: [{ ...container, image: "i", imageID: "" }] };
  for (const [statusDialect, phase] of [
    ["kubernetes", "Pending"],
    ["fusion-director", "Failed"],
  ] as const) {
    const { clock, store, center, reporter, stop } = await setUp({ statusDialect });
    center.take();
    const desired = desiredPod();
    store.desiredPods.put(desired);
    const phaseSaid = async (): Promise<string | undefined> => {
      reporter.statusChanged();
      await clock.pass(50);
      const said = center.take().map((text) => JSON.parse(text).content as { status: { phase?: string } }[]);
      return said.at(-1)?.[0]?.status.phase;
    };
    assert.equal(await phaseSaid(), undefined, "no status was worked out yet");
    store.statuses.put(desired.pod.id, status);
    assert.equal(await phaseSaid(), phase);
    stop.abort();
  }
});
