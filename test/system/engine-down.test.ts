import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type Docker from "dockerode";
import { type PrivateEngine, startPrivateEngine } from "../../scripts/private-engine.ts";
import { signalAll } from "../../scripts/processes.ts";
import { loadTestImages } from "../../scripts/test-images.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, only, runs, type Site } from "./harness.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const quiet = (): void => undefined;
const policies = { always: "Always", "on-failure": "OnFailure", never: "Never", ended: "Always" } as const;
const uidOf = (name: string): string =>
  `55555555-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`;
/** Ends well when it is told to end, as a well-behaved job does. */
const polite = "trap 'exit 0' TERM\nwhile true; do sleep 1; done\n";

interface Running {
  readonly engine: PrivateEngine;
  readonly site: Site;
  readonly close: () => Promise<void>;
}

async function start(liveRestore: boolean): Promise<Running> {
  const engine = await startPrivateEngine(quiet, { liveRestore });
  try {
    await loadTestImages(engine.socket);
    const site = createSite(engine);
    const close = async (): Promise<void> => {
      await site.close();
      await engine.close();
    };
    try {
      await site.startCenter();
      await site.startAgent();
      await site.online();
      return { engine, site, close };
    } catch (error) {
      await site.close();
      throw error;
    }
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function accept(site: Site, name: string, restartPolicy: string): Promise<void> {
  const { volumes, volumeMounts, command } = site.script("polite.sh", polite);
  const container =
    restartPolicy === "OnFailure" ? { command, volumeMounts } : { command: ["/bin/sleep", "1000"], volumeMounts };
  const spec = { restartPolicy, volumes };
  const reply = await site.ask(podUpdate({ name, uid: uidOf(name), msgId: uidOf(name), spec, container }));
  assert.equal(reply.content, "OK");
}

/** The pods of `policies`, all at work. */
async function startPods(site: Site): Promise<void> {
  for (const [name, policy] of Object.entries(policies)) await accept(site, name, policy);
  for (const name of Object.keys(policies)) {
    await site.reported(uidOf(name), "Running", ({ status }) => status.phase === "Running");
  }
}

async function unavailable(site: Site): Promise<void> {
  const { code, document } = await site.eventually("the engine is missed", async () => {
    const said = await site.status();
    return said.document.engine.state === "unavailable" ? said : undefined;
  });
  assert.equal(code, 1);
  assert.equal(document.agent.running, true);
  assert.match(document.notices?.join() ?? "", /The engine cannot be used: ./);
  assert.equal(document.center.state, "online");
  const rows = document.pods.map(({ name }) => name);
  for (const name of Object.keys(policies)) assert.ok(rows.includes(name), `${name} in ${rows}`);
}

async function ready(site: Site): Promise<void> {
  await site.eventually("the engine is back in edge status", async () => {
    const { code, document } = await site.status();
    return code === 0 && document.engine.state === "ready" ? true : undefined;
  });
}

const identity = ({ Id, Created, State }: Docker.ContainerInspectInfo) => [Id, Created, State.StartedAt];

describe("an engine that is killed and keeps its containers", { skip }, () => {
  let running: Running;
  before(async () => {
    running = await start(true);
    await startPods(running.site);
  });
  after(() => running?.close());

  test("the containers stay the same, one that ended meanwhile is restarted, and a new one is created", async () => {
    const { engine, site } = running;
    const kept = ["always", "on-failure", "never"];
    const before = await Promise.all(kept.map(async (name) => identity(only(await site.containers(uidOf(name))))));
    const ended = only(await site.containers(uidOf("ended")));
    await engine.kill();
    await unavailable(site);
    signalAll([ended.State.Pid], "SIGKILL");
    await accept(site, "wanted", "Always");

    await engine.start({ liveRestore: true });
    await ready(site);
    await site.reported(uidOf("wanted"), "Running", ({ status }) => status.phase === "Running");
    const entry = await site.reported(uidOf("ended"), "its restart", (entry) => runs(entry, 1));
    assert.equal(only(entry.status.containerStatuses).lastState.terminated?.containerID, `docker://${ended.Id}`);
    assert.equal(only(entry.status.containerStatuses).lastState.terminated?.exitCode, 137);
    const now = await Promise.all(kept.map(async (name) => identity(only(await site.containers(uidOf(name))))));
    assert.deepEqual(now, before);
    for (const name of kept) {
      const { status } = await site.reported(uidOf(name), "Running", ({ status }) => status.phase === "Running");
      assert.equal(only(status.containerStatuses).restartCount, 0, name);
    }
    assert.equal((await site.containers()).filter(({ State }) => State.Running).length, 5);
  });
});

for (const [how, end] of Object.entries({
  "that is killed": async ({ engine, site }: Running): Promise<void> => {
    await engine.kill();
    await unavailable(site);
    await engine.start({ liveRestore: false });
  },
  "that is stopped": async ({ engine, site }: Running): Promise<void> => {
    await engine.stop();
    await unavailable(site);
    await engine.start({ liveRestore: false });
  },
  "that is stopped while no agent runs": async ({ engine, site }: Running): Promise<void> => {
    await site.endAgent("SIGKILL");
    await engine.stop();
    await engine.start({ liveRestore: false });
    await site.startAgent();
  },
})) {
  describe(`an engine ${how} and takes its containers along`, { skip }, () => {
    let running: Running;
    before(async () => {
      running = await start(false);
      await startPods(running.site);
    });
    after(() => running?.close());

    test("the pods are restarted by their policies, each once", async () => {
      const { site } = running;
      const names = Object.keys(policies);
      const old = new Map<string, string>();
      for (const name of names) old.set(name, only(await site.containers(uidOf(name))).Id);
      await end(running);
      await ready(site);

      const restarted = ["always", "ended", "on-failure"];
      for (const name of restarted) {
        const { status } = await site.reported(uidOf(name), "a new attempt", (entry) => runs(entry, 1));
        const one = only(status.containerStatuses);
        assert.notEqual(one.containerID, `docker://${old.get(name)}`);
        assert.equal(one.lastState.terminated?.containerID, `docker://${old.get(name)}`);
        const alive = (await site.containers(uidOf(name))).filter(({ State }) => State.Running);
        assert.equal(`docker://${only(alive).Id}`, one.containerID);
      }
      const job = await site.reported(uidOf("on-failure"), "its last end", () => true);
      const { terminated } = only(job.status.containerStatuses).lastState;
      assert.equal(terminated?.exitCode, 0, "it ended well and yet is not done: nobody asked it to end");
      const { status } = await site.reported(uidOf("never"), "Failed", ({ status }) => status.phase === "Failed");
      assert.equal(only(status.containerStatuses).restartCount, 0);
      assert.equal(only(await site.containers(uidOf("never"))).Id, old.get("never"));
      assert.equal((await site.containers()).filter(({ State }) => State.Running).length, restarted.length);
    });
  });
}
