import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../../../src/sqlite/store.ts";
import { reporterOn, resourceOf } from "./reporter-site.ts";

test("10,000 waiting messages arrive in order, and a fresh status passes them within a second", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "edge-backlog-"));
  const opened = openStore({ dir });
  assert.ok(opened.ok);
  t.after(() => {
    opened.store.close();
    rmSync(dir, { recursive: true });
  });
  const { clock, store, center, reporter, stop } = await reporterOn(opened.store);
  center.take();
  center.delay(20);
  store.transaction("normal", () => {
    for (let n = 0; n < 10_000; n += 1) {
      store.outbox.append("record", JSON.stringify({ route: { resource: `record/${n}` }, pad: "x".repeat(300) }));
    }
  });
  reporter.outboxChanged();
  const waits: number[] = [];
  const seen: string[] = [];
  while (store.outbox.counts().pending > 0 && seen.length < 20_000) {
    const changedAt = clock.mono();
    reporter.statusChanged();
    let arrived: readonly string[] = [];
    while (!arrived.some((text) => resourceOf(text) === "websocket/podstatus")) {
      await clock.pass(10);
      arrived = center.take();
      seen.push(...arrived);
    }
    waits.push(clock.mono() - changedAt);
    await clock.pass(200);
    seen.push(...center.take());
  }
  assert.ok(Math.max(...waits) <= 1_000, `${Math.max(...waits)} ms`);
  assert.ok(waits.length >= 3, "the status passed a backlog");
  assert.deepEqual(
    seen.map(resourceOf).filter((resource) => resource.startsWith("record/")),
    Array.from({ length: 10_000 }, (_, n) => `record/${n}`),
  );
  stop.abort();
});
