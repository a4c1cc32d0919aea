import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { waitUntil } from "../../scripts/processes.ts";
import { installProgram, type Program } from "../../scripts/programs.ts";
import { testImages } from "../../scripts/test-images.ts";
import { version } from "../../src/cli/version.ts";
import { openStore } from "../../src/sqlite/store.ts";
import { podDelete, podUpdate } from "../samples/messages.ts";
import { createSite, only } from "./harness.ts";
import { deadlineMs } from "./sockets.ts";

/** What a file gives to `test`: the runner counts a test to the file that calls it. */
export type Case = readonly [name: string, work: () => void | Promise<void>];

const uid = "00000000-0000-4000-8000-000000000001";
const pod = {
  name: "web",
  uid,
  msgId: "00000000-0000-4000-8000-0000000000a1",
  container: { image: testImages.greeter },
};

/** Tests of the commands that need neither engine nor center. */
export function aloneInFolder(program: Program): readonly Case[] {
  const cases: Case[] = [];
  const add = (...one: Case): number => cases.push(one);
  const folder = mkdtempSync(join(tmpdir(), "edge-program-"));
  const data = mkdtempSync(join(tmpdir(), "edge-program-data-"));
  after(() => {
    for (const dir of [folder, data]) rmSync(dir, { recursive: true });
  });
  const edge = (...args: readonly string[]): SpawnSyncReturns<string> => {
    const [command, ...rest] = installProgram(program, folder);
    return spawnSync(command, [...rest, ...args], { cwd: folder, encoding: "utf8", timeout: 120_000 });
  };

  add("says its version", () => {
    const { stdout, stderr, status } = edge("--version");
    assert.equal(stdout.trim(), version, stderr);
    assert.equal(status, 0);
  });

  add("validates a pod", () => {
    const [good, bad] = ["good.json", "bad.json"].map((name) => join(data, name)) as [string, string];
    writeFileSync(good, podUpdate(pod));
    writeFileSync(bad, podUpdate({ ...pod, spec: { hostNetwork: true } }));
    const accepted = edge("validate", good);
    assert.equal(accepted.status, 0, accepted.stdout + accepted.stderr);
    const refused = edge("validate", bad);
    assert.equal(refused.status, 1, refused.stdout + refused.stderr);
    assert.match(refused.stdout, /spec\.hostNetwork/);
  });

  add("reads a database with the SQLite that it carries", () => {
    const config = storeOfOneMessage(data);
    const { stdout, stderr } = edge("--config", config, "--json", "status");
    assert.notEqual(stdout, "", stderr);
    assert.equal(JSON.parse(stdout).outbox.pending, 1);
  });

  add("leaves no file in its folder or among temporary files", async () => {
    assert.equal(readdirSync(folder).length, 1);
    const places = ["/dev/shm", "/run", tmpdir(), "/var/tmp"];
    const left = () => places.flatMap((name) => readdirSync(name)).filter((name) => name.startsWith("edge-addon-"));
    // A program of another test, which starts just now, has its own there for a moment.
    assert.ok(await waitUntil(() => left().length === 0, deadlineMs), left().join());
  });
  return cases;
}

/** Tests of an agent and its center: database, TLS, WebSocket, the Docker socket, and what becomes of a pod. */
export function throughLife(program: Program): readonly Case[] {
  const cases: Case[] = [];
  const add = (...one: Case): number => cases.push(one);
  const site = createSite(sharedEngine(), { program, tls: true });
  after(() => site.close());

  add("runs a pod, reports it and deletes it", async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
    assert.equal((await site.ask(podUpdate(pod))).content, "OK");
    await site.reported(uid, "Running", ({ status }) => status.phase === "Running");
    const { State } = only((await site.containers(uid)).filter(isApp));
    assert.equal(State.Running, true);
    await site.shown("the running pod", ({ pods }) => pods.some(({ status }) => status === "Running"));
    const { code, document } = await site.status();
    assert.deepEqual([code, document.agent.pid, document.center.state], [0, site.agentPid(), "online"]);
    assert.equal(only(document.pods).name, pod.name);
  });

  add("adopts its pod after a kill", async () => {
    const { Id } = only((await site.containers(uid)).filter(isApp));
    await site.endAgent("SIGKILL");
    await site.startAgent();
    await site.online();
    const reports = site.reports().length;
    await site.eventually("a report", () => site.reports().length > reports || undefined);
    await site.reported(uid, "Running", ({ status }) => status.phase === "Running");
    assert.equal(only((await site.containers(uid)).filter(isApp)).Id, Id);
    const deletion = podDelete({ ...pod, msgId: "00000000-0000-4000-8000-0000000000a2" });
    assert.equal((await site.ask(deletion)).content, "OK");
    await site.eventually("no container", async () => (await site.containers(uid)).length === 0 || undefined);
    await site.endAgent("SIGTERM");
    assert.match(site.logOf(), /Agent stopped; pods keep running/);
  });
  return cases;
}

function isApp({ Config }: { readonly Config: { readonly Labels: Readonly<Record<string, string>> } }): boolean {
  return Config.Labels["io.kubernetes.container.name"] === "app";
}

/** Makes a data folder whose store holds one message for the center, and returns the configuration that names it. */
function storeOfOneMessage(dir: string): string {
  const opened = openStore({ dir });
  assert.ok(opened.ok);
  opened.store.outbox.append("reply", "{}");
  opened.store.close();
  const config = {
    node: { name: "edge-1", serialNumber: "edge-1" },
    center: { url: "ws://127.0.0.1:1/websocket/edge-1/events" },
    engine: { socket: join(dir, "no-engine.sock") },
    data: { dir, runDir: join(dir, "run") },
  };
  const file = join(dir, "config.json");
  writeFileSync(file, JSON.stringify(config));
  return file;
}
