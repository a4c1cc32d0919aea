import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { createSite } from "./harness.ts";

const site = createSite(sharedEngine());

const received = () => {
  const all = site.records().map(({ message }) => message);
  return all.filter(({ route }) => route?.resource.startsWith("websocket/nodestatus/"));
};

describe("nodestatus", () => {
  before(async () => {
    await site.startCenter();
    const config = JSON.parse(readFileSync(site.config, "utf8"));
    writeFileSync(site.config, JSON.stringify({ ...config, node: { ...config.node, serialNumber: "SN-77.A" } }));
    await site.startAgent();
    await site.online();
  });
  after(() => site.close());

  const reported = (what: string, is: (status: NonNullable<Awaited<ReturnType<typeof site.nodeStatus>>>) => boolean) =>
    site.eventually(what, async () => {
      const status = await site.nodeStatus();
      return status !== null && is(status) ? status : undefined;
    });

  test("is sent on connect as a Kubernetes Node named by the serial number", async () => {
    const { capacity, allocatable, addresses, content } = await reported("a ready node", (status) =>
      (status.content.status?.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True"),
    );
    assert.deepEqual(Object.keys(capacity), ["cpu", "memory", "pods", "huawei.com/davinci-mini"]);
    assert.deepEqual(Object.keys(allocatable), Object.keys(capacity));
    assert.equal(capacity["pods"], "20");
    assert.ok(Number.parseInt(capacity["cpu"] ?? "", 10) > 0 && totalmem() > 0);
    assert.ok(addresses.some(({ type, address }) => type === "InternalIP" && address === "127.0.0.1"));
    const conditions = content.status?.conditions ?? [];
    const types = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"];
    assert.deepEqual(
      conditions.map(({ type }) => type),
      types,
    );
    for (const { lastHeartbeatTime, lastTransitionTime } of conditions)
      assert.ok(Date.parse(lastHeartbeatTime ?? "") >= Date.parse(lastTransitionTime ?? ""));
    assert.match(content.status?.nodeInfo?.containerRuntimeVersion ?? "", /^docker:\/\/\d+\./);
    const { header, route } = received()[0] ?? assert.fail();
    assert.equal(header["sync"], true);
    assert.deepEqual(route, {
      source: "edged",
      group: "meta",
      operation: "update",
      resource: "websocket/nodestatus/edge-sn-77.a",
    });
    const document = await site.shown("its conditions", ({ node }) => node.conditions.length > 0);
    assert.deepEqual(
      document.node.conditions.map(({ type }) => type),
      types,
    );
  });

  test("is sent again after a change and on the next connection", async () => {
    const config = JSON.parse(readFileSync(site.config, "utf8"));
    const policy = { ...config.policy, maxContainerNumber: 7 };
    writeFileSync(site.config, JSON.stringify({ ...config, policy }));
    process.kill(site.agentPid(), "SIGHUP");
    await reported("room for seven pods", ({ capacity }) => capacity["pods"] === "7");
    const before = received().length;
    await site.killCenter();
    await site.startCenter();
    await reported("the node to a new center", ({ capacity }) => capacity["pods"] === "7");
    assert.ok(received().length > before);
  });
});
