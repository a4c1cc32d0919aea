import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadConfig } from "../../../src/cli/config-file.ts";
import { keepConfig } from "../../../src/cli/last-good-config.ts";
import { statusCommand } from "../../../src/cli/status.ts";
import { age } from "../../../src/cli/text.ts";
import type { StatusDocument } from "../../../src/core/status-document.ts";
import { acquireRunLock } from "../../../src/sqlite/lock.ts";
import { openStore } from "../../../src/sqlite/store.ts";
import { deviceFolder, mayMakeNodes } from "../../samples/device-nodes.ts";
import { liveDevice, liveStatus, podRow } from "../../samples/live-device.ts";
import { desiredPod, now } from "../../samples/pods.ts";

const options = { skip: mayMakeNodes ? false : "only root makes device nodes" };

test("edge status is as wide as the terminal, at least 80 columns, and 80 without one", async (t) => {
  const reason = "The registry answers with an error: ".repeat(5).trim();
  for (const [columns, widest] of [
    [undefined, 80],
    [0, 80],
    [40, 80],
    [120, 120],
    [500, reason.length + 2],
  ] as const) {
    const terminal = { rows: () => 24, columns: () => columns ?? 0, clear: () => undefined };
    const live = liveDevice(t, columns === undefined ? undefined : terminal);
    live.publish(liveStatus([podRow("web", { ready: "0/1", status: "ErrImagePull", reason })]));
    assert.equal(await statusCommand({ config: live.config, json: false, wide: false }, live.io), 0);
    const lengths = live.lines.map((line) => line.length);
    assert.equal(Math.max(...lengths), widest, live.lines.join("\n"));
  }
});

/** A device's folders, with an engine that is not there. */
function device(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "edge-status-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const config = join(dir, "edge.config.json");
  const data = { dir: join(dir, "data"), runDir: join(dir, "run") };
  const center = { url: "ws://127.0.0.1:1/websocket/edge-1/events" };
  writeFileSync(
    config,
    JSON.stringify({ node: { name: "edge-1" }, center, engine: { socket: join(dir, "no.sock") }, data }),
  );
  async function status(json: boolean) {
    const lines: string[] = [];
    const errors: string[] = [];
    const code = await statusCommand(
      { config, json, wide: false },
      { out: (line) => lines.push(line), err: (line) => errors.push(line) },
    );
    return { code, lines, text: lines.join("\n"), errors };
  }
  return { dir, data, config, status };
}

test("edge status reports a dead agent and engine, and shows the pods from the store", async (t) => {
  const { data, status } = device(t);
  const opened = openStore({ dir: data.dir });
  assert.ok(opened.ok);
  opened.store.desiredPods.put(desiredPod());
  opened.store.close();
  const human = await status(false);
  assert.equal(human.code, 1);
  assert.match(human.text, /Agent +.*not running/);
  assert.match(human.text, /Engine +.*unavailable/);
  assert.match(human.text, /cannot be used/);
  assert.match(human.text, /NAME +READY +STATUS +RESTARTS +AGE\nweb +0\/1 +Pending/);
  const json = await status(true);
  assert.equal(json.lines.length, 1);
  const document = JSON.parse(json.text) as StatusDocument;
  assert.deepEqual(Object.keys(document), ["node", "agent", "center", "engine", "outbox", "pods", "notices"]);
  assert.match(document.notices?.join() ?? "", /^The engine at .* cannot be used: /);
  assert.deepEqual(
    document.pods.map((pod) => [pod.name, pod.status]),
    [["web", "Pending"]],
  );
  assert.deepEqual(
    document.node.conditions.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
    ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"].map((type) => [type, null]),
  );
});

test("edge status shows nothing and creates no file before the agent ever ran", async (t) => {
  const { status } = device(t);
  const { code, text } = await status(false);
  assert.equal(code, 1);
  assert.match(text, /There is no store/);
  assert.match(text, /No pods/);
});

test("edge status shows the document of a live agent", async (t) => {
  const { data, status } = device(t);
  const lock = acquireRunLock(data.runDir);
  assert.ok(lock.ok);
  t.after(lock.release);
  const document: StatusDocument = {
    node: {
      name: "edge-1",
      conditions: [
        {
          type: "DiskPressure",
          status: "True",
          reason: "NodeHasDiskPressure",
          message: "less than 15 % of the engine's disk left",
          lastTransitionTime: "2026-11-22T11:45:00Z",
        },
      ],
    },
    agent: { running: true, pid: 7, version: "0.1.0", startedAt: "2026-11-22T11:00:00Z" },
    center: {
      state: "offline",
      url: "wss://center.example/",
      since: "2026-11-22T11:30:00Z",
      lastError: "connect ECONNREFUSED",
    },
    engine: { state: "ready", version: "20.10.24" },
    outbox: { pending: 2, bytes: 99, dropped: 1 },
    pods: [],
  };
  writeFileSync(join(data.runDir, "status.json"), JSON.stringify(document));
  const json = await status(true);
  assert.deepEqual(JSON.parse(json.text), document);
  assert.equal(json.code, 0, "offline is fine");
  const { text } = await status(false);
  assert.match(text, /Center +.*offline.*since 2026-11-22T11:30:00Z/);
  assert.match(text, /Node +edge-1\n.* DiskPressure: less than 15 % of the engine's disk left/);
  assert.match(text, /ECONNREFUSED/);
  assert.match(text, /2 waiting, 99 bytes.*1 dropped/);
});

test("edge status says that the configuration file changed since the agent read it", async (t) => {
  const { data, config, status } = device(t);
  const lock = acquireRunLock(data.runDir);
  assert.ok(lock.ok);
  t.after(lock.release);
  const shownFor = async (configRead?: object) => {
    const agent = { running: true, pid: 7, version: "0.1.0", startedAt: "2026-11-22T11:00:00Z", configRead };
    const center = { state: "none", url: "", since: null, lastError: null };
    const engine = { state: "ready", version: "20.10.24" };
    const outbox = { pending: 0, bytes: 0, dropped: 0 };
    const document = { node: { name: "edge-1" }, agent, center, engine, outbox, pods: [] };
    writeFileSync(join(data.runDir, "status.json"), JSON.stringify(document));
    return /since\s+the\s+agent\s+read\s+it/.test((await status(false)).text);
  };
  const loaded = loadConfig(config, { strict: true });
  assert.ok(loaded.ok);
  const read = { file: config, modifiedAt: loaded.modifiedAt };
  assert.equal(await shownFor(read), false);
  assert.equal(await shownFor({ ...read, modifiedAt: "1970-01-01T00:00:00.000Z" }), true);
  assert.equal(await shownFor({ file: join(data.dir, "gone.json"), modifiedAt: "1970-01-01T00:00:00.000Z" }), false);
  assert.equal(await shownFor(), false, "an agent of an earlier version");
});

test("edge status shows a certificate that ends soon, and no other", async (t) => {
  const { data, status } = device(t);
  const lock = acquireRunLock(data.runDir);
  assert.ok(lock.ok);
  t.after(lock.release);
  const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000 + 60_000).toISOString();
  const certificates = [
    { file: "/etc/edge/cert.pem", notBefore: inDays(-300), notAfter: inDays(6) },
    { file: "/etc/edge/ca.pem", notBefore: inDays(-300), notAfter: inDays(31) },
    { file: "/etc/edge/early.pem", notBefore: inDays(1), notAfter: inDays(300) },
  ];
  const center = { state: "online", url: "wss://center.example/", since: inDays(0), lastError: null, certificates };
  const document = {
    node: { name: "edge-1" },
    agent: { running: true, pid: 7, version: "0.1.0", startedAt: inDays(0) },
    center,
    engine: { state: "ready", version: "20.10.24" },
    outbox: { pending: 0, bytes: 0, dropped: 0 },
    pods: [],
  };
  writeFileSync(join(data.runDir, "status.json"), JSON.stringify(document));
  const { text } = await status(false);
  assert.match(text, /Note +The certificate in \/etc\/edge\/cert.pem expires in 6 days, at\s+20/);
  assert.match(
    text,
    /early.pem is not yet valid, it is from\s+\S+: this device's clock says \S+\s+which\s+is\s+the likely cause/,
  );
  assert.doesNotMatch(text, /ca\.pem/);
});

test("edge status names an unusable configuration and exits with 2", async (t) => {
  const { config, status } = device(t);
  writeFileSync(config, JSON.stringify({ node: {}, center: { url: "http://x" } }));
  const { code, errors } = await status(false);
  assert.equal(code, 2);
  assert.match(errors.join("\n"), /node\.name/);
  assert.match(errors.join("\n"), /center\.url/);
});

const ages = [
  [-5, "0s"],
  [119, "119s"],
  [125, "2m5s"],
  [600, "10m"],
  [3 * 3600, "3h"],
  [3 * 3600 + 300, "3h5m"],
  [47 * 3600, "47h"],
  [50 * 3600, "2d2h"],
  [40 * 86_400, "40d"],
] as const;
for (const [seconds, expected] of ages) {
  test(`edge status shows an age of ${seconds} s as ${expected}`, () => {
    assert.equal(age(new Date(now.wall - seconds * 1000).toISOString(), now.wall), expected);
  });
}

test("edge status with a broken configuration shows the document of a live agent", async (t) => {
  const { data, config, status } = device(t);
  const lock = acquireRunLock(data.runDir);
  assert.ok(lock.ok);
  t.after(lock.release);
  writeFileSync(config, JSON.stringify({ node: {}, data }));
  const document = { agent: { running: true }, engine: { state: "ready" }, notices: ["The configuration is refused"] };
  writeFileSync(join(data.runDir, "status.json"), JSON.stringify(document));
  const { code, text, errors } = await status(true);
  assert.deepEqual([code, errors], [0, []]);
  assert.deepEqual(JSON.parse(text), document);
});

test("edge status with a broken configuration and no agent uses the last good one and names the error", async (t) => {
  const { data, config, status } = device(t);
  const loaded = loadConfig(config, { strict: true });
  const opened = openStore({ dir: data.dir });
  assert.ok(loaded.ok && opened.ok);
  keepConfig(opened.store, loaded.config);
  opened.store.close();
  writeFileSync(config, JSON.stringify({ node: {}, center: { url: "http://x" }, data }));
  const { code, text, errors } = await status(false);
  assert.equal(code, 1);
  assert.match(text, /^Node +edge-1$/m);
  assert.match(errors.join("\n"), /node\.name.*\n.*center\.url|center\.url.*\n.*node\.name/);
});

test("edge status shows NPUs with their holders, from the device nodes and the store", options, async (t) => {
  const { config, data, status } = device(t);
  const dev = deviceFolder("davinci0", "davinci1");
  t.after(() => dev.close());
  const written = JSON.parse(readFileSync(config, "utf8"));
  writeFileSync(config, JSON.stringify({ ...written, node: { name: "edge-1", deviceDir: dev.path } }));
  const opened = openStore({ dir: data.dir });
  assert.ok(opened.ok);
  opened.store.npus.put({ namespace: "websocket", name: "web", uid: "u1" }, "app", ["davinci1", "davinci2"]);
  opened.store.close();
  const document = JSON.parse((await status(true)).text) as StatusDocument;
  assert.deepEqual(document.npus, [
    { name: "davinci0", present: true, holder: null },
    { name: "davinci1", present: true, holder: "websocket/web/app" },
    { name: "davinci2", present: false, holder: "websocket/web/app" },
  ]);
  const human = await status(false);
  assert.match(human.text, /NPU +davinci0 is free\n.*NPU +davinci1 is held by websocket\/web\/app\n/);
  assert.match(human.text, /davinci2 is held by websocket\/web\/app.*is not there/);
});
