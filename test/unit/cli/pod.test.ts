import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { podCommand } from "../../../src/cli/pod.ts";
import { type SeenOnEngine, seenPods } from "../../../src/cli/seen-pods.ts";
import type { ContainerHistory } from "../../../src/core/pod/container-history.ts";
import type { DesiredPod } from "../../../src/core/pod/desired.ts";
import type { PodRow, StatusDocument } from "../../../src/core/status-document.ts";
import { acquireRunLock } from "../../../src/sqlite/lock.ts";
import { openStore } from "../../../src/sqlite/store.ts";
import { container, desiredPod, historyOf, now, running, termination, withSpec } from "../../samples/pods.ts";

/** What the agent published before the pod's container started. */
const before: PodRow = {
  name: "web",
  namespace: "websocket",
  uid: "u1",
  phase: "Pending",
  ready: "0/1",
  status: "ContainerCreating",
  restarts: 0,
  startTime: "2026-11-22T11:59:00Z",
  reason: null,
};

const document: StatusDocument = {
  node: { name: "edge-1", conditions: [] },
  agent: { running: true, pid: 7, version: "0.1.0", startedAt: "2026-11-22T11:00:00Z" },
  center: { state: "online", url: "wss://center.example/", since: "2026-11-22T11:30:00Z", lastError: null },
  engine: { state: "ready", version: "20.10.24" },
  outbox: { pending: 0, bytes: 0, dropped: 0 },
  pods: [before],
};

/** `edge pod web` of a device with a live agent, which has stored that the pod runs and has published this. */
async function page(
  t: TestContext,
  desired: DesiredPod,
  published: StatusDocument,
  past: Partial<ContainerHistory> = {},
) {
  const dir = mkdtempSync(join(tmpdir(), "edge-pod-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const config = join(dir, "edge.config.json");
  const data = { dir: join(dir, "data"), runDir: join(dir, "run") };
  const center = { url: "ws://127.0.0.1:1/websocket/edge-1/events" };
  writeFileSync(
    config,
    JSON.stringify({ node: { name: "edge-1" }, center, engine: { socket: join(dir, "no") }, data }),
  );
  const opened = openStore({ dir: data.dir });
  assert.ok(opened.ok);
  const { store } = opened;
  const { pod } = desired;
  const alive = container(pod, running());
  const current = { id: alive.id, startedAt: "2026-11-22T11:59:30Z", seenRunning: now, engineRunId: "r" };
  const history: ContainerHistory = historyOf(pod, { current, ...past });
  store.desiredPods.put(desired);
  store.histories.put(pod.id.uid, { app: history });
  const seen: SeenOnEngine = { containers: [alive], engineRunId: "r", now };
  for (const { id, status } of seenPods(store, seen).statuses) store.statuses.put({ ...pod.id, ...id }, status);
  store.close();
  const lock = acquireRunLock(data.runDir);
  assert.ok(lock.ok);
  t.after(lock.release);
  writeFileSync(join(data.runDir, "status.json"), JSON.stringify(published));
  const lines: string[] = [];
  const io = { out: (line: string) => void lines.push(line), err: (line: string) => assert.fail(line) };
  assert.equal(await podCommand("web", { config, json: false }, io), 0);
  return lines.join("\n");
}

/** The pod with a readiness probe, which has not succeeded. */
function probed(): DesiredPod {
  const desired = desiredPod();
  const { pod } = desired;
  const readinessProbe = {
    tcpSocket: { port: 80 },
    initialDelaySeconds: 0,
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  } as const;
  const containers = pod.spec.containers.map((spec) => ({ ...spec, readinessProbe }));
  return { ...desired, pod: withSpec(pod, { ...pod.spec, containers }) };
}

test("edge pod shows one state, although what the agent published is of a moment before", async (t) => {
  const text = await page(t, desiredPod(), document);
  assert.match(text, /^Phase {6}Running\nStatus {5}Running, 1\/1 ready, 0 restarts\nStarted /m);
  assert.match(text, /^ {2}app: running since .*, ready, restarted 0 times$/m);
});

test("edge pod explains a crash loop while the container runs between two tries", async (t) => {
  const text = await page(t, desiredPod(), document, { lastTermination: termination(3), backoffLevel: 2 });
  assert.match(
    text,
    /^Status {5}Running.*\nCause {6}restarted 2 times in a row, last after: exit code 3; .*20s.*\nTo do {6}See .*--previous$/m,
  );
});

test("edge pod does not show a pending cause of a pod that has started since", async (t) => {
  const waiting = { ...before, status: "ImagePullBackOff", reason: "no such host", todo: "Check the network" };
  const text = await page(t, desiredPod(), { ...document, pods: [waiting] });
  assert.doesNotMatch(text, /no such host|Check the network|Cause|To do/);
});

test("edge pod shows the words of a failing readiness probe, which only the agent knows", async (t) => {
  const reason = "readiness failing since 11:59:40Z: HTTP 503";
  const unready = { ...before, phase: "Running", status: "Running", reason, todo: "See why" };
  const text = await page(t, probed(), { ...document, pods: [unready] });
  assert.match(
    text,
    /^Status {5}Running, 0\/1 ready, 0 restarts\nCause {6}readiness failing since .*HTTP 503\nTo do {6}See why$/m,
  );
});

test("edge pod shows a pod as last seen where the agent says that the engine does not answer", async (t) => {
  const unavailable = { state: "unavailable", version: null } as const;
  const unseen = { ...before, status: "Unknown", lastSeen: "2026-11-22T12:00:00Z" };
  const text = await page(t, desiredPod(), { ...document, engine: unavailable, pods: [unseen] });
  assert.match(text, /^Status {5}Unknown, 0\/1 ready, 0 restarts$/m);
  assert.match(text, /^Cause {6}Running, 1\/1 ready, as last seen at 2026-11-22T12:00:00Z$/m);
});
