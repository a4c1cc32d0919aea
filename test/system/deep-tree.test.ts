import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { isRunning } from "../../scripts/processes.ts";
import { gracefulDelete, podUpdate } from "../samples/messages.ts";
import { createSite } from "./harness.ts";

/** Deeper than the path that the kernel takes; docs/reliability.md has the figure for 21,000. */
const levels = Number(process.env["EDGE_LEVELS"] ?? 2_100);
const uid = "12121212-0000-4000-8000-000000000001";
const run = promisify(execFile);
const grow = `for (let i = 0; i < ${levels}; i += 1) { require("fs").mkdirSync("d"); process.chdir("d"); }`;

test(`a pod with folders ${levels} levels deep in its emptyDir is deleted with all of them, and the agent stays`, async (t) => {
  const site = createSite(sharedEngine(), { program: "executable" });
  after(async () => {
    // What is left of a failed run is too deep for `rmSync`.
    await run("rm", ["-rf", site.dataDir]);
    await site.close();
  });
  await site.startCenter();
  await site.startAgent();
  await site.online();
  const pid = site.agentPid();
  const container = {
    command: ["/bin/sleep", "1000"],
    volumeMounts: [{ name: "work", mountPath: "/work", readOnly: true }],
  };
  const spec = { volumes: [{ name: "work", emptyDir: {} }] };
  const pod = { name: "deep", uid, container, spec };
  assert.equal((await site.ask(podUpdate({ ...pod, msgId: uid }))).content, "OK");
  await site.reported(uid, "Running", ({ status }) => status.phase === "Running");
  const pods = join(site.dataDir, "pods");
  await run(process.execPath, ["-e", grow], { cwd: join(pods, uid, "empty-dir", "work") });
  const began = performance.now();
  const answered = await site.ask(gracefulDelete({ ...pod, msgId: "12121212-0000-4000-8000-000000000002" }, 1));
  assert.equal(answered.content, "OK");
  const saidMs = performance.now() - began;
  await site.eventually("the pod is gone", () => (site.latest()?.length === 0 ? true : undefined));
  const goneMs = performance.now() - began;
  await site.eventually("its folders are gone", () => (readdirSync(pods).length === 0 ? true : undefined), 240_000);
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  t.diagnostic(
    `answered after ${seconds(saidMs)}, pod gone after ${seconds(goneMs)}, folders after ${seconds(performance.now() - began)}`,
  );
  assert.ok(isRunning(pid) && site.agentPid() === pid, "the agent is the same process");
  await site.shown("no pod", (document) => document.pods.length === 0);
});
