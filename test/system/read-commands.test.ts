import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, type Entry } from "./harness.ts";

const site = createSite(sharedEngine());
const uid = "99999999-0000-4000-8000-000000000001";
const print = "echo one; echo two >&2; sleep 1; echo three; exit 3";

interface History {
  readonly missing: unknown;
  readonly events: readonly { readonly pod: string; readonly reason: string; readonly count: number }[];
}

function history(): readonly History[] {
  return site
    .records()
    .filter(({ message }) => message.route.resource === "websocket/podhistory")
    .map(({ message }) => message.content as History);
}

const lines = (text: string) => text.split("\n").filter((line) => line !== "");
const json = <T>(text: string): readonly T[] => lines(text).map((line) => JSON.parse(line) as T);

describe("edge logs, edge pod and edge events", () => {
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
    const { volumes, ...container } = site.script("crash.sh", print);
    const reply = await site.ask(podUpdate({ name: "crash", uid, msgId: uid, container, spec: { volumes } }));
    assert.equal(reply.content, "OK");
    await site.eventually("it has crashed twice", () => {
      const [app] = site.latest()?.[0]?.status.containerStatuses ?? [];
      return (app?.restartCount ?? 0) >= 1 && app?.lastState.terminated !== undefined ? true : undefined;
    });
  });
  after(() => site.close());

  test("edge logs prints both streams of the newest container or a part of them, or the reason for none", async () => {
    // A container that has only just begun has said nothing yet.
    const all = await site.eventually("it has said something", async () => {
      const ran = await site.run("logs", "crash");
      return lines(ran.stdout).length >= 2 ? ran : undefined;
    });
    assert.equal(all.code, 0, all.stderr);
    assert.deepEqual(lines(all.stdout).slice(0, 2).sort(), ["one", "two"]);
    assert.deepEqual(lines((await site.run("logs", "websocket/crash", "-c", "app", "--tail", "1")).stdout).length, 1);
    const parsed = json<{ stream: string; line: string }>((await site.run("logs", "crash", "--json")).stdout);
    assert.ok(parsed.some(({ stream, line }) => stream === "stderr" && line === "two"));
    // Following ends with the container.
    const followed = await site.run("logs", "crash", "--follow");
    assert.equal(followed.code, 0, followed.stderr);
    // A prefix of the name, a time on each line that JSON has beside it, and nothing from before the pod.
    const timed = await site.run("logs", "cra", "-f", "--all-containers", "--timestamps", "--since", "1h");
    assert.match(timed.stdout, /^\[app\] \d{4}-\d\d-\d\dT\S+Z one$/m);
    const times = json<{ time: string; container: string }>(
      (await site.run("logs", "crash", "--all-containers", "--timestamps", "--json")).stdout,
    );
    assert.ok(times.every(({ time, container }) => !Number.isNaN(Date.parse(time)) && container === "app"));
    // A run that has ended has printed all of it; the next end may remove it in between.
    const previous = await site.eventually("the last run that has ended", async () => {
      const ran = await site.run("logs", "crash", "-p");
      return ran.code === 0 ? ran : undefined;
    });
    assert.deepEqual(lines(previous.stdout).sort(), ["one", "three", "two"]);
    assert.equal((await site.run("logs", "crash", "--since", "2099-01-01T00:00:00Z")).stdout, "");
    assert.equal((await site.run("logs", "crash", "-c", "other")).code, 1);
    assert.equal((await site.run("logs", "nobody")).code, 1);
    assert.equal((await site.run("logs", "crash", "--tail", "many")).code, 2);
    assert.equal((await site.run("logs")).code, 2);
  });

  test("edge pod prints the pod for people and as Kubernetes JSON", async () => {
    const { code, stdout } = await site.run("pod", "crash", "--json");
    assert.equal(code, 0);
    const [pod] = json<Entry & { kind: string }>(stdout);
    assert.equal(pod?.kind, "Pod");
    assert.equal(pod?.metadata["name"], "crash");
    assert.ok((pod?.status.containerStatuses[0]?.restartCount ?? 0) >= 1);
    assert.match((await site.run("pod", "crash")).stdout, /Last actions\n(.*\n)*.*Exit code 3/);
    assert.equal((await site.run("pod", "nobody")).code, 1);
  });

  test("edge wait names the cause of a pod that crashes, and edge get pods lists it", async () => {
    const waited = await site.run("wait", "crash", "--for=Deleted", "--timeout=0");
    assert.equal(waited.code, 1);
    assert.match(waited.stderr, /^Pod crash is not deleted after 0: /);
    const { stdout } = await site.run("get", "pods", "cra", "-o", "wide");
    assert.match(stdout, /^NAME +READY +STATUS .*\ncrash +[01]\/1 /);
  });

  test("the center gets the event history with the counts of edge events", async () => {
    await site.eventually("the first exits are told", () =>
      history().some(({ events }) => events.some(({ reason }) => reason === "Exited")) ? true : undefined,
    );
    for (const { missing } of history()) assert.deepEqual(missing, { events: 0, messages: 0 });
    const exits = history()
      .flatMap(({ events }) => events)
      .filter(({ reason, pod }) => reason === "Exited" && pod === "websocket/crash")
      .reduce((sum, { count }) => sum + count, 0);
    const shown = json<{ reason: string; count: number }>(
      (await site.run("events", "--pod", "crash", "--json")).stdout,
    );
    const counted = shown.filter(({ reason }) => reason === "Exited").reduce((sum, { count }) => sum + count, 0);
    assert.ok(exits >= 1 && exits <= counted, `${exits} told, ${counted} kept`);
  });

  test("edge events and edge pod work without an agent", async () => {
    await site.endAgent("SIGKILL");
    const { code, stdout } = await site.run("events", "--json", "--pod", "crash");
    assert.equal(code, 0);
    const reasons = json<{ reason: string }>(stdout).map(({ reason }) => reason);
    for (const reason of ["MessageAccepted", "Creating", "Starting", "Started", "Exited"]) {
      assert.ok(reasons.includes(reason), `${reason} in ${reasons}`);
    }
    assert.match((await site.run("events")).stdout, /crash\/app {2}Exit code 3 \(Error\)/);
    assert.equal((await site.run("pod", "crash")).code, 0);
  });
});
