import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { isRunning } from "../../scripts/processes.ts";
import type { StatusDocument } from "../../src/core/status-document.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, ids, only, runs } from "./harness.ts";

const site = createSite(sharedEngine());
const names = ["one", "two", "three", "four", "five"] as const;
const uidOf = (name: string): string => `33333333-0000-4000-8000-00000000000${names.indexOf(name as "one")}`;

describe("an agent that is started again", () => {
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
    for (const name of names) {
      const message = { name, uid: uidOf(name), msgId: uidOf(name), container: { command: ["/bin/sleep", "1000"] } };
      assert.equal((await site.ask(podUpdate(message))).content, "OK");
    }
    await allRunning();
  });
  after(() => site.close());

  test("adopts running containers after SIGKILL without create, start or stop", async () => {
    const since = Date.now();
    const before = await site.containers();
    const started = before.map(({ Id, Created, State }) => [Id, Created, State.StartedAt]);
    const pid = site.agentPid();
    await site.endAgent("SIGKILL");
    assert.equal(isRunning(pid), false);
    const dead = await site.status();
    assert.equal(dead.code, 1);
    assert.equal(dead.document.agent.running, false);
    assert.deepEqual(
      dead.document.pods.map(({ name, status }) => [name, status]),
      [...names].sort().map((name) => [name, "Running"]),
      "the store still tells",
    );
    assert.equal((await site.containers()).filter(({ State }) => State.Running).length, names.length);

    const reportsBefore = site.reports().length;
    await site.startAgent();
    await site.online();
    // The first report comes from the store; a later one from a look at the engine.
    await site.eventually("reports of the new agent", () => site.reports()[reportsBefore + 1]);
    await allRunning();
    const now = await site.containers();
    assert.deepEqual(
      now.map(({ Id, Created, State }) => [Id, Created, State.StartedAt]),
      started,
    );
    assert.deepEqual(await site.events(since, Date.now()), [], "the engine was not asked to do anything");
    for (const name of names) {
      const { status } = await site.reported(uidOf(name), "Running", ({ status }) => status.phase === "Running");
      assert.equal(only(status.containerStatuses).restartCount, 0);
    }
    const areRunning = ({ pods }: StatusDocument): boolean => pods.every(({ status }) => status === "Running");
    await site.shown("running pods", areRunning);
    const { code, document } = await site.status();
    assert.equal(code, 0);
    assert.deepEqual(
      document.pods.map(({ status, restarts }) => [status, restarts]),
      names.map(() => ["Running", 0]),
    );
  });

  test("an adopted container that ends is restarted", async () => {
    const since = Date.now();
    const uid = uidOf("three");
    const old = only(await site.containers(uid));
    await site.docker.getContainer(old.Id).kill();
    const { status } = await site.reported(uid, "a restart", (entry) => runs(entry, 1));
    const one = only(status.containerStatuses);
    assert.notEqual(one.containerID, `docker://${old.Id}`);
    assert.equal(one.lastState.terminated?.exitCode, 137);
    assert.equal(one.lastState.terminated?.containerID, `docker://${old.Id}`);
    const actions = ["kill", "die", "create", "start"];
    await site.eventually("what the engine did", async () => {
      const events = await site.events(since, Date.now());
      return (
        events
          .map(({ action }) => action)
          .filter((one) => actions.includes(one))
          .join() === actions.join() || undefined
      );
    });
  });

  test("a second agent on the same data folder exits with an error", async () => {
    const before = ids(await site.containers());
    const { code, stderr } = await site.run("run");
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`An agent is already running: it holds ${site.runDir}/lock`));
    assert.equal(isRunning(site.agentPid()), true);
    assert.deepEqual(ids(await site.containers()), before);
    assert.equal((await site.status()).document.agent.pid, site.agentPid());
  });

  test("SIGTERM ends the agent and leaves the pods", async () => {
    const since = Date.now();
    const before = ids(await site.containers());
    await site.endAgent("SIGTERM");
    const { stdout } = await site.run("events");
    assert.match(stdout, /Normal +AgentStopped +\(device\) +Agent stopped; pods keep running\n$/);
    assert.equal((await site.containers()).filter(({ State }) => State.Running).length, names.length);
    assert.deepEqual(ids(await site.containers()), before);
    assert.deepEqual(await site.events(since, Date.now()), []);
    const { code, document } = await site.status();
    assert.deepEqual([code, document.agent.running, document.engine.state], [1, false, "ready"]);
  });
});

function allRunning(): Promise<true> {
  return site.eventually("every pod runs", () => {
    const report = site.latest() ?? [];
    return report.length === names.length && report.every(({ status }) => status.phase === "Running")
      ? true
      : undefined;
  });
}
