import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { requirePackages } from "../../scripts/packages.ts";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { fakeSystemd } from "../fakes/systemd.ts";
import { createSite } from "./harness.ts";

requirePackages("systemd");
const systemd = await fakeSystemd();
const site = createSite(sharedEngine());

describe("an agent that systemd has started", () => {
  before(async () => {
    process.env.NOTIFY_SOCKET = systemd.socket;
    process.env.WATCHDOG_USEC = "3000000";
    // The link stays down: an agent that is offline is as alive as any.
    await site.startCenter();
    await site.killCenter();
    await site.startAgent();
  });
  after(async () => {
    systemd.close();
    await site.close();
  });

  test("reports ready, then alive every period, also without a center", async () => {
    await site.eventually("three signs of life", () => (systemd.messages().length > 3 ? true : undefined));
    assert.deepEqual(systemd.messages().slice(0, 4), ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
  });

  test("is silent while it is stopped, and continues afterwards", async () => {
    site.freeze("agent");
    // What is on its way may still arrive.
    await setTimeout(3_000);
    const before = systemd.messages().length;
    await setTimeout(4_000);
    assert.equal(systemd.messages().length, before);
    site.thaw("agent");
    await site.eventually("a sign of life", () => (systemd.messages().length > before ? true : undefined));
  });
});
