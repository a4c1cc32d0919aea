import assert from "node:assert/strict";
import { test } from "node:test";
import { createEventRecorder } from "../../../../src/agent/event-recorder.ts";
import { type ConnectionState, runUplink } from "../../../../src/agent/uplink/uplink.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { fakeLink } from "../../../fakes/link.ts";
import { seededRandom } from "../../../fakes/random.ts";
import { memoryStore } from "../../../fakes/store.ts";

const centerUrl = "wss://center.test/";

/** The uplink on a center that the test holds; what it hands to the intake and the reporter is written down. */
function setUp({ store = memoryStore(), fullAt = Number.POSITIVE_INFINITY } = {}) {
  const clock = virtualClock();
  const { link, center } = fakeLink(clock);
  const stop = new AbortController();
  const states: ConnectionState[] = [];
  const attached: { answersPings: boolean; connection: { ping(payload: string): void } }[] = [];
  const received: string[] = [];
  const stalls = { nextFlushMs: 0 };
  let waiting = 0;
  let stallMs = 0;
  let detached = 0;
  const nothing = () => {};
  const intake = {
    receive(text: string) {
      received.push(text);
      waiting += 1;
      // What is slept next is the way to the commit.
      if (waiting === 1) stallMs = stalls.nextFlushMs;
    },
    full: () => waiting >= fullAt,
    flush() {
      waiting = 0;
      stalls.nextFlushMs = 0;
    },
  };
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    const more = stallMs;
    stallMs = 0;
    return clock.sleep(ms + more, signal);
  };
  const reporter = {
    statusChanged: nothing,
    outboxChanged: nothing,
    sendNow: nothing,
    pong: nothing,
    run: async () => {},
    attach: (connection: (typeof attached)[0]["connection"], { answersPings }: { answersPings: boolean }) => {
      attached.push({ connection, answersPings });
    },
    detach: () => {
      detached += 1;
    },
  };
  const log = { write: nothing };
  const parts = {
    link,
    clock: { ...clock, sleep },
    random: seededRandom(1),
    log,
    store,
    intake,
    reporter,
    events: createEventRecorder({ store, clock, log }),
    settings: { keepaliveMs: 15_000, centerUrl },
    onConnectionStateChanged: (state: ConnectionState) => states.push(state),
  };
  const ended = runUplink(parts, stop.signal);
  const last = () => states.at(-1);
  return { clock, center, store, stop, ended, states, last, attached, received, stalls, detached: () => detached };
}

test("the uplink reports its link as connecting, online, and offline since the loss", async () => {
  const { clock, center, states, last, stop, ended } = setUp();
  await clock.pass(100);
  assert.deepEqual(
    states.map(({ state }) => state),
    ["connecting", "online"],
  );
  const lostAt = clock.wall();
  center.answerDials({ code: "unreachable", message: "No route" });
  center.cut();
  await clock.pass(300_000);
  assert.deepEqual([last()?.state, last()?.lastError], ["offline", "No route"]);
  assert.ok((last()?.since ?? 0) - lostAt < 1_000, "trying again is no new beginning");
  center.answerDials("open");
  await clock.pass(61_000);
  assert.deepEqual([last()?.state, last()?.lastError], ["online", null]);
  stop.abort();
  await clock.pass(5_000);
  await ended;
  assert.equal(center.connected(), false);
});

test("a dial that the center does not answer ends at its deadline and is repeated", async () => {
  const { clock, center, last, stop, ended } = setUp();
  await clock.pass(100);
  center.answerDials("hang");
  center.cut();
  await clock.pass(90_000);
  assert.ok(center.dials() >= 3, `${center.dials()} dials`);
  assert.match(last()?.lastError ?? "", /No connection within 20 s/);
  stop.abort();
  await clock.pass(10);
  await ended;
});

test("a silent peer that answered pings is disconnected, also after a restart of the agent", async () => {
  const { clock, center, store, attached, stop, ended } = setUp();
  await clock.pass(100);
  assert.equal(attached[0]?.answersPings, false);
  attached[0]?.connection.ping("1");
  await clock.pass(100);
  center.autoPong(false);
  await clock.pass(29_000);
  assert.equal(center.dials(), 1);
  await clock.pass(10_000);
  assert.equal(center.dials(), 2);
  assert.equal(attached[1]?.answersPings, true);
  stop.abort();
  await clock.pass(5_000);
  await ended;

  const again = setUp({ store });
  await again.clock.pass(100);
  assert.equal(again.attached[0]?.answersPings, true);
  again.stop.abort();
  await again.clock.pass(5_000);
  await again.ended;
});

test("changed certificate files open a new connection before the old one is closed", async () => {
  const { clock, center, last, attached, detached, stop, ended } = setUp();
  await clock.pass(100);
  center.answerDials({ code: "tls", message: "The center's certificate has expired" });
  center.files({ version: "2" });
  await clock.pass(10_000);
  assert.equal(center.dials(), 2);
  assert.equal(last()?.state, "online");
  assert.match(last()?.lastError ?? "", /connection stays as it is: The center's certificate has expired/);
  center.answerDials("open");
  center.files({ version: "3" });
  await clock.pass(10_000);
  assert.deepEqual([center.dials(), attached.length, detached()], [3, 2, 0]);
  assert.deepEqual([last()?.state, last()?.lastError], ["online", null]);
  assert.equal(center.connected(), true);
  stop.abort();
  await clock.pass(5_000);
  await ended;
});

test("each lost link is counted in an event, and a repeated dial failure is reported once", async () => {
  const { clock, center, store, stop, ended } = setUp();
  await clock.pass(100);
  for (let n = 0; n < 3; n += 1) {
    center.cut(1011, "Out of memory");
    await clock.pass(61_000);
  }
  center.answerDials({ code: "unreachable", message: "No route" });
  center.cut();
  await clock.pass(3_600_000);
  assert.ok(center.dials() > 30, `${center.dials()} dials`);
  center.answerDials({ code: "tls", message: "The center's certificate has expired" });
  await clock.pass(3_600_000);
  stop.abort();
  await clock.pass(5_000);
  await ended;
  const events = store.events.list({ limit: 100 });
  assert.deepEqual(
    events.map(({ pod, reason, message, count }) => [pod, reason, message, count]),
    [
      ["", "LinkLost", "The center closed the connection with code 1011: Out of memory", 3],
      ["", "LinkUp", "Connected to the center", 4],
      ["", "LinkLost", "Connection to the center lost without a close message", 1],
      ["", "LinkFailed", "No route", 1],
      ["", "LinkFailed", "The center's certificate has expired", 1],
    ],
  );
});

test("reading pauses until waiting messages are committed, and a commit of one minute does not close the link", async () => {
  const { clock, center, received, attached, stalls, stop, ended } = setUp({ fullAt: 3 });
  await clock.pass(100);
  attached[0]?.connection.ping("1");
  await clock.pass(100);
  stalls.nextFlushMs = 60_000;
  for (let n = 0; n < 20; n += 1) center.deliver(String(n));
  await clock.pass(59_000);
  assert.deepEqual(received, ["0", "1", "2"], "the rest waits in the line");
  await clock.pass(2_000);
  assert.equal(center.dials(), 1);
  assert.deepEqual(
    received,
    Array.from({ length: 20 }, (_, n) => String(n)),
  );
  stop.abort();
  await clock.pass(5_000);
  await ended;
});

test("reading pauses while the center does not read its replies", async () => {
  const { clock, center, received, attached, stop, ended } = setUp();
  await clock.pass(100);
  const [{ connection } = assert.fail("no connection")] = attached;
  center.stall("toCenter");
  (connection as unknown as { send(text: string): void }).send("x".repeat(2 * 1024 * 1024));
  for (let n = 0; n < 3; n += 1) {
    center.deliver(String(n));
    await clock.pass(1_000);
  }
  assert.deepEqual(received, ["0"], "the rest waits in the line");
  center.stall("no");
  await clock.pass(2_000);
  assert.deepEqual(received, ["0", "1", "2"]);
  stop.abort();
  await clock.pass(5_000);
  await ended;
});

test("a certificate near its end causes one event per stage", async () => {
  const store = memoryStore();
  const dayMs = 86_400_000;
  const ends = 1_700_000_000_000 + 31 * dayMs;
  const watch = async (untilDay: number): Promise<readonly string[]> => {
    const { clock, center, stop, ended } = setUp({ store });
    center.files({ certificates: [{ file: "cert.pem", notBefore: 0, notAfter: ends }] });
    clock.jump(untilDay * dayMs);
    await clock.pass(20_000);
    stop.abort();
    await clock.pass(5_000);
    await ended;
    const told = store.events.list({ limit: 100 }).filter(({ reason }) => reason === "CertificateExpires");
    return told
      .map(({ message }) => /expire[sd] ?(in \d+ days?|within a day)?/.exec(message)?.[0].trim() ?? "")
      .toReversed();
  };
  assert.deepEqual(await watch(0), []);
  assert.deepEqual(await watch(2), ["expires in 28 days"]);
  assert.deepEqual(await watch(5), ["expires in 28 days"]);
  assert.equal((await watch(18)).length, 2);
  assert.equal((await watch(25)).length, 3);
  assert.equal((await watch(30)).length, 4);
  const all = await watch(32);
  assert.deepEqual([all.length, all.toSorted().includes("expired")], [5, true]);
});
