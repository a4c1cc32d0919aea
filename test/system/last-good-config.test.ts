import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, ids } from "./harness.ts";

const site = createSite(sharedEngine());
const uid = "99999999-0000-4000-8000-000000000021";

describe("a configuration that is broken while the agent is down", () => {
  let good = "";
  let running: readonly string[] = [];
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
    const container = { command: ["/bin/sleep", "1000"] };
    assert.equal((await site.ask(podUpdate({ name: "kept", uid, msgId: uid, container }))).content, "OK");
    await site.reported(uid, "Running", ({ status }) => status.phase === "Running");
    running = ids(await site.containers(uid));
    await site.endAgent("SIGTERM");
    good = readFileSync(site.config, "utf8");
    writeFileSync(site.config, JSON.stringify({ ...JSON.parse(good), center: { url: "http://nowhere" } }));
  });
  after(() => site.close());

  test("starts the agent with the last good one, which connects, keeps the pod and reports it", async () => {
    await site.startAgent();
    await site.online();
    await site.eventually("the engine answers", () => site.published()?.engine.state === "ready" || undefined);
    const { code, stdout } = await site.run("status", "--wide");
    assert.equal(code, 0);
    assert.match(
      stdout,
      /Note +The configuration is rejected, and the last good one is in force: center\.url is "http:\/\/nowhere"/,
    );
    assert.deepEqual(ids(await site.containers(uid)), running);
  });

  test("is no longer reported after the file was repaired and SIGHUP was sent", async () => {
    writeFileSync(site.config, good);
    process.kill(site.agentPid(), "SIGHUP");
    await site.eventually("the note is gone", () => (site.published()?.notices === undefined ? true : undefined));
    assert.deepEqual(ids(await site.containers(uid)), running);
  });

  test("stops the agent if no last good one exists, with the position and without a data folder", async () => {
    const dir = `${site.folder}/never`;
    writeFileSync(site.config, JSON.stringify({ center: { url: "http://nowhere" }, data: { dir, runDir: dir } }));
    const { code, stderr } = await site.run("run");
    assert.equal(code, 2);
    assert.match(stderr, /node is missing; expected a value/);
    assert.match(stderr, /center\.url is "http:\/\/nowhere"/);
    assert.throws(() => readFileSync(dir), /ENOENT/);
  });
});
