import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { loadConfig } from "../../../src/cli/config-file.ts";
import { waitUntilReady } from "../../../src/cli/wait-until-ready.ts";
import type { PodRow } from "../../../src/core/status-document.ts";
import { liveDevice, liveStatus, podRow } from "../../samples/live-device.ts";

const web = { namespace: "websocket", name: "web", uid: "web" };
const creating = podRow("web", { phase: "Pending", ready: "0/1", status: "ContainerCreating" });

/**
 * Waits for pod web, whose rows these are: the first at once, and each other one as soon as something was printed about the
 * one before.
 */
async function waited(t: TestContext, ...rows: readonly PodRow[]) {
  const { config: file, publish, lines, errors } = liveDevice(t);
  const loaded = loadConfig(file, { strict: false });
  assert.ok(loaded.ok);
  const left = [...rows];
  const publishNext = () => {
    const row = left.shift();
    if (row !== undefined) publish(liveStatus([row]));
  };
  const io = {
    out: (line: string) => {
      lines.push(line.replace(/\d+\.\d s$/, "N s"));
      publishNext();
    },
    err: (line: string) => void errors.push(line),
  };
  publishNext();
  const wait = { timeoutMs: 60_000, timeout: "1m", settleMs: 1 };
  const isFine = await waitUntilReady(loaded.config, [web], wait, io, new AbortController().signal);
  return { isFine, lines, errors };
}

test("a pod that stays ready is ready, and one that was ready before is not looked at again", async (t) => {
  const ready = { isFine: true, lines: ["  ContainerCreating", "Pod web is ready after N s"], errors: [] };
  assert.deepEqual(await waited(t, creating, podRow("web")), ready);
  const crashed = podRow("web", { ready: "0/1", status: "CrashLoopBackOff" });
  const before = { isFine: true, lines: ["Pod web is ready after N s"], errors: [] };
  assert.deepEqual(await waited(t, podRow("web"), crashed), before);
});

test("a pod whose program ends soon after it was ready did not stay ready", async (t) => {
  const reason = "exit code 3 (Error)";
  const crashed = { ready: "0/1", status: "CrashLoopBackOff", reason, todo: "See why: edge logs web" };
  const { isFine, errors } = await waited(t, creating, podRow("web"), podRow("web", crashed));
  assert.equal(isFine, false);
  assert.deepEqual(errors, [
    "Pod web did not stay ready: CrashLoopBackOff, exit code 3 (Error)",
    "To do: See why: edge logs web",
  ]);
  const again = await waited(t, creating, podRow("web"), podRow("web", { restarts: 1 }));
  assert.deepEqual(again.errors, [
    "Pod web did not stay ready: Running",
    "To do: See what its last run printed: edge logs -p web",
  ]);
});

test("a pod that completes is as good as ready, and one that fails is not", async (t) => {
  const completed = podRow("web", { phase: "Succeeded", ready: "0/1", status: "Completed" });
  const done = { isFine: true, lines: ["  ContainerCreating", "Pod web has completed after N s"], errors: [] };
  assert.deepEqual(await waited(t, creating, completed), done);
  const soon = await waited(t, creating, podRow("web"), completed);
  assert.deepEqual([soon.isFine, soon.errors], [true, []]);
  const failed = await waited(t, creating, podRow("web", { phase: "Failed", ready: "0/1", status: "Error" }));
  assert.deepEqual([failed.isFine, failed.errors], [false, ["Pod web has ended and will not be ready: Error"]]);
});
