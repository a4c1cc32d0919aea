import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import SqliteDatabase, { type Statement } from "better-sqlite3";
import { defaultPolicy } from "../../../src/core/admission/policy.ts";
import type { Store } from "../../../src/ports/store.ts";
import { openStore } from "../../../src/sqlite/store.ts";
import { virtualClock } from "../../fakes/clock.ts";
import { countedStore } from "../../fakes/counted-store.ts";
import { fakeDevice } from "../../fakes/device.ts";
import { fakeEngine } from "../../fakes/engine.ts";
import type { FakeEngineHost } from "../../fakes/engine-controls.ts";
import { fakeLink } from "../../fakes/link.ts";
import { seededRandom } from "../../fakes/random.ts";
import { podRestart, podUpdate, testImage } from "../../samples/messages.ts";
import { startProcess } from "../../simulation/world/device-process.ts";

const id = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const image = { user: "", architecture: "amd64", volumes: [] } as const;
const policy = { ...defaultPolicy, maxContainerNumber: 120 };
const secondImage = "edge.test/busybox:second";

interface Device {
  /** Ends the agent and starts it again on the same store. */
  restart(): void;
  readonly engine: FakeEngineHost;
  readonly center: ReturnType<typeof fakeLink>["center"];
  pass(ms: number): Promise<void>;
}

/** What happens to a device, and how long it takes at most. */
interface Happening {
  readonly pods: number;
  readonly ms: number;
  happen(device: Device): void;
}

const update = (n: number, image: string, version = n): string =>
  podUpdate({
    name: `pod-${n}`,
    uid: id(n),
    msgId: id(1000 + version),
    resourceVersion: String(version),
    container: { image, resources: { requests: { cpu: "10m", memory: "8Mi" }, limits: { cpu: "20m", memory: "8Mi" } } },
  });

const happenings: Readonly<Record<string, Happening>> = {
  "a new pod": { pods: 0, ms: 10_000, happen: ({ center }) => void center.deliver(update(1, testImage)) },
  "20 new pods at once": { pods: 0, ms: 20_000, happen: ({ center }) => deliverMany(center, 20) },
  "120 new pods at once": { pods: 0, ms: 25_000, happen: ({ center }) => deliverMany(center, 120) },
  "an update": { pods: 1, ms: 45_000, happen: ({ center }) => void center.deliver(update(1, secondImage, 5_000)) },
  "a restart that the center asks for": {
    pods: 1,
    ms: 45_000,
    happen: ({ center }) => void center.deliver(podRestart({ name: "pod-1", msgId: id(7_000) })),
  },
  "a container that ends": { pods: 1, ms: 10_000, happen: ({ engine }) => endAll(engine) },
  "a restart of the agent with 100 pods": { pods: 100, ms: 20_000, happen: ({ restart }) => restart() },
  "a quiet minute with 1 pod": { pods: 1, ms: 60_000, happen: () => {} },
  "a quiet minute with 100 pods": { pods: 100, ms: 60_000, happen: () => {} },
};

function deliverMany(center: Device["center"], count: number): void {
  for (let n = 1; n <= count; n += 1) center.deliver(update(n, testImage));
}

function endAll(engine: FakeEngineHost): void {
  for (const { id } of engine.running()) engine.kill(id, 1);
}

async function device(t: TestContext, store: Store, pods: number): Promise<Device> {
  const clock = virtualClock();
  const random = seededRandom(1);
  const { engine, host } = fakeEngine({ clock, random, liveRestore: true });
  host.addImage(testImage, { id: "sha256:test", ...image });
  host.addImage(secondImage, { id: "sha256:second", ...image });
  const { link, center } = fakeLink(clock);
  const start = () => startProcess({ clock, random, engine, link, device: fakeDevice(), policy }, store);
  let process = start();
  t.after(() => process.kill());
  await clock.pass(3_000);
  for (let n = 1; n <= pods; n += 1) {
    center.deliver(update(n, testImage));
    await clock.pass(500);
  }
  await clock.pass(120_000);
  assert.equal(host.running().length, pods);
  const restart = (): void => {
    process.kill();
    process = start();
  };
  return { engine: host, center, restart, pass: (ms) => clock.pass(ms) };
}

/** What a happening costs, counted by `count` in its store. */
async function cost<Counts extends Readonly<Record<string, number>>>(
  t: TestContext,
  { pods, ms, happen }: Happening,
  store: Store,
  count: () => Counts,
) {
  const here = await device(t, store, pods);
  const before = count();
  const callsBefore = here.engine.calls().length;
  happen(here);
  await here.pass(ms);
  const after = count();
  const counted = Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - Number(before[name])]),
  ) as Counts;
  return { counted, calls: here.engine.calls().slice(callsBefore) };
}

/** `list 2, inspect 1`, in the order of their first calls. */
function byOperation(calls: readonly { readonly operation: string }[]): string {
  const counts = new Map<string, number>();
  for (const { operation } of calls) counts.set(operation, (counts.get(operation) ?? 0) + 1);
  return [...counts].map(([operation, count]) => `${operation} ${count}`).join(", ");
}

/** The same on a store of SQLite: pages that its log grew by, and statements that were run, and rows that they read. */
async function onSqlite(t: TestContext, happening: Happening) {
  const dir = mkdtempSync(join(tmpdir(), "edge-costs-"));
  const opened = openStore({ dir });
  assert.ok(opened.ok);
  t.after(() => {
    opened.store.close();
    rmSync(dir, { recursive: true });
  });
  const log = join(dir, "store.db-wal");
  const pageBytes = 4096 + 24;
  const read = countedStatements(t);
  const { counted } = await cost(t, happening, opened.store, () => ({
    pages: Math.floor(statSync(log).size / pageBytes),
    ...read(),
  }));
  return counted;
}

/** What every database of this process has done. */
function countedStatements(t: TestContext): () => { readonly statements: number; readonly rows: number } {
  const db = new SqliteDatabase(":memory:");
  const prototype: Statement = Object.getPrototypeOf(db.prepare("SELECT 1"));
  db.close();
  let statements = 0;
  let rows = 0;
  for (const name of ["get", "all", "run"] as const) {
    const run = prototype[name];
    t.mock.method(prototype, name, function (this: Statement, ...values: unknown[]) {
      const result: unknown = run.apply(this, values);
      statements += 1;
      if (name === "all") rows += Array.isArray(result) ? result.length : 0;
      else if (name === "get" && result !== undefined) rows += 1;
      return result;
    });
  }
  return () => ({ statements, rows });
}

interface Cost {
  readonly calls: string;
  /** Rows that were written, and in how many commits. */
  readonly writes: number;
  readonly commits: number;
  /** Statements of SQLite, reads and transactions too. */
  readonly statements: number;
  /** That the statements have read: as many more for as many more pods, and not for each pod those of all. */
  readonly rows: number;
  /** Of SQLite's log, at most: how many a row needs changes with the length of its words. Absent where the log may begin anew. */
  readonly pages?: number;
}

const costs: Readonly<Record<keyof typeof happenings, Cost>> = {
  "a new pod": {
    calls: "list 1, image 1, create 1, start 1, inspect 1, ping 3",
    writes: 16,
    commits: 6,
    statements: 112,
    rows: 23,
    pages: 11,
  },
  "20 new pods at once": {
    calls: "list 1, image 1, create 20, start 20, inspect 20, ping 5",
    writes: 305,
    commits: 86,
    statements: 1714,
    rows: 651,
    pages: 210,
  },
  "120 new pods at once": {
    calls: "list 2, image 1, create 120, start 120, inspect 120, ping 6",
    writes: 1812,
    commits: 494,
    statements: 9990,
    rows: 10036,
  },
  "an update": {
    calls: "list 2, image 2, stop 1, inspect 2, create 1, start 1, ping 12, audit 1",
    writes: 18,
    commits: 7,
    statements: 141,
    rows: 26,
    pages: 11,
  },
  "a restart that the center asks for": {
    calls: "list 2, image 2, stop 1, inspect 2, create 1, start 1, ping 12, audit 1",
    writes: 17,
    commits: 6,
    statements: 134,
    rows: 24,
    pages: 9,
  },
  "a container that ends": {
    calls: "list 1, image 1, create 1, start 1, inspect 1, ping 3",
    writes: 11,
    commits: 4,
    statements: 76,
    rows: 18,
    pages: 6,
  },
  "a restart of the agent with 100 pods": {
    calls: "info 1, watch 1, list 1, image 1, audit 100, ping 4",
    writes: 2,
    commits: 2,
    statements: 731,
    rows: 201,
  },
  "a quiet minute with 1 pod": { calls: "ping 15, list 2", writes: 0, commits: 0, statements: 36, rows: 2, pages: 0 },
  "a quiet minute with 100 pods": {
    calls: "ping 15, list 2, image 2, audit 10",
    writes: 0,
    commits: 0,
    statements: 106,
    rows: 210,
    pages: 0,
  },
};

describe("the engine calls and bytes written for", () => {
  for (const [name, happening] of Object.entries(happenings)) {
    test(name, async (t) => {
      const { store, commits } = countedStore();
      const { counted, calls } = await cost(t, happening, store, () => ({
        writes: store.writes(),
        commits: commits(),
      }));
      const { pages: mostPages, ...exactly } = costs[name] ?? assert.fail();
      const { pages, statements, rows } = await onSqlite(t, happening);
      assert.deepEqual({ calls: byOperation(calls), ...counted, statements, rows }, exactly);
      if (mostPages !== undefined) assert.ok(pages <= mostPages, `${pages} pages`);
    });
  }
});
