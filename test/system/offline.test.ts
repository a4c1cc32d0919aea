import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, only } from "./harness.ts";

const site = createSite(sharedEngine());
const uidOf = (name: string): string =>
  `44444444-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0")}`;
const pods = { steady: "Always", worker: "Always", job: "Never" } as const;
/** Accepted in the moment before the link is cut: none of their replies gets through. */
const lastOnes = Array.from({ length: 6 }, (_, index) => `late${index}`);

describe("a device whose link is down", () => {
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
    for (const [name, restartPolicy] of Object.entries(pods)) {
      assert.equal((await site.ask(update(name, { spec: { restartPolicy } }))).content, "OK");
    }
    await site.eventually("the pods run", () => {
      const report = site.latest() ?? [];
      return report.length === 3 && report.every(({ status }) => status.phase === "Running") ? true : undefined;
    });
  });
  after(() => site.close());

  test("edge status says online, then offline and since when", async () => {
    const before = await site.status();
    assert.equal(before.document.center.state, "online");
    // They wait in the connection to a frozen agent, and so do its replies in the one to a frozen center.
    site.freeze("agent");
    await Promise.all(lastOnes.map((name) => site.sendAndForget(update(name))));
    site.freeze("center");
    site.thaw("agent");
    await site.eventually("the last pods are accepted", () => {
      const rows = site.published()?.pods.map(({ name }) => name) ?? [];
      return lastOnes.every((name) => rows.includes(name)) ? true : undefined;
    });
    const cutAt = Date.now();
    await site.killCenter();
    const { code, document } = await site.eventually("offline", async () => {
      const said = await site.status();
      return said.document.center.state === "offline" ? said : undefined;
    });
    assert.equal(code, 0, "offline is fine");
    const since = Date.parse(document.center.since ?? "");
    // Whole seconds are reported.
    assert.ok(since >= cutAt - 1_000 && since <= Date.now(), `${document.center.since}, cut at ${cutAt}`);
    assert.match(document.center.lastError ?? "", /\S/);
    assert.equal(document.engine.state, "ready");
    assert.deepEqual(lastOnes.flatMap(site.replies), []);
    assert.ok(document.outbox.pending >= lastOnes.length, `${document.outbox.pending} replies wait`);
    // Trying again is no new beginning of being offline.
    await site.eventually("another failed dial", () =>
      site.logOf().split('"Link down"').length > 3 ? true : undefined,
    );
    assert.equal((await site.status()).document.center.since, document.center.since);
  });

  test("a container that ends is restarted by the pod's policy", async () => {
    const worker = only(await site.containers(uidOf("worker")));
    const job = only(await site.containers(uidOf("job")));
    await site.docker.getContainer(worker.Id).kill();
    await site.docker.getContainer(job.Id).kill();
    const running = await site.eventually("the worker again", async () => {
      const now = await site.containers(uidOf("worker"));
      return now.find(({ Id, State }) => Id !== worker.Id && State.Running);
    });
    assert.equal(running.Config.Labels["edge.attempt"], "1");
    const row = await site.eventually("the job has failed", async () => {
      const found = await site.row("job");
      return found?.phase === "Failed" ? found : undefined;
    });
    assert.equal(row.status, "Error");
    assert.equal(only(await site.containers(uidOf("job"))).Id, job.Id, "Never is not run twice");
  });

  test("an agent that restarts offline adopts its pods", async () => {
    const steady = only(await site.containers(uidOf("steady")));
    await site.endAgent("SIGKILL");
    await site.startAgent();
    await site.eventually("the pods in edge status", async () => {
      const { document } = await site.status();
      const rows = document.pods.map(({ name, status }) => `${name} ${status}`).sort();
      const wanted = [...lastOnes.map((name) => `${name} Running`), "job Error", "steady Running", "worker Running"];
      return rows.join() === wanted.sort().join() ? true : undefined;
    });
    assert.notEqual((await site.status()).document.center.state, "online");
    assert.equal(only(await site.containers(uidOf("steady"))).Id, steady.Id);
    assert.equal(only(await site.containers(uidOf("steady"))).State.StartedAt, steady.State.StartedAt);
  });

  test("the center gets every reply once and the current status after the reconnect", async () => {
    const reportsBefore = site.reports().length;
    await site.startCenter();
    await site.online();
    await site.eventually("a report", () => site.reports()[reportsBefore]);
    const names = [...Object.keys(pods), ...lastOnes];
    const first = site.reports()[reportsBefore] ?? [];
    assert.deepEqual(first.map(({ Name }) => Name).sort(), [...names].sort(), "the whole array, at once");
    for (const name of names) {
      const phase = name === "job" ? "Failed" : "Running";
      await site.reported(uidOf(name), phase, ({ status }) => status.phase === phase);
    }
    const worker = await site.reported(uidOf("worker"), "its restart", () => true);
    assert.equal(only(worker.status.containerStatuses).restartCount, 1);

    for (const name of names) {
      await site.eventually(`a reply for ${name}`, () => site.replies(uidOf(name))[0]);
      const replies = site.replies(uidOf(name));
      assert.deepEqual([...new Set(replies.map(({ content }) => content))], ["OK"]);
      const distinct = new Set(replies.map(({ header }) => header.msg_id));
      assert.equal(distinct.size, 1, `${name}: every reply under one msg_id, ${JSON.stringify(replies)}`);
    }
    const document = await site.eventually("online and nothing waiting", async () => {
      const said = (await site.status()).document;
      return said.center.state === "online" && said.outbox.pending === 0 ? said : undefined;
    });
    assert.deepEqual([document.outbox.dropped, document.center.lastError], [0, null]);
  });

  test("a message repeated after the reconnect gets its first reply", async () => {
    const [before] = site.replies(uidOf("late0"));
    const again = await site.ask(update("late0"));
    assert.equal(again.header.msg_id, before?.header.msg_id);
    only(await site.containers(uidOf("late0")));
  });
});

function update(name: string, more: { readonly spec?: Readonly<Record<string, unknown>> } = {}): string {
  const container = { command: ["/bin/sleep", "1000"] };
  return podUpdate({ name, uid: uidOf(name), msgId: uidOf(name), container, ...more });
}
