import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type LogsOptions, logsCommand } from "../../../src/cli/logs.ts";
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

const usual = { json: false, allContainers: false, follow: false, previous: false, timestamps: false } as const;

type Answer = (path: string) => unknown;

/** A device whose engine answers so, and `edge logs` there. */
async function device(t: TestContext, answer: Answer) {
  const dir = mkdtempSync(join(tmpdir(), "edge-logs-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const socket = join(dir, "engine.sock");
  const versions = { ApiVersion: "1.41", MinAPIVersion: "1.12" };
  const engine = createServer(({ url = "" }, response) => {
    const body = url.endsWith("/version") ? versions : answer(url);
    response.end(body === null ? "" : Buffer.isBuffer(body) ? body : JSON.stringify(body));
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
  const lines: string[] = [];
  const io = { out: (line: string) => void lines.push(line), err: (line: string) => void errors.push(line) };
  const logs = (name: string, options: Partial<LogsOptions> = {}) =>
    logsCommand(name, { ...usual, config, ...options }, io, AbortSignal.timeout(60_000));
  return { lines, errors, logs };
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
    "Pod web has no container yet: Pending",
    "Pod web has no container yet: Pending",
    "There is no pod wbe on this device",
  ]);
});

const ran = { StartedAt: "2026-11-30T12:00:00Z", FinishedAt: "2026-11-30T12:00:01Z" };

for (const [what, state, why] of [
  ["did not start", { ExitCode: 127, Error: "exec: /nope: no such file or directory" }, "it did not start"],
  ["has not started yet", { ExitCode: 0, Error: "" }, "it has not started yet"],
  ["has ended", { Status: "exited", ExitCode: 3, Error: "", ...ran }, "it ended with exit code 3"],
] as const) {
  test(`edge logs says of a container which ${what} that it printed nothing`, async (t) => {
    const labels = containerLabels(identity);
    const Name = `/${containerName(identity)}`;
    const zero = "0001-01-01T00:00:00Z";
    const State = { Status: "created", Running: false, StartedAt: zero, FinishedAt: zero, ...state };
    const listed = { Id: "abc", Names: [Name], Labels: labels, State: State.Status, Status: "" };
    const inspected = { Id: "abc", Name, Created: zero, Image: "sha256:1", Config: { Labels: labels }, State };
    const { errors, logs } = await device(t, (path) => {
      if (path.includes("/containers/json")) return [listed];
      return path.includes("/abc/logs") ? null : inspected;
    });
    assert.equal(await logs("web"), 0);
    assert.deepEqual(errors, [`Container app printed nothing: ${why}. See edge pod web.`]);
  });
}

/** An engine with the newest run and the one before it of two containers, each of which has printed one line. */
function ofTwo(asked: string[]): Answer {
  const runs = ["app", "helper"].flatMap((name) =>
    [0, 1].map((attempt) => {
      const made = { ...identity, container: name, attempt };
      const Labels = containerLabels(made);
      const StartedAt = `2026-11-22T11:0${attempt}:00Z`;
      const word = attempt === 0 ? "exited" : "running";
      const State = { Status: word, Running: attempt > 0, StartedAt, FinishedAt: StartedAt, ExitCode: 0, Error: "" };
      const Id = `${name}${attempt}`;
      const listed = { Id, Names: [`/${containerName(made)}`], Labels, State: word, Status: word };
      const inspected = { Id, Name: listed.Names[0], Created: StartedAt, Image: "sha256:1", Config: { Labels }, State };
      return { Id, listed, inspected };
    }),
  );
  return (url) => {
    if (url.includes("/containers/json")) return runs.map(({ listed }) => listed);
    const run = runs.find(({ Id }) => url.includes(`/${Id}/`));
    if (!url.includes("/logs")) return run?.inspected;
    asked.push(url);
    const time = url.includes("timestamps=true") ? "2026-11-22T11:00:00.5Z " : "";
    const line = Buffer.from(`${time}hello from ${run?.Id}\n`);
    return Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, line.length]), line]);
  };
}

test("edge logs --all-containers names the container of each line", async (t) => {
  const { lines, errors, logs } = await device(t, ofTwo([]));
  assert.equal(await logs("web", { allContainers: true }), 0);
  assert.deepEqual(lines, ["[app] hello from app1", "[helper] hello from helper1"]);
  lines.length = 0;
  assert.equal(await logs("web", { allContainers: true, json: true, follow: true, timestamps: true }), 0);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).sort((a, b) => (a.container < b.container ? -1 : 1)),
    [
      { container: "app", time: "2026-11-22T11:00:00.5Z", stream: "stdout", line: "hello from app1" },
      { container: "helper", time: "2026-11-22T11:00:00.5Z", stream: "stdout", line: "hello from helper1" },
    ],
  );
  assert.equal(await logs("web"), 2);
  assert.equal(await logs("web", { allContainers: true, container: "app" }), 2);
  assert.deepEqual(errors, [
    "Pod web has several containers, name one with -c or use --all-containers: app, helper",
    "-c and --all-containers exclude each other: leave one out",
  ]);
});

test("edge logs --previous prints the last run that has ended, or that the engine has none", async (t) => {
  const { lines, logs } = await device(t, ofTwo([]));
  assert.equal(await logs("web", { container: "app", previous: true }), 0);
  assert.deepEqual(lines, ["hello from app0"]);
  const labels = containerLabels(identity);
  const zero = "0001-01-01T00:00:00Z";
  const State = { Status: "created", Running: false, StartedAt: zero, FinishedAt: zero, ExitCode: 0, Error: "" };
  const Name = `/${containerName(identity)}`;
  const only = await device(t, (path) =>
    path.includes("/containers/json")
      ? [{ Id: "abc", Names: [Name], Labels: labels, State: "created", Status: "Created" }]
      : { Id: "abc", Name, Created: zero, Image: "sha256:1", Config: { Labels: labels }, State },
  );
  assert.equal(await only.logs("web", { previous: true }), 1);
  const none = "The engine has no run of container app that has ended. See edge pod web for earlier ones.";
  assert.deepEqual(only.errors, [none]);
});

test("edge logs asks the engine for the part that --since, --tail and --timestamps name", async (t) => {
  const asked: string[] = [];
  const { lines, errors, logs } = await device(t, ofTwo(asked));
  const since = "2026-11-22T11:00:00.250Z";
  assert.equal(await logs("web", { container: "app", since, tail: "7", timestamps: true }), 0);
  assert.deepEqual(lines, ["2026-11-22T11:00:00.5Z hello from app1"]);
  const query = new URL(asked[0] ?? "", "http://engine").searchParams;
  assert.deepEqual(
    ["since", "tail", "timestamps"].map((name) => query.get(name)),
    [String(Date.parse(since) / 1000).padEnd(14, "0"), "7", "true"],
  );
  const before = Date.now();
  assert.equal(await logs("web", { container: "app", since: "1h" }), 0);
  const from = Number(new URL(asked[1] ?? "", "http://engine").searchParams.get("since")) * 1000;
  assert.ok(from >= before - 3_600_000 - 1 && from <= Date.now() - 3_600_000, `${from}`);
  assert.equal(await logs("web", { since: "yesterday" }), 2);
  assert.match(
    errors[0] ?? "",
    /^--since takes a duration such as 30s or 5m, or a time .*: current value is yesterday$/,
  );
});
