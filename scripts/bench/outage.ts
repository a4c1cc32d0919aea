// `node scripts/bench/outage.ts [--days N]`: what a month without a center costs a device on which 20 pods crash-loop, in
// virtual time, with the real agent on a real SQLite store; and what the first minute after it brings to the center.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Store } from "../../src/ports/store.ts";
import { openStore } from "../../src/sqlite/store.ts";
import { virtualClock } from "../../test/fakes/clock.ts";
import { fakeDevice } from "../../test/fakes/device.ts";
import { fakeEngine } from "../../test/fakes/engine.ts";
import { fakeLink } from "../../test/fakes/link.ts";
import { seededRandom } from "../../test/fakes/random.ts";
import { podUpdate, testImage } from "../../test/samples/messages.ts";
import { startProcess } from "../../test/simulation/world/device-process.ts";
import { table } from "../table.ts";

const podCount = 20;
const crashAfterMs = 5_000;
const dayMs = 86_400_000;

interface Arrived {
  readonly afterMs: number;
  readonly resource: string;
  readonly events: number;
  readonly occurrences: number;
  readonly bytes: number;
}

function setUp(dir: string) {
  const clock = virtualClock();
  const random = seededRandom(1);
  const { engine, host } = fakeEngine({ clock, random, liveRestore: true });
  host.addImage(testImage, { id: "sha256:test", user: "", architecture: "amd64", volumes: [] });
  host.behave(() => ({ exit: { code: 1, afterMs: crashAfterMs } }));
  const { link, center } = fakeLink(clock);
  center.askHistory(true);
  const opened = openStore({ dir });
  if (!opened.ok) throw new Error(opened.error.message);
  const device = startProcess({ clock, random, engine, link, device: fakeDevice() }, opened.store);
  return { clock, center, store: opened.store, device };
}

/** Of this process, since it began: what it gave to write(). SQLite writes nothing past that. */
function bytesWritten(): number {
  return Number(/wchar: (\d+)/.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
}

function bytesOnDisk(dir: string): number {
  return readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
}

function restartsOf(store: Store): number {
  const attempts = store.desiredPods.list().map(({ pod }) => store.histories.get(pod.id.uid)["app"]?.attempt ?? 0);
  return attempts.reduce((sum, attempt) => sum + attempt, 0);
}

function arrivedSince(texts: readonly string[], afterMs: number): readonly Arrived[] {
  return texts.map((text) => {
    const { route, content } = JSON.parse(text) as {
      route: { resource: string };
      content: { events?: readonly { count: number }[] };
    };
    const events = route.resource === "websocket/podhistory" ? (content.events ?? []) : [];
    const occurrences = events.reduce((sum, { count }) => sum + count, 0);
    return { afterMs, resource: route.resource, events: events.length, occurrences, bytes: text.length };
  });
}

const { values } = parseArgs({ options: { days: { type: "string", default: "30" } } });
const days = Number(values.days);
const dir = mkdtempSync(join(tmpdir(), "edge-outage-"));
const { clock, center, store, device } = setUp(dir);
try {
  await clock.pass(1_000);
  for (let n = 0; n < podCount; n += 1) {
    const uid = `aaaaaaaa-0000-4000-8000-${String(n).padStart(12, "0")}`;
    center.deliver(podUpdate({ name: `crash-${n}`, uid, msgId: uid }));
  }
  await clock.pass(600_000);
  center.answerDials({ code: "unreachable", message: "connect ENETUNREACH" });
  center.cut();
  await clock.pass(1_000);
  const began = { wall: Date.now(), written: bytesWritten(), restarts: restartsOf(store) };
  for (let hour = 0; hour < days * 24; hour += 1) {
    await clock.pass(dayMs / 24);
    if (!device.alive()) throw device.failure();
    if (hour % 24 === 23) {
      const spent = ((Date.now() - began.wall) / 1000).toFixed(0);
      console.error(`day ${(hour + 1) / 24}: ${spent} s, ${store.events.counts().rows} rows of events`);
    }
  }
  const written = bytesWritten() - began.written;
  const restarts = restartsOf(store) - began.restarts;
  const { rows, bytes, dropped } = store.events.counts();
  const outbox = store.outbox.counts();
  const disk = bytesOnDisk(dir);
  center.take();
  center.answerDials("open");
  const first: Arrived[] = [];
  let connectedAt: number | null = null;
  while (connectedAt === null || clock.mono() - connectedAt < 60_000) {
    await clock.pass(10);
    if (connectedAt === null && center.connected()) connectedAt = clock.mono();
    if (connectedAt !== null) first.push(...arrivedSince(center.take(), clock.mono() - connectedAt));
  }
  const history = first.filter(({ events }) => events > 0);
  const mib = (value: number): string => `${(value / 1024 ** 2).toFixed(2)} MiB`;
  const backlog = history.filter(({ afterMs }) => afterMs < 5_000);
  console.log(
    table(
      [`${days} days without a center, ${podCount} pods that crash ${crashAfterMs / 1000} s after each start`, ""],
      [
        ["restarts", String(restarts)],
        ["rows and bytes of events; occurrences dropped", `${rows}, ${mib(bytes)}; ${dropped}`],
        ["rows and bytes in the outbox", `${outbox.pending}, ${outbox.bytes}`],
        ["data folder on disk", mib(disk)],
        [
          "given to write()",
          `${mib(written)}, ${mib(written / days)} a day, ${(written / restarts / 1024).toFixed(1)} KiB a restart`,
        ],
        [
          "first podstatus after the connection stands",
          `${first.find(({ resource }) => resource === "websocket/podstatus")?.afterMs} ms`,
        ],
        [
          "history of the outage told by",
          `${backlog.at(-1)?.afterMs} ms, in ${backlog.length} messages, ${mib(backlog.reduce((sum, one) => sum + one.bytes, 0))}`,
        ],
        [
          "rows and occurrences it told",
          `${backlog.reduce((sum, one) => sum + one.events, 0)}, ${backlog.reduce((sum, one) => sum + one.occurrences, 0)}`,
        ],
        [
          "messages and bytes of the first minute",
          `${first.length}, ${mib(first.reduce((sum, one) => sum + one.bytes, 0))}`,
        ],
      ],
    ),
  );
  console.log("\nMeasured with: sh scripts/node.sh node scripts/bench/outage.ts");
} finally {
  device.kill();
  store.close();
  rmSync(dir, { recursive: true });
}
