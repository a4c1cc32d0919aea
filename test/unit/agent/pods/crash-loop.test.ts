import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Store } from "../../../../src/ports/store.ts";
import { openStore } from "../../../../src/sqlite/store.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { countedStore } from "../../../fakes/counted-store.ts";
import { fakeDevice } from "../../../fakes/device.ts";
import { fakeEngine } from "../../../fakes/engine.ts";
import { fakeLink } from "../../../fakes/link.ts";
import { seededRandom } from "../../../fakes/random.ts";
import { podUpdate, testImage } from "../../../samples/messages.ts";
import { startProcess } from "../../../simulation/world/device-process.ts";

const uid = "aaaaaaaa-0000-4000-8000-000000000001";

/** A pod crashes on without a center, in its longest back-off; gives what is counted in an hour and its restarts. */
async function anHourOfCrashes(t: TestContext, store: Store, count: () => number) {
  const clock = virtualClock();
  const random = seededRandom(1);
  const { engine, host } = fakeEngine({ clock, random, liveRestore: true });
  host.addImage(testImage, { id: "sha256:test", user: "", architecture: "amd64", volumes: [] });
  host.behave(() => ({ exit: { code: 1, afterMs: 5_000 } }));
  const { link, center } = fakeLink(clock);
  const device = startProcess({ clock, random, engine, link, device: fakeDevice() }, store);
  t.after(() => device.kill());
  await clock.pass(1_000);
  center.deliver(podUpdate({ name: "crash", uid, msgId: uid }));
  await clock.pass(1_000);
  center.answerDials({ code: "unreachable", message: "connect ENETUNREACH" });
  center.cut();
  await clock.pass(1_800_000);
  const attempts = (): number => store.histories.get(uid)["app"]?.attempt ?? 0;
  const before = { attempts: attempts(), counted: count() };
  await clock.pass(3_600_000);
  return { restarts: attempts() - before.attempts, counted: count() - before.counted };
}

test("a restart costs five commits: end, image lookup, create, start, running", async (t) => {
  const { store, commits } = countedStore();
  const { restarts, counted } = await anHourOfCrashes(t, store, commits);
  assert.ok(restarts >= 10, `${restarts} restarts`);
  t.diagnostic(`${counted} commits, ${restarts} restarts`);
  assert.ok(counted <= 5 * restarts + 5, `${counted} commits for ${restarts} restarts`);
});

test("a restart writes a few pages, because each row keeps its place", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "edge-crash-loop-"));
  const opened = openStore({ dir });
  assert.ok(opened.ok);
  t.after(() => {
    opened.store.close();
    rmSync(dir, { recursive: true });
  });
  // Too little for a checkpoint, so the log only grows.
  const logBytes = (): number => statSync(join(dir, "store.db-wal")).size;
  const { restarts, counted } = await anHourOfCrashes(t, opened.store, logBytes);
  assert.ok(restarts >= 10, `${restarts} restarts`);
  t.diagnostic(`${Math.round(counted / restarts)} bytes a restart`);
  assert.ok(counted > 0 && counted / restarts < 40_000, `${counted} bytes for ${restarts} restarts`);
});
