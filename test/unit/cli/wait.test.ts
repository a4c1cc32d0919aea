import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { loadConfig } from "../../../src/cli/config-file.ts";
import { type WaitOptions, waitCommand } from "../../../src/cli/wait.ts";
import { waitForPod } from "../../../src/cli/wait-for-pod.ts";
import { waitUntilReady } from "../../../src/cli/wait-until-ready.ts";
import type { DesiredPod } from "../../../src/core/pod/desired.ts";
import { openStore } from "../../../src/sqlite/store.ts";
import { desiredNamed, liveDevice, liveStatus, podRow } from "../../samples/live-device.ts";
import { historyOf } from "../../samples/pods.ts";

const noStop = new AbortController().signal;
const crashing = podRow("web", {
  ready: "0/1",
  status: "CrashLoopBackOff",
  reason: "exit code 3 (Error)",
  todo: "See why: edge logs web",
});

function device(t: TestContext) {
  const live = liveDevice(t);
  const wait = (name: string, options: Partial<WaitOptions> = {}, signal = noStop) =>
    waitCommand(name, { config: live.config, json: false, for: "Ready", timeout: "30s", ...options }, live.io, signal);
  return { ...live, wait };
}

test("edge wait ends when the pod is ready, in the words of kubectl, too", async (t) => {
  const { wait, publish, lines, errors } = device(t);
  publish(liveStatus([podRow("web")]));
  for (const name of ["web", "pod/we"])
    for (const condition of ["Ready", "condition=Ready"]) assert.equal(await wait(name, { for: condition }), 0);
  assert.deepEqual(lines, Array(4).fill("Pod web is ready"));
  lines.length = 0;
  assert.equal(await wait("web", { json: true }), 0);
  assert.deepEqual(JSON.parse(lines[0] ?? ""), { pod: "web", condition: "Ready", met: true, status: "Running" });
  assert.deepEqual(errors, []);
});

test("edge wait says the cause and what to do when time is up", async (t) => {
  const { wait, publish, lines, errors } = device(t);
  publish(liveStatus([crashing]));
  assert.equal(await wait("web", { timeout: "10ms" }), 1);
  assert.equal(await wait("web", { for: "delete", timeout: "0" }), 1);
  assert.deepEqual(errors, [
    "Pod web is not ready after 10ms: CrashLoopBackOff, exit code 3 (Error).",
    "To do: See why: edge logs web",
    "Pod web is not deleted after 0: CrashLoopBackOff, exit code 3 (Error).",
    "To do: See why: edge logs web",
  ]);
  assert.deepEqual(lines, []);
});

test("edge wait does not wait for a pod that has ended to be ready", async (t) => {
  const { wait, publish, errors } = device(t);
  publish(liveStatus([podRow("job", { phase: "Succeeded", ready: "0/1", status: "Completed" })]));
  assert.equal(await wait("job"), 1);
  assert.deepEqual(errors, ["Pod job has ended and will not be ready: Completed"]);
});

test("edge wait --for=Deleted ends when the pod is gone, was gone before, or another has its name", async (t) => {
  const { config, wait, publish, lines, errors } = device(t);
  publish(liveStatus([podRow("web", { status: "Terminating" })]));
  const loaded = loadConfig(config, { strict: false });
  assert.ok(loaded.ok);
  const pod = { namespace: "websocket", name: "web" };
  const seen: string[] = [];
  const onProgress = ({ status }: { readonly status: string }): void => {
    seen.push(status);
    publish(liveStatus([podRow("web", { uid: "another" })]));
  };
  const end = await waitForPod(loaded.config, { pod, condition: "Deleted", timeoutMs: 60_000, onProgress }, noStop);
  assert.equal(end.kind, "met");
  assert.deepEqual(seen, ["Terminating"]);
  publish(liveStatus([]));
  assert.equal(await wait("web", { for: "Deleted" }), 0);
  assert.deepEqual(lines, ["There is no pod web on this device"]);
  assert.deepEqual(errors, []);
});

test("a pod is not ready while the version before the wanted one runs", async (t) => {
  const { config, data, io, wait, publish, want, lines, errors } = device(t);
  const before = desiredNamed("web");
  const after: DesiredPod = { ...before, generation: 1 };
  want([after]);
  publish(liveStatus([podRow("web")]));
  const opened = openStore({ dir: data.dir });
  assert.ok(opened.ok);
  const { store } = opened;
  t.after(() => store.close());
  const status = {
    phase: "Running",
    startTime: "2026-11-22T11:00:00Z",
    qosClass: "Burstable",
    conditions: [],
    containerStatuses: [
      {
        name: "app",
        state: { running: { startedAt: "2026-11-22T11:00:00Z" } },
        lastState: {},
        ready: true,
        started: true,
        restartCount: 0,
        image: "app:1",
        imageID: "",
      },
    ],
  } as const;
  store.statuses.put(before.pod.id, status);
  store.histories.put("web", { app: historyOf(before.pod) });
  assert.equal(await wait("web", { timeout: "10ms" }), 1);
  assert.deepEqual(errors, [
    "Pod web is not ready after 10ms: Running. The version before its last change still runs.",
  ]);
  errors.length = 0;
  const stops = "a newer version is wanted; the container has until 12:00:30Z to stop";
  publish(liveStatus([podRow("web", { reason: stops })]));
  const loaded = loadConfig(config, { strict: false });
  assert.ok(loaded.ok);
  const limits = { timeoutMs: 10, timeout: "10ms" };
  assert.equal(await waitUntilReady(loaded.config, [before.pod.id], limits, io, noStop), false);
  assert.deepEqual(lines, [`  ${stops}`], "what an update waits for is said at once");
  store.histories.put("web", { app: historyOf(before.pod, { generation: 1 }) });
  assert.equal(await wait("web"), 0);
});

test("whether a pod is ready is unknown without its agent", async (t) => {
  const { wait, want, stopAgent, errors } = device(t);
  want([desiredNamed("web")]);
  stopAgent();
  assert.equal(await wait("web", { timeout: "10ms" }), 1);
  assert.deepEqual(errors, [
    "The agent is not running. Start it: systemctl start edge",
    "It is unknown after 10ms whether pod web is ready: the agent is not running",
  ]);
});

test("a pod is ready while a former one of its name still ends", async (t) => {
  const { wait, publish, lines } = device(t);
  publish(liveStatus([podRow("web", { uid: "a", status: "Terminating", ready: "1/1" }), podRow("web", { uid: "b" })]));
  assert.equal(await wait("web"), 0);
  assert.deepEqual(lines, ["Pod web is ready"]);
});

test("edge wait reports an unknown pod, a wrong condition and a wrong duration, and ends with its signal", async (t) => {
  const { wait, publish, errors } = device(t);
  publish(liveStatus([crashing]));
  assert.equal(await wait("wbe-server"), 1);
  assert.equal(await wait("web", { for: "Happy" }), 2);
  assert.equal(await wait("web", { timeout: "soon" }), 2);
  assert.deepEqual(errors, [
    "There is no pod wbe-server on this device",
    "--for takes Ready or Deleted: current value is Happy",
    "--timeout takes a duration such as 30s or 5m: current value is soon",
  ]);
  assert.equal(await wait("web", { timeout: "1h" }, AbortSignal.timeout(50)), 1);
  assert.deepEqual(errors.slice(3), ["Stopped waiting for pod web. The agent goes on with it: see edge pod web"]);
});
