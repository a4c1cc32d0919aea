import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createEngine } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ValidateOptions, validateCommand } from "../../../src/cli/validate.ts";
import { openStore } from "../../../src/sqlite/store.ts";
import { desiredPod, now, withSpec } from "../../samples/pods.ts";

const amounts = { cpu: "100m", memory: "64Mi" };
const pod = {
  metadata: { name: "hello" },
  spec: { containers: [{ name: "web", image: "web:1", resources: { requests: amounts, limits: amounts } }] },
};
const header = {
  msg_id: "85c67925-5768-4edd-b40e-32cf106e07e8",
  parent_msg_id: "",
  timestamp: 1,
  resourceversion: "",
  sync: true,
};
const route = { source: "controller", group: "resource", operation: "update", resource: "websocket/pod/hello" };
const config = { node: { name: "edge-1" }, center: { url: "wss://center.example/x" } };
const facts = {
  allocatable: { cpu: "1", memory: "1Gi" },
  addresses: ["127.0.0.1"],
  listening: { tcp: [8080], udp: [] },
  pods: [],
};

/** Writes each file and gives back its path; JSON unless the content is a text. */
function write(t: TestContext, files: Readonly<Record<string, unknown>>): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "validate-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return (name) => join(folder, name);
}

async function run(files: readonly string[], options: Partial<ValidateOptions> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const io = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line) };
  const code = await validateCommand(files, { json: true, config: "edge.config.json", ...options }, io);
  return { code, out, err };
}

/** The line of `--json` without what differs from device to device. */
const judged = (line = "{}") =>
  JSON.parse(line) as { accepted: boolean; violations: { path: string }[]; warnings: unknown[] };

test("edge validate checks a message and a bare Pod, as JSON and as YAML", async (t) => {
  const at = write(t, {
    "pod.json": pod,
    "message.json": { header, route, content: JSON.stringify(pod) },
    "pod.yaml":
      "metadata: {name: hello}\nspec:\n  containers:\n  - {name: web, image: 'web:1', resources: {requests: {cpu: 0.1, memory: 64Mi}, limits: {memory: 64Mi}}}\n",
    "message.YML.yml": `header: ${JSON.stringify(header)}\nroute: ${JSON.stringify(route)}\ncontent: ${JSON.stringify(pod)}\n`,
    "config.json": config,
    "facts.json": facts,
  });
  const files = ["pod.json", "message.json", "pod.yaml", "message.YML.yml"].map(at);
  const { code, out, err } = await run(files, { config: at("config.json"), node: at("facts.json") });
  assert.deepEqual([code, err], [0, []]);
  assert.deepEqual(
    out.map((line) => JSON.parse(line) as unknown),
    files.map((file) => ({ file, accepted: true, violations: [], warnings: [] })),
  );
});

test("edge validate rejects facts with an unusable resource", async (t) => {
  const at = write(t, {
    "pod.json": pod,
    "config.json": config,
    "facts.json": { ...facts, allocatable: { cpu: "1", constructor: "1" } },
  });
  const { code, err } = await run([at("pod.json")], { config: at("config.json"), node: at("facts.json") });
  assert.equal(code, 2);
  assert.match(err.join(), /allocatable: names and quantities of resources, none of which is called .*constructor/);
});

test("edge validate exits with 1 and prints every violation", async (t) => {
  const port = { containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "127.0.0.1" };
  const [container] = pod.spec.containers;
  const at = write(t, {
    "bad.json": { ...pod, spec: { restartPolicy: "x", containers: [{ ...container, ports: [port] }] } },
    "good.json": pod,
    "config.json": config,
    "facts.json": facts,
  });
  const options = { config: at("config.json"), node: at("facts.json") };
  const { code, out } = await run([at("bad.json"), at("good.json")], options);
  assert.equal(code, 1);
  assert.deepEqual(
    judged(out[0]).violations.map(({ path }) => path),
    ["spec.containers[0].ports[0].hostPort", "spec.restartPolicy"],
  );
  assert.equal(judged(out[1]).accepted, true);
  const human = await run([at("bad.json")], { ...options, json: false });
  assert.equal(human.out.length, 3);
  assert.match(human.out[0] ?? "", /bad\.json: refused, 2 violations$/);
  assert.match(
    human.out[2] ?? "",
    /restartPolicy is "x"; expected Always, OnFailure or Never {2}\[spec\.restartPolicy\]$/,
  );
});

test("edge validate rejects text that does not parse, with exit code 1", async (t) => {
  const at = write(t, {
    "half.json": "{",
    "list.json": [],
    "half.yaml": "a: [",
    "empty.yaml": "",
    "header.json": { header: {}, route, content: pod },
    "deep.json": `${'{"a":'.repeat(70)}1${"}".repeat(70)}`,
  });
  for (const name of ["half.json", "list.json", "half.yaml", "empty.yaml", "header.json", "deep.json"]) {
    const { code, out, err } = await run([at(name)]);
    assert.deepEqual([code, err, judged(out[0]).accepted, judged(out[0]).violations.length], [1, [], false, 1], name);
  }
});

test("edge validate judges a bare Pod as edge apply does, and explains the rule of an unknown field", async (t) => {
  const [container] = pod.spec.containers;
  const at = write(t, {
    "pod.json": { ...pod, spec: { containers: [{ ...container, imge: "web:1" }] } },
    "message.json": { header, route, content: { ...pod, zzz: 1 } },
    "config.json": config,
  });
  const { out } = await run([at("pod.json"), at("message.json")], { config: at("config.json"), json: false });
  assert.deepEqual(out, [
    `${at("pod.json")}: refused, 1 violation`,
    '  ✗ unknown field "spec.containers[0].imge"; did you mean "image"?  [field.unknown]',
    `${at("message.json")}: accepted`,
    "  ! zzz is not a field this device knows; it is ignored",
  ]);
  assert.match((await run([], { explain: "field.unknown", json: false })).out.join("\n"), /^source: decisions\.md 3$/m);
});

test("edge validate reports an unreadable file and judges the others", async (t) => {
  const at = write(t, { "good.json": pod, "bad.json": {}, "config.json": config });
  const files = ["good.json", "none.json", "bad.json"].map(at);
  const { code, out, err } = await run(files, { config: at("config.json") });
  assert.equal(code, 2);
  assert.deepEqual(err, [`${at("none.json")} cannot be read: no such file or directory`]);
  assert.deepEqual(
    out.map((line) => judged(line).accepted),
    [true, false],
  );
});

test("edge validate judges each document of a file and each file of a folder, and rejects YAML without one", async (t) => {
  const at = write(t, {
    "b.yaml": "# nothing\n",
    "a.yaml": `${JSON.stringify(pod)}\n---\na: 2\n`,
    "config.txt": config,
  });
  const { code, out } = await run([at(".")], { config: at("config.txt") });
  assert.equal(code, 1);
  assert.deepEqual(
    out.map((line) => [(JSON.parse(line) as { file: string }).file, judged(line).accepted]),
    [
      [at("a.yaml, document 1"), true],
      [at("a.yaml, document 2"), false],
      [at("b.yaml"), false],
    ],
  );
  assert.match(out[2] ?? "", /"message":"empty; expected a message or a Pod"/);
  const list = write(t, { "list.yaml": "- a\n" })("list.yaml");
  assert.match(
    (await run([list], { config: at("config.txt") })).out.join(),
    /"not an object; expected a message or a Pod"/,
  );
});

test("edge validate names the file of the policy after a violation of it, and a folder without files", async (t) => {
  const volumes = [{ name: "a", hostPath: { path: "/srv" } }];
  const at = write(t, { "pod.json": { ...pod, spec: { ...pod.spec, volumes } }, "config.json": config });
  mkdirSync(at("none"));
  const { out, err } = await run([at("pod.json"), at("none")], { config: at("config.json"), json: false });
  const policy = `The policy of this device is the key "policy" of ${at("config.json")}. To allow this, add to it "hostPaths": ["/srv"]. After a change of it: systemctl reload edge`;
  assert.equal(out.at(-1), policy);
  assert.deepEqual(err, [`${at("none")} cannot be read: no file in this folder ends in .yaml, .yml or .json`]);
});

test("edge validate checks a graceful delete against the pods in the facts", async (t) => {
  const metadata = { name: "hello", deletionTimestamp: "2024-01-01T00:00:00Z" };
  const stored = { metadata: { name: "hello" }, spec: { containers: [{ name: "other" }] } };
  const at = write(t, { "leaving.json": { ...pod, metadata }, "facts.json": { pods: [stored] } });
  assert.equal((await run([at("leaving.json")])).code, 0);
  const { code, out } = await run([at("leaving.json")], { node: at("facts.json") });
  assert.equal(code, 1);
  assert.deepEqual(
    judged(out[0]).violations.map(({ path }) => path),
    ["spec.containers"],
  );
});

test("edge validate exits with 2 on wrong usage and prints the reason on stderr", async (t) => {
  const at = write(t, {
    "pod.json": pod,
    "config.json": { ...config, extra: 1 },
    "facts.json": { addresses: ["x"], listening: { tcp: [70_000] } },
    "half.json": "{",
  });
  const wrong = [
    await run([]),
    await run([at("nothing.json")]),
    await run([at("pod.json")], { config: at("config.json") }),
    await run([at("pod.json")], { config: at("nothing.json") }),
    await run([at("pod.json")], { node: at("facts.json") }),
    await run([at("pod.json")], { node: at("half.json") }),
  ];
  for (const { code, out, err } of wrong) {
    assert.deepEqual([code, out], [2, []]);
    assert.notEqual(err[0], "");
  }
  assert.match(wrong[4]?.err[0] ?? "", /addresses\.0.*\n.*listening\.tcp\.0/);
});

test("edge validate judges by the pods and config maps of this device, whose own ports are free for them", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const versions = JSON.stringify({ ApiVersion: "1.41", MinAPIVersion: "1.12" });
  const engine = createEngine(({ url = "" }, response) => response.end(url.endsWith("/version") ? versions : "[]"));
  const hostPort = (server.address() as AddressInfo).port;
  const [container] = pod.spec.containers;
  const ports = [{ containerPort: 80, hostPort, protocol: "TCP", hostIP: "127.0.0.1" }] as const;
  const volumes = [{ name: "settings", configMap: { name: "kept", defaultMode: 420 } }];
  const containers = [
    { ...container, ports, volumeMounts: [{ name: "settings", mountPath: "/settings", readOnly: true }] },
  ];
  const asked = { metadata: { name: "web" }, spec: { containers, volumes } };
  const at = write(t, { "web.json": asked, "other.json": { ...asked, metadata: { name: "other" } } });
  const data = { dir: at("data"), runDir: at("run") };
  writeFileSync(at("config.json"), JSON.stringify({ ...config, data, engine: { socket: at("engine.sock") } }));
  engine.listen(at("engine.sock"));
  await once(engine, "listening");
  t.after(() => engine.close());
  const validate = async (name: string) => judged((await run([at(name)], { config: at("config.json") })).out[0]);
  const withoutStore = await validate("web.json");
  assert.deepEqual(
    withoutStore.violations.map(({ path }) => path),
    ["spec.containers[0].ports[0].hostPort"],
    "without a store nothing is known of this device's pods",
  );
  const opened = openStore({ dir: data.dir });
  assert.ok(opened.ok);
  const desired = desiredPod();
  const running = desired.pod.spec.containers.map((spec) => ({ ...spec, ports }));
  opened.store.desiredPods.put({
    ...desired,
    pod: withSpec(desired.pod, { ...desired.pod.spec, containers: running }),
  });
  opened.store.configMaps.put("kept", {}, now);
  opened.store.close();
  const { violations, warnings } = await validate("web.json");
  assert.deepEqual([violations, warnings], [[], []]);
  const other = await validate("other.json");
  assert.ok(
    other.violations.some(({ path }) => path === "spec.containers[0].ports[0].hostPort"),
    "another pod cannot have the port",
  );
  const nothing = write(t, { "facts.json": { pods: [], configMaps: ["kept"], listening: {} } });
  const replaced = await run([at("other.json")], { config: at("config.json"), node: nothing("facts.json") });
  assert.equal(replaced.code, 0, "--node replaces what the store says");
});

test("edge validate --explain explains a rule by its id", async () => {
  const { code, out } = await run([], { explain: "policy.hostPaths" });
  assert.equal(code, 0);
  assert.deepEqual(Object.keys(JSON.parse(out[0] ?? "{}") as object), ["id", "path", "expectation", "source"]);
  assert.equal((await run([], { explain: "policy.hostPaths", json: false })).out.length, 4);
  const unknown = await run([], { explain: "nothing" });
  assert.deepEqual([unknown.code, unknown.out], [1, []]);
});
