import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { testImages } from "../../scripts/test-images.ts";
import { envelope, gracefulDelete, type PodMessage, podDelete, podRestart, podUpdate } from "../samples/messages.ts";
import { createSite, ids, only, runs } from "./harness.ts";
import { freePort } from "./sockets.ts";

const site = createSite(sharedEngine());
const sleeping = { command: ["/bin/sleep", "1000"] };
/** Ends as soon as it is told to, where sleep takes its whole grace. */
const polite = { image: testImages.greeter };
/** Ends with this code once it is told to and there is a file of this name on the host. */
const terminating = (code: number, leave: string): string =>
  `trap 'until [ -e /host/${leave} ]; do sleep 0.1; done; exit ${code}' TERM\nwhile true; do sleep 1 & wait; done\n`;
const uid = (pod: number, generation = 0): string => `66666666-000${generation}-4000-8000-00000000000${pod}`;
const msg = (number: number): string => `00000000-0000-4000-9000-${String(number).padStart(12, "0")}`;

async function accept(message: string): Promise<void> {
  assert.equal((await site.ask(message)).content, "OK");
}

/** Sends an update and waits for the pod to run. */
async function run(message: PodMessage): Promise<void> {
  await accept(podUpdate(message));
  await site.reported(message.uid, "Running", (entry) => runs(entry, 0));
}

/** A pod that ends when it is told to and may `leave`. */
function slowToLeave(name: string, code: number) {
  const { volumes, volumeMounts, command } = site.script(`${name}.sh`, terminating(code, `${name}-leaves`));
  return { name, spec: { volumes }, container: { command, volumeMounts } };
}

function leave(name: string): void {
  writeFileSync(join(site.hostFolder, `${name}-leaves`), "");
}

describe("the life of a pod", () => {
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
  });
  after(() => site.close());

  test("a container has the name, labels and log rotation of the contracts", async () => {
    await run({ name: "labelled", uid: uid(0), msgId: msg(1), container: polite });
    const { Name, Config, HostConfig } = only(await site.containers(uid(0)));
    assert.equal(Name, `/edge_app_labelled_websocket_${uid(0)}_0`);
    const { "edge.pod-hash": podHash = "", "edge.spec-hash": specHash = "", ...labels } = Config.Labels;
    assert.match(podHash, /^[0-9a-f]{16}$/);
    assert.match(specHash, /^[0-9a-f]{16}$/);
    assert.deepEqual(labels, {
      "io.kubernetes.pod.name": "labelled",
      "io.kubernetes.pod.namespace": "websocket",
      "io.kubernetes.pod.uid": uid(0),
      "io.kubernetes.container.name": "app",
      "edge.install": site.installId,
      "edge.attempt": "0",
      "edge.generation": "0",
      "edge.restart-policy": "Always",
    });
    const { RestartPolicy, LogConfig } = HostConfig;
    assert.equal(RestartPolicy?.Name, "no");
    assert.deepEqual(LogConfig, { Type: "json-file", Config: { "max-size": "5m", "max-file": "2" } });
  });

  test("a repeated message gets the same reply and has no effect", async () => {
    const message = podUpdate({ name: "labelled", uid: uid(0), msgId: msg(1), container: polite });
    const before = ids(await site.containers());
    const since = Date.now();
    const [first] = site.replies(msg(1));
    const again = await site.ask(message);
    assert.equal(again.header.msg_id, first?.header.msg_id);
    assert.equal(again.content, "OK");
    // Another message goes through the same worker after it, so that there was time to do something wrong.
    await accept(podUpdate({ name: "labelled", uid: uid(0), msgId: msg(2), container: polite }));
    const reports = site.reports().length;
    await site.eventually("another report", () => site.reports()[reports]);
    assert.deepEqual(ids(await site.containers()), before);
    assert.deepEqual(await site.events(since, Date.now()), []);
  });

  test("an update whose image cannot be pulled keeps the old container running", async () => {
    const old = only(await site.containers(uid(0)));
    const image = `127.0.0.1:${await freePort()}/none:1`;
    const container = { ...sleeping, image };
    await accept(podUpdate({ name: "labelled", uid: uid(0), msgId: msg(3), resourceVersion: "2", container }));
    const pulls = await site.eventually("a second try to pull", () => {
      const lines = site
        .logOf()
        .split("\n")
        .filter((line) => line.includes('"event":"Pulling",') && line.includes(`Pulling image ${image}`));
      return lines.length < 2 ? undefined : lines.map((line) => Date.parse(JSON.parse(line).time));
    });
    const [first = 0, second = 0] = pulls;
    assert.ok(second - first >= 9_000, `the registry is spared: ${second - first} ms between two tries`);
    const now = only(await site.containers(uid(0)));
    assert.deepEqual([now.Id, now.State.Running, now.State.StartedAt], [old.Id, true, old.State.StartedAt]);
    const entry = await site.reported(uid(0), "the wish", ({ metadata }) => metadata["resourceVersion"] === "2");
    assert.ok(runs(entry, 0));
  });

  test("a changed environment replaces the container", async () => {
    const old = only(await site.containers(uid(0)));
    const container = {
      command: sleeping.command,
      image: testImages.busybox2,
      env: [{ name: "MODE", value: "second" }],
    };
    await accept(podUpdate({ name: "labelled", uid: uid(0), msgId: msg(4), resourceVersion: "3", container }));
    const { status } = await site.reported(uid(0), "the new container", (entry) => runs(entry, 1));
    const alive = only((await site.containers(uid(0))).filter(({ State }) => State.Running));
    assert.notEqual(alive.Id, old.Id);
    assert.ok(alive.Config.Env.includes("MODE=second"));
    assert.equal(alive.Image, (await site.docker.getImage(testImages.busybox2).inspect()).Id);
    assert.equal(alive.Config.Labels["edge.attempt"], "1");
    assert.equal(only(status.containerStatuses).lastState.terminated?.containerID, `docker://${old.Id}`);
    assert.match(site.logOf(), new RegExp(`Stopping container app .*message ${msg(4)} changes the container`));
  });

  test("an older resourceVersion is rejected as stale", async () => {
    const before = ids(await site.containers(uid(0)));
    const message = { name: "labelled", uid: uid(0), msgId: msg(5), resourceVersion: "2", container: sleeping };
    const reply = await site.ask(podUpdate(message));
    assert.equal(reply.route.operation, "error");
    assert.match(String(reply.content), /^FAILED: metadata\.resourceVersion is "2"; expected 3 or newer/);
    assert.deepEqual(ids(await site.containers(uid(0))), before);
  });

  test("a new uid of a name replaces the old pod, and both are reported meanwhile", async () => {
    const [oldUid, newUid] = [uid(1), uid(1, 1)];
    const pod = slowToLeave("renewed", 0);
    await run({ ...pod, uid: oldUid, msgId: msg(10) });
    const seenBefore = site.reports().length;
    await accept(
      podUpdate({
        ...pod,
        uid: newUid,
        msgId: msg(11),
        container: { ...pod.container, env: [{ name: "NEW", value: "1" }] },
      }),
    );
    const reportsOfBoth = () =>
      site
        .reports()
        .slice(seenBefore)
        .map((report) => [oldUid, newUid].map((one) => report.find(({ UID }) => UID === one)))
        .filter(([old, next]) => old !== undefined && next !== undefined);
    await site.eventually("the new one waits for the old one", () =>
      reportsOfBoth().some(([old, next]) => old?.status.phase === "Running" && next?.status.phase === "Pending")
        ? true
        : undefined,
    );
    leave("renewed");
    const { status } = await site.reported(newUid, "Running", (entry) => runs(entry, 0));
    await site.eventually("the old one out of the report", () =>
      site.latest()?.every(({ UID }) => UID !== oldUid) ? true : undefined,
    );
    assert.ok(
      reportsOfBoth().every(
        ([old, next]) => old === undefined || next === undefined || !(runs(old, 0) && runs(next, 0)),
      ),
      "never both at work",
    );
    const final = site.entries(oldUid).at(-1)?.status;
    assert.equal(final?.phase, "Succeeded");
    const finished = only(final?.containerStatuses ?? []).state.terminated?.finishedAt ?? "";
    const startedAt = only(status.containerStatuses).state.running?.startedAt ?? "";
    assert.ok(Date.parse(startedAt) >= Date.parse(finished), `started ${startedAt}, finished ${finished}`);
    assert.deepEqual(await site.containers(oldUid), []);
    only(await site.containers(newUid));
  });

  for (const { code, phase, pod } of [
    { code: 0, phase: "Succeeded", pod: 2 },
    { code: 3, phase: "Failed", pod: 3 },
  ]) {
    test(`a graceful delete of a pod that ends with ${code} reports ${phase}, then removes it`, async () => {
      const message = { ...slowToLeave(`terminating-${code}`, code), uid: uid(pod), msgId: msg(10 * pod) };
      await run(message);
      await accept(gracefulDelete({ ...message, msgId: msg(10 * pod + 1) }, 20));
      await site.eventually("Terminating in edge status", async () =>
        (await site.row(message.name))?.status === "Terminating" ? true : undefined,
      );
      leave(message.name);
      await site.eventually("the pod out of the report", () =>
        site.latest()?.every(({ UID }) => UID !== uid(pod)) ? true : undefined,
      );
      const told = site.entries(uid(pod)).filter(({ metadata }) => metadata["deletionTimestamp"] !== undefined);
      assert.ok(told.length > 0);
      for (const { metadata } of told) {
        assert.equal(metadata["deletionTimestamp"], "2026-11-22T00:00:00Z");
        assert.equal(metadata["deletionGracePeriodSeconds"], 20);
      }
      assert.equal(told[0]?.status.phase, "Running", "the phase stays while it goes");
      const final = told.at(-1)?.status;
      assert.equal(final?.phase, phase);
      assert.equal(only(final?.containerStatuses ?? []).state.terminated?.exitCode, code);
      assert.deepEqual(await site.containers(uid(pod)), []);
      await accept(podDelete({ name: message.name, uid: uid(pod), msgId: msg(10 * pod + 2) }));
      await site.eventually("the pod out of edge status", async () =>
        (await site.row(message.name)) === undefined ? true : undefined,
      );
    });
  }

  test("a restart message replaces the container", async () => {
    const pod = slowToLeave("restarted", 0);
    await run({ ...pod, uid: uid(4), msgId: msg(40) });
    const old = only(await site.containers(uid(4)));
    leave("restarted");
    await accept(podRestart({ name: "restarted", msgId: msg(41) }));
    await site.reported(uid(4), "the next attempt", (entry) => runs(entry, 1));
    const alive = only((await site.containers(uid(4))).filter(({ State }) => State.Running));
    assert.notEqual(alive.Id, old.Id);
    assert.equal(alive.Config.Labels["edge.generation"], "1");
    assert.match(site.logOf(), new RegExp(`message ${msg(41)} asks for a restart`));
  });

  test("a delete of an unknown pod answers OK, and a restart of one is rejected", async () => {
    const before = ids(await site.containers());
    const reply = await site.ask(podDelete({ name: "unheard-of", uid: uid(9), msgId: msg(50) }));
    assert.equal(reply.content, "OK");
    assert.deepEqual([reply.route.source, reply.route.operation], ["controller", "response"]);
    const refused = await site.ask(podRestart({ name: "unheard-of", msgId: msg(51) }));
    assert.equal(refused.route.operation, "response");
    assert.match(
      String(refused.content),
      /^FAILED: route\.resource names unheard-of; expected a pod that is on this device/,
    );
    assert.deepEqual(ids(await site.containers()), before);
  });

  test("a text that is not a message gets no reply, and an unknown route gets an error", async () => {
    const known = site.records().length;
    await site.sendRaw("this is not JSON");
    await site.sendRaw(JSON.stringify({ header: { msg_id: "UPPER-CASE" }, route: {}, content: {} }));
    const reply = await site.ask(envelope(msg(60), "update", "websocket/nothing/of-the-kind", {}));
    assert.deepEqual(reply.route, {
      source: "metaManager",
      group: "resource",
      operation: "error",
      resource: "websocket/nothing/of-the-kind",
    });
    assert.match(String(reply.content), /^FAILED: route is .*; expected the route of a message that this device knows/);
    assert.match(site.logOf(), /MessageRefused.*is not JSON/);
    const answers = site
      .records()
      .slice(known)
      .filter(({ message }) => message.header?.parent_msg_id !== "");
    assert.deepEqual(
      answers.map(({ message }) => message.header.parent_msg_id),
      [msg(60)],
    );
  });

  test("a message over 1 MiB closes the connection with 1009, and the agent reconnects", async () => {
    const before = ids(await site.containers());
    const connected = (): number => readFileSync(site.centerLog, "utf8").split(`+ ${site.node} connected`).length;
    const times = connected();
    await site.sendRaw("x".repeat(1024 * 1024 + 1));
    await site.eventually("closed with 1009", () =>
      readFileSync(site.centerLog, "utf8").includes(`- ${site.node} disconnected: 1009`) ? true : undefined,
    );
    await site.eventually("connected again", () => (connected() > times ? true : undefined));
    await run({ name: "afterwards", uid: uid(7), msgId: msg(70), container: sleeping });
    assert.deepEqual(ids((await site.containers()).filter(({ Id }) => before.includes(Id))), before);
  });
});
