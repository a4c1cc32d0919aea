import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Output, Terminal } from "../../src/cli/output.ts";
import { statusPath } from "../../src/cli/status-file.ts";
import type { DesiredPod } from "../../src/core/pod/desired.ts";
import { podKey } from "../../src/core/pod/spec.ts";
import type { PodRow, StatusDocument } from "../../src/core/status-document.ts";
import { replaceFile } from "../../src/linux/files.ts";
import { acquireRunLock } from "../../src/sqlite/lock.ts";
import { openStore } from "../../src/sqlite/store.ts";
import { acceptedPod, type PodOptions } from "./pods.ts";

/** A row of `edge status`: a pod of that name that runs. */
export function podRow(name: string, changes: Partial<PodRow> = {}): PodRow {
  return {
    name,
    namespace: "websocket",
    uid: name,
    phase: "Running",
    ready: "1/1",
    status: "Running",
    restarts: 0,
    startTime: "2026-11-22T11:00:00Z",
    reason: null,
    ...changes,
  };
}

/** What an agent that is online publishes of these pods. */
export function liveStatus(pods: readonly PodRow[]): StatusDocument {
  return {
    node: { name: "edge-1", conditions: [] },
    agent: { running: true, pid: 7, version: "0.1.0", startedAt: "2026-11-22T11:00:00Z" },
    center: { state: "online", url: "wss://center.example/", since: "2026-11-22T11:30:00Z", lastError: null },
    engine: { state: "ready", version: "26.1.5" },
    outbox: { pending: 0, bytes: 0, dropped: 0 },
    pods,
  };
}

/** A pod of that name that is wanted, whose uid is its name. */
export function desiredNamed(name: string, options: PodOptions = {}): DesiredPod {
  const pod = acceptedPod({ uid: name, ...options });
  return {
    pod: { ...pod, id: { ...pod.id, name }, metadata: { ...pod.metadata, name } },
    generation: 0,
    acceptedAt: { wall: Date.parse("2026-11-22T10:59:00Z"), mono: 0, bootId: "boot-1" },
    request: "m1",
    contentHash: "h",
  };
}

/** A device with a live agent, whose store and published status a test writes, and what a command prints there. */
export function liveDevice(t: TestContext, terminal?: Terminal) {
  const dir = mkdtempSync(join(tmpdir(), "edge-live-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const config = join(dir, "edge.config.json");
  const data = { dir: join(dir, "data"), runDir: join(dir, "run") };
  const center = { url: "ws://127.0.0.1:1/websocket/edge-1/events" };
  const engine = { socket: join(dir, "no.sock") };
  writeFileSync(config, JSON.stringify({ node: { name: "edge-1" }, center, engine, data }));
  const lock = acquireRunLock(data.runDir);
  assert.ok(lock.ok);
  let isRunning = true;
  const stopAgent = (): void => {
    if (isRunning) lock.release();
    isRunning = false;
  };
  t.after(stopAgent);
  const lines: string[] = [];
  const errors: string[] = [];
  const io: Output = {
    out: (line) => void lines.push(...line.split("\n")),
    err: (line) => void errors.push(...line.split("\n")),
    ...(terminal === undefined ? {} : { terminal }),
  };
  return {
    config,
    data,
    lines,
    errors,
    io,
    stopAgent,
    publish: (document: StatusDocument) =>
      replaceFile(statusPath(data.runDir), JSON.stringify(document), 0o644, { durable: false }),
    /** Writes these pods, and no others, into the store. */
    want(pods: readonly DesiredPod[]): void {
      const opened = openStore({ dir: data.dir });
      assert.ok(opened.ok);
      const wanted = pods.map(({ pod }) => podKey(pod.id));
      for (const { pod } of opened.store.desiredPods.list())
        if (!wanted.includes(podKey(pod.id))) opened.store.desiredPods.delete(pod.id.namespace, pod.id.name);
      for (const pod of pods) opened.store.desiredPods.put(pod);
      opened.store.close();
    },
  };
}
