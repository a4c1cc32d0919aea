import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import type { Finding } from "../../src/core/doctor/examine.ts";
import { createSite } from "./harness.ts";

describe("edge doctor on a device with a real engine", () => {
  const site = createSite(sharedEngine(), { tls: true });
  after(() => site.close());

  const findings = async (): Promise<{ readonly code: number; readonly checks: readonly Finding[] }> => {
    const { code, stdout } = await site.run("doctor", "--json");
    return { code, checks: (JSON.parse(stdout) as { readonly checks: readonly Finding[] }).checks };
  };
  const of = (checks: readonly Finding[], name: string) => checks.filter(({ check }) => check === name);

  test("checks engine, certificates, center and clock without disturbing a running agent", async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
    const since = await site.eventually("its status says so", async () => {
      const { center } = (await site.status()).document;
      return center.state === "online" ? center.since : undefined;
    });
    const { code, checks } = await findings();
    assert.deepEqual(
      checks.filter(({ state }) => state === "failure"),
      [],
    );
    assert.equal(code, 0);
    assert.match(of(checks, "engine")[0]?.message ?? "", /^Docker \S+, API 1\.\d+$/);
    assert.ok(of(checks, "engine").some(({ message }) => /live-restore is off/.test(message)));
    assert.equal(of(checks, "certificates").length, 2, "the device's own and the authority");
    assert.match(of(checks, "center")[0]?.message ?? "", /^127\.0\.0\.1:\d+ answers$/);
    assert.match(of(checks, "clock")[0]?.message ?? "", /, like the center's$/);
    const { center } = (await site.status()).document;
    assert.deepEqual([center.state, center.since], ["online", since], "the agent has kept its link");
  });

  test("reports the engine without agent and center", async () => {
    await site.endAgent("SIGTERM");
    await site.killCenter();
    const { code, checks } = await findings();
    assert.equal(code, 1);
    assert.deepEqual(
      checks.filter(({ state }) => state === "failure").map(({ check }) => check),
      ["agent", "center"],
    );
  });
});
