import assert from "node:assert/strict";
import { test } from "node:test";
import { createReporter } from "../../../src/agent/reporter.ts";
import type { LinkHandlers } from "../../../src/ports/link.ts";
import { virtualClock } from "../../fakes/clock.ts";
import { fakeLink } from "../../fakes/link.ts";
import { seededRandom } from "../../fakes/random.ts";
import { memoryStore } from "../../fakes/store.ts";
import { leavingPod } from "../../samples/pods.ts";

const resourceOf = (text: string): string => (JSON.parse(text) as { route: { resource: string } }).route.resource;

/** A reporter on a link whose other end the test holds. */
async function setUp({ answersPings = true } = {}) {
  const clock = virtualClock();
  const store = memoryStore();
  const { link, center } = fakeLink(clock);
  center.autoPong(answersPings);
  const reporter = createReporter({
    store,
    clock,
    random: seededRandom(1),
    statusPeriodMs: 30_000,
    keepaliveMs: 15_000,
    released: () => {},
  });
  const stop = new AbortController();
  const closes: number[] = [];
  void reporter.run(stop.signal);
  async function connect(): Promise<void> {
    const handlers: LinkHandlers = {
      message: () => {},
      pong: reporter.pong,
      closed: ({ code }) => {
        closes.push(code);
        reporter.detach();
      },
    };
    const dial = link.dial(handlers, new AbortController().signal);
    await clock.pass(5);
    const result = await dial;
    assert.ok(result.ok);
    reporter.attach(result.connection);
    await clock.pass(50);
  }
  await connect();
  const reports = () => center.take().filter((text) => resourceOf(text) === "websocket/podstatus").length;
  return { clock, store, center, reporter, connect, closes, reports, stop };
}

test("the array goes out on connect, then every 30 s", async () => {
  const { clock, reports, stop } = await setUp();
  assert.equal(reports(), 1);
  await clock.pass(29_000);
  assert.equal(reports(), 0);
  await clock.pass(61_000);
  assert.equal(reports(), 3);
  stop.abort();
});

test("a change goes out at once, many at most four times a second", async () => {
  const { clock, reporter, reports, stop } = await setUp();
  reports();
  await clock.pass(5_000);
  reporter.changed();
  await clock.pass(20);
  assert.equal(reports(), 1);
  const times: number[] = [];
  for (let n = 0; n < 300; n += 1) {
    reporter.changed();
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

test("a reply stays until a pong shows that it has arrived, and goes out again on the next connection", async () => {
  const { clock, store, center, reporter, connect, stop } = await setUp();
  center.autoPong(false);
  const text = JSON.stringify({ route: { resource: "reply" } });
  store.appendOutbox("reply", text);
  reporter.stored();
  await clock.pass(100);
  assert.equal(center.received().filter((one) => one === text).length, 1);
  assert.equal(store.outboxCounts().pending, 1);
  center.cut();
  await clock.pass(100);
  center.autoPong(true);
  await connect();
  await clock.pass(100);
  assert.equal(center.received().filter((one) => one === text).length, 2);
  assert.equal(store.outboxCounts().pending, 0);
  stop.abort();
});

test("a peer that never answers pings: released after two keepalive periods, and not hung up on", async () => {
  const { clock, store, reporter, closes, stop } = await setUp({ answersPings: false });
  store.appendOutbox("reply", JSON.stringify({ route: { resource: "reply" } }));
  reporter.stored();
  await clock.pass(29_000);
  assert.equal(store.outboxCounts().pending, 1);
  await clock.pass(5_000);
  assert.equal(store.outboxCounts().pending, 0);
  await clock.pass(120_000);
  assert.deepEqual(closes, []);
  stop.abort();
});

test("a peer that did answer and has stopped is hung up on", async () => {
  const { clock, center, closes, stop } = await setUp();
  await clock.pass(20_000);
  center.autoPong(false);
  await clock.pass(60_000);
  assert.equal(closes.length, 1);
  stop.abort();
});

test("a pod that is gone is reported until a report with its end has arrived", async () => {
  const { clock, store, center, reporter, stop } = await setUp();
  center.autoPong(false);
  const leaving = store.putLeavingPod({ ...leavingPod("deleted"), seq: 0, gone: true });
  store.putStatus(leaving.id, { phase: "Succeeded" });
  reporter.changed();
  await clock.pass(1_000);
  assert.equal(store.leavingPods().length, 1);
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
  assert.equal(store.leavingPods().length, 0);
  assert.equal(store.status(leaving.id.uid), null);
  stop.abort();
});

test("what waits for a pong is bounded, and the rest follows when it has come", async () => {
  const { clock, store, center, reporter, stop } = await setUp();
  center.autoPong(false);
  for (let n = 0; n < 1_500; n += 1) store.appendOutbox("reply", JSON.stringify({ route: { resource: `reply/${n}` } }));
  reporter.stored();
  await clock.pass(3_000);
  const sent = () => center.received().filter((text) => resourceOf(text).startsWith("reply/")).length;
  assert.ok(sent() >= 1_024 && sent() < 1_200, `${sent()} sent`);
  center.autoPong(true);
  center.pong(center.pings().at(-1) ?? "");
  await clock.pass(5_000);
  assert.equal(sent(), 1_500);
  assert.equal(store.outboxCounts().pending, 0);
  stop.abort();
});
