import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { logsCommand } from "../../../src/cli/logs.ts";
import { containerLabels, containerName } from "../../../src/core/pod/identity.ts";
import { openStore } from "../../../src/sqlite/store.ts";
import { desiredPod } from "../../samples/pods.ts";

const identity = {
  container: "app",
  pod: { namespace: "websocket", name: "web", uid: "u1" },
  attempt: 0,
  installId: "install-1",
  generation: 0,
  podHash: "0123456789abcdef",
  specHash: "fedcba9876543210",
  restartPolicy: "Always",
} as const;

type Answer = (path: string) => unknown;

/** A device whose engine answers so, and `edge logs` there. */
async function device(t: TestContext, answer: Answer) {
  const dir = mkdtempSync(join(tmpdir(), "edge-logs-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const socket = join(dir, "engine.sock");
  const versions = { ApiVersion: "1.41", MinAPIVersion: "1.12" };
  const engine = createServer(({ url = "" }, response) => {
    const body = url.endsWith("/version") ? versions : answer(url);
    response.end(body === null ? "" : JSON.stringify(body));
  });
  engine.listen(socket);
  t.after(() => engine.close());
  await once(engine, "listening");
  const config = join(dir, "edge.config.json");
  const data = { dir: join(dir, "data"), runDir: join(dir, "run") };
  const center = { url: "ws://127.0.0.1:1/websocket/edge-1/events" };
  writeFileSync(config, JSON.stringify({ node: { name: "edge-1" }, center, engine: { socket }, data }));
  const opened = openStore({ dir: data.dir });
  assert.ok(opened.ok);
  opened.store.desiredPods.put(desiredPod());
  opened.store.close();
  const errors: string[] = [];
  const io = { out: (line: string) => assert.fail(line), err: (line: string) => void errors.push(line) };
  const logs = (name: string) =>
    logsCommand(name, { config, json: false, follow: false }, io, AbortSignal.timeout(60_000));
  return { errors, logs };
}

test("edge logs distinguishes a pod without containers from an unknown pod", async (t) => {
  const { errors, logs } = await device(t, () => []);
  for (const name of ["web", "nobody"]) assert.equal(await logs(name), 1);
  assert.deepEqual(errors, ["Pod web has no container yet: Pending", "There is no pod nobody on this device"]);
});

test("edge logs takes the beginning of a pod's name, and suggests a name for a mistyped one", async (t) => {
  const { errors, logs } = await device(t, () => []);
  for (const name of ["we", "websocket/w", "wbe"]) assert.equal(await logs(name), 1);
  assert.deepEqual(errors, [
    "Pod we has no container yet: Pending",
    "Pod websocket/w has no container yet: Pending",
    "There is no pod wbe on this device",
  ]);
});

for (const [what, state, why] of [
  ["did not start", { ExitCode: 127, Error: "exec: /nope: no such file or directory" }, "it did not start"],
  ["has not started yet", { ExitCode: 0, Error: "" }, "it has not started yet"],
] as const) {
  test(`edge logs says of a container which ${what} that it printed nothing`, async (t) => {
    const labels = containerLabels(identity);
    const Name = `/${containerName(identity)}`;
    const zero = "0001-01-01T00:00:00Z";
    const State = { Status: "created", Running: false, StartedAt: zero, FinishedAt: zero, ...state };
    const listed = { Id: "abc", Names: [Name], Labels: labels, State: "created", Status: "Created" };
    const inspected = { Id: "abc", Name, Created: zero, Image: "sha256:1", Config: { Labels: labels }, State };
    const { errors, logs } = await device(t, (path) => {
      if (path.includes("/containers/json")) return [listed];
      return path.includes("/abc/logs") ? null : inspected;
    });
    assert.equal(await logs("web"), 0);
    assert.deepEqual(errors, [`Container app printed nothing: ${why}. See edge pod web.`]);
  });
}
