import assert from "node:assert/strict";
import { chmodSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import SqliteDatabase from "better-sqlite3";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { version } from "../../src/cli/version.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, runs } from "./harness.ts";

const site = createSite(sharedEngine());
const uid = "99999999-0000-4000-8000-000000000031";
const newer = "9.8.7";

/** Puts another version in the place of the program, as an upgrade does: under the same name, at one blow. */
function install(from: string, to: string): void {
  const file = join(site.folder, "edge.mjs");
  const text = readFileSync(file, "utf8");
  const other = text.replaceAll(JSON.stringify(from), JSON.stringify(to));
  assert.notEqual(other, text);
  writeFileSync(`${file}.new`, other);
  chmodSync(`${file}.new`, 0o755);
  renameSync(`${file}.new`, file);
}

async function runningNow(): Promise<readonly unknown[]> {
  return (await site.containers(uid)).map(({ Id, Created, State }) => [Id, Created, State.StartedAt, State.Running]);
}

/** Starts whatever is installed, and waits until it has looked at the pod. */
async function takesOver(expected: string): Promise<void> {
  const reports = site.reports().length;
  await site.startAgent();
  await site.online();
  assert.equal(site.published()?.agent.version, expected);
  // The first report comes from the store; a later one from a look at the engine.
  await site.eventually("reports of the new agent", () => site.reports()[reports + 1]);
  await site.reported(uid, "Running", (entry) => runs(entry, 0));
}

describe("another version of the program", { skip: process.env.EDGE_FROM_SOURCE === "1" }, () => {
  let since = 0;
  let running: readonly unknown[] = [];
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
    const container = { command: ["/bin/sleep", "1000"] };
    assert.equal((await site.ask(podUpdate({ name: "kept", uid, msgId: uid, container }))).content, "OK");
    await site.reported(uid, "Running", (entry) => runs(entry, 0));
    running = await runningNow();
    since = Date.now();
  });
  after(() => site.close());

  test("adopts the running pods without a change at the engine", async () => {
    await site.endAgent("SIGTERM");
    install(version, newer);
    await takesOver(newer);
    assert.deepEqual(await runningNow(), running);
    assert.deepEqual(await site.events(since, Date.now()), []);
  });

  test("adopts them also if it is older, on a database of a newer minor version", async () => {
    await site.endAgent("SIGKILL");
    setVersion(1_007);
    install(newer, version);
    await takesOver(version);
    assert.deepEqual(await runningNow(), running);
    assert.deepEqual(await site.events(since, Date.now()), []);
  });

  test("stops with an error on a database of a newer major version and keeps the pods", async () => {
    await site.endAgent("SIGTERM");
    setVersion(2_000);
    const before = readFileSync(join(site.dataDir, "store.db"));
    const { code, stderr } = await site.run("run");
    assert.equal(code, 1);
    assert.match(stderr, /store\.db: The database has schema 2\.0, this program knows 1\.\d+; nothing was changed/);
    assert.deepEqual(readFileSync(join(site.dataDir, "store.db")), before);
    assert.deepEqual(await runningNow(), running);
  });
});

function setVersion(number: number): void {
  const db = new SqliteDatabase(join(site.dataDir, "store.db"));
  db.pragma(`user_version = ${number}`);
  db.close();
}
