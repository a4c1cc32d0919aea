import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type EventsOptions, eventsCommand } from "../../../src/cli/events.ts";
import { podCommand } from "../../../src/cli/pod.ts";
import type { PodEvent } from "../../../src/core/pod/event.ts";
import type { PodStatus } from "../../../src/core/pod/pod-status.ts";
import type { Store } from "../../../src/ports/store.ts";
import { openStore } from "../../../src/sqlite/store.ts";
import { desiredPod } from "../../samples/pods.ts";

const noStop = new AbortController().signal;
const crash: PodEvent = {
  type: "Warning",
  pod: "websocket/web",
  container: "app",
  reason: "Exited",
  message: "Exit code 1 (Error)\u001b[2J",
};
const at = (seconds: number) => ({ wall: 1_700_000_000_000 + seconds * 1_000, mono: seconds * 1_000, bootId: "b" });

/** A device whose agent is not running. */
function device(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "edge-events-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const config = join(dir, "edge.config.json");
  const center = { url: "ws://127.0.0.1:1/websocket/edge-1/events" };
  writeFileSync(config, JSON.stringify({ node: { name: "edge-1" }, center, data: { dir: join(dir, "data") } }));
  const lines: string[] = [];
  const errors: string[] = [];
  const io = { out: (line: string) => void lines.push(line), err: (line: string) => void errors.push(line) };
  function open(): Store {
    const opened = openStore({ dir: join(dir, "data") });
    assert.ok(opened.ok);
    return opened.store;
  }
  const events = (options: Partial<EventsOptions> = {}, signal = noStop) =>
    eventsCommand({ config, json: false, follow: false, ...options }, io, signal);
  const pod = (name: string, json: boolean) => podCommand(name, { config, json }, io);
  return { dir, open, events, pod, lines, errors };
}

test("a store that is a folder is reported as one when it is written and when it is read", async (t) => {
  const { dir, events, errors } = device(t);
  mkdirSync(join(dir, "data", "store.db"), { recursive: true });
  const opened = openStore({ dir: join(dir, "data") });
  assert.match(opened.ok ? "" : opened.error.message, /store\.db cannot be opened: EISDIR/);
  assert.equal(await events(), 1);
  assert.match(errors.join("\n"), /^\S+store\.db cannot be opened: EISDIR[^\n]*$/);
});

test("edge events reports a missing store once", async (t) => {
  const { dir, events, errors } = device(t);
  assert.equal(await events(), 1);
  assert.deepEqual(errors, [`There is no store in ${join(dir, "data")}. The agent makes it: systemctl start edge`]);
});

test("edge events prints one line per event with its count, and no control characters", async (t) => {
  const { open, events, lines } = device(t);
  const store = open();
  for (let n = 0; n < 3; n += 1) store.events.append(crash, at(n * 60));
  store.events.append({ ...crash, pod: "", container: "", reason: "MessageRefused" }, at(200));
  store.close();
  assert.equal(await events(), 0);
  assert.match(
    lines[0] ?? "",
    /^2023-11-14T22:15:20Z .*Warning.* {2}Exited +web\/app {2}Exit code 1 \(Error\)\\u001b\[2J \(3 times since 2023-11-14T22:13:20Z\)$/,
  );
  assert.match(lines[1] ?? "", /\(device\)/);
  lines.length = 0;
  assert.equal(await events({ json: true, pod: "web" }), 0);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [{ at: "2023-11-14T22:15:20Z", ...crash, count: 3, first: "2023-11-14T22:13:20Z" }],
  );
});

test("edge events prints many rows completely, and fails for an unknown pod or a missing store", async (t) => {
  const { open, events, lines, errors } = device(t);
  assert.equal(await events(), 1);
  assert.match(errors[0] ?? "", /no store/);
  const store = open();
  for (let n = 0; n < 1_200; n += 1) store.events.append({ ...crash, message: `${n}` }, at(n));
  store.desiredPods.put(desiredPod());
  store.close();
  assert.equal(await events({ json: true }), 0);
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as PodEvent).message),
    Array.from({ length: 1_200 }, (_, n) => `${n}`),
  );
  assert.equal(await events({ pod: "web" }), 0);
  assert.equal(await events({ pod: "nobody" }), 1);
});

test("edge events --follow prints new events over the end of one agent and the start of another", async (t) => {
  const { open, events, lines } = device(t);
  open().close();
  const stop = new AbortController();
  const following = events({ follow: true, json: true }, stop.signal);
  const has = async (message: string): Promise<void> => {
    const deadline = performance.now() + 60_000;
    while (!lines.some((line) => line.includes(message))) {
      assert.ok(performance.now() < deadline, `Waited in vain for ${message}`);
      await sleep(50);
    }
  };
  for (const message of ["one", "two"]) {
    const store = open();
    store.events.append({ ...crash, message }, at(1));
    await has(message);
    store.close();
  }
  stop.abort();
  assert.equal(await following, 0);
  assert.equal(lines.length, 2);
});

const status: PodStatus = {
  phase: "Running",
  conditions: [
    { type: "Ready", status: "False", lastProbeTime: null, lastTransitionTime: "2026-01-01T00:00:00Z", reason: "Why" },
  ],
  startTime: "2026-01-01T00:00:00Z",
  qosClass: "Burstable",
  containerStatuses: [
    {
      name: "app",
      ready: false,
      started: false,
      restartCount: 7,
      image: "app:1",
      imageID: "sha256:1",
      state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 5m0s" } },
      lastState: {
        terminated: {
          exitCode: 3,
          reason: "Error",
          startedAt: null,
          finishedAt: "2026-01-01T00:00:00Z",
          containerID: "c",
        },
      },
    },
  ],
};

test("edge pod prints everything about one pod, for people and as Kubernetes JSON", async (t) => {
  const { open, pod, lines, errors } = device(t);
  const store = open();
  const desired = desiredPod();
  store.desiredPods.put(desired);
  store.events.append(crash, at(0));
  store.events.append({ ...crash, type: "Normal", reason: "MessageAccepted", message: "Pod web accepted" }, at(1));
  assert.equal(await pod("web", false), 0);
  assert.match(lines.join("\n"), /Phase +Pending: the agent has not started it yet/);
  lines.length = 0;
  store.statuses.put(desired.pod.id, status);
  store.close();
  assert.equal(await pod("websocket/web", false), 0);
  const text = lines.join("\n");
  for (const part of [
    /^Pod +websocket\/web\nUid +\S+/,
    /Status +Unknown, 0\/1 ready, 7 restarts\nCause +CrashLoopBackOff, 0\/1 ready, as last seen at 20/,
    /Conditions as last seen at 20.*\n {2}Ready +False +since 2026-01-01T00:00:00Z {2}Why/,
    /app: waiting, CrashLoopBackOff: back-off 5m0s, not ready, restarted 7 times/,
    /Last run: ended, exit code 3/,
    /Spec as enforced\n {2}containers:/,
    /Last actions\n.*Exit code 1/,
    /Last messages\n.*Pod web accepted/,
  ]) {
    assert.match(text, part);
  }
  lines.length = 0;
  assert.equal(await pod("web", true), 0);
  assert.equal(lines.length, 1);
  const { metadata, spec } = desired.pod;
  assert.deepEqual(JSON.parse(lines[0] ?? ""), { apiVersion: "v1", kind: "Pod", metadata, spec, status });
  assert.equal(await pod("nobody", true), 1);
  assert.match(errors[0] ?? "", /There is no pod nobody/);
});

test("edge events and edge pod take the beginning of a name, but not that of a pod that is gone", async (t) => {
  const { open, events, pod, lines, errors } = device(t);
  const store = open();
  const desired = desiredPod();
  for (const name of ["greeter-1", "greeter-2", "solo-7f3a"]) {
    const id = { ...desired.pod.id, name, uid: name };
    store.desiredPods.put({ ...desired, pod: { ...desired.pod, id, metadata: { ...desired.pod.metadata, name } } });
    store.events.append({ ...crash, pod: `websocket/${name}`, message: `from ${name}` }, at(1));
  }
  store.events.append({ ...crash, pod: "websocket/sol", message: "from a pod that is gone" }, at(2));
  store.close();
  assert.equal(await events({ pod: "solo", json: true }), 0);
  assert.equal(await events({ pod: "sol", json: true }), 0);
  const messages = lines.map((line) => (JSON.parse(line) as PodEvent).message);
  assert.deepEqual(messages, ["from solo-7f3a", "from a pod that is gone"]);
  lines.length = 0;
  assert.equal(await pod("websocket/solo", true), 0);
  assert.equal((JSON.parse(lines[0] ?? "") as { metadata: { name: string } }).metadata.name, "solo-7f3a");
  assert.equal(await events({ pod: "greeter" }), 2);
  assert.equal(await pod("gretter-1", false), 1);
  assert.deepEqual(errors, [
    "greeter may be any of 2 pods; type more of the name:",
    "  websocket/greeter-1",
    "  websocket/greeter-2",
    "There is no pod gretter-1 on this device; did you mean greeter-1?",
  ]);
});
