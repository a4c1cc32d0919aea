import assert from "node:assert/strict";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { configJsonSchema, schemaFile } from "../../../scripts/config-schema.ts";
import { loadConfig } from "../../../src/cli/config-file.ts";
import { main } from "../../../src/cli/program.ts";

const reload = "A running agent reads its policy at systemctl reload edge, all of it at a restart";
const small = { node: { name: "edge-1" }, center: { url: "wss://center.example/websocket/edge-1/events" } };

/** The command on a file that holds this. */
function device(t: TestContext, content: unknown) {
  const folder = mkdtempSync(join(tmpdir(), "edge-config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "edge.config.json");
  if (content !== undefined) writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  const edge = async (...args: readonly string[]) => {
    const [out, err]: [string[], string[]] = [[], []];
    const code = await main(["--config", file, ...args], {
      out: (line) => out.push(line),
      err: (line) => err.push(line),
    });
    return { code, out: out.join("\n"), err: err.join("\n") };
  };
  return { file, edge };
}

test("edge config prints every default, and no value of a header", async (t) => {
  const { edge } = device(t, {
    ...small,
    extra: 1,
    center: { ...small.center, headers: { authorization: "hunter2" } },
  });
  const human = await edge("config");
  assert.equal(human.code, 0);
  assert.equal(human.err, 'unknown key "extra" (ignored)');
  const { center, data } = JSON.parse(human.out);
  assert.deepEqual(
    [center.headers, center.keepaliveSeconds, data.dir],
    [{ authorization: "(hidden)" }, 15, "/var/lib/edge"],
  );
  const json = await edge("config", "--json");
  assert.equal(json.out.includes("\n"), false);
  assert.deepEqual(JSON.parse(json.out), JSON.parse(human.out));
  assert.equal(`${human.out}${human.err}${json.out}`.includes("hunter2"), false);
});

test("edge run rejects a data folder and a run folder of another user", {
  skip: process.geteuid?.() === 0 ? false : "only root can give a folder away",
}, async (t) => {
  for (const key of ["dir", "runDir"]) {
    const folder = mkdtempSync(join(tmpdir(), "edge-stranger-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const data = { dir: join(folder, "dir"), runDir: join(folder, "runDir") };
    mkdirSync(join(folder, key));
    chownSync(join(folder, key), 1234, 1234);
    const { edge } = device(t, { ...small, data });
    const { code, err } = await edge("run");
    assert.equal(code, 1);
    assert.match(err, new RegExp(`${key} belongs to another user \\(uid 1234\\)`));
    assert.equal(existsSync(join(folder, "dir", "store.db")), false);
  }
});

test("edge config check names every problem at once", async (t) => {
  const { file, edge } = device(t, { ...small, extra: 1, log: { level: "loud" }, center: { url: "http://x" } });
  const { code, out } = await edge("config", "check");
  assert.equal(code, 2);
  assert.deepEqual(out.split("\n").sort(), [
    'center.url is "http://x"; expected a wss:// address, or ws:// of a loopback address',
    'log.level is "loud"; expected debug, info, warn or error',
    'unknown key "extra"',
  ]);
  const json = JSON.parse((await edge("config", "check", "--json")).out);
  assert.deepEqual([json.file, json.accepted, json.violations.length], [file, false, 3]);
});

test("edge config check accepts a valid file and names unused keys", async (t) => {
  const { file, edge } = device(t, { ...small, center: { ...small.center, namespace: {} } });
  assert.deepEqual(await edge("config", "check"), {
    code: 0,
    out: `center.namespace is reserved for a later version; it has no effect yet\n${file} is valid. ${reload}`,
    err: "",
  });
});

test("edge config check warns of policy entries without effect and of missing files", async (t) => {
  const hostPaths = ["/proc/**", "/var/**", "/run/edge/x", "/var/lib/docker/modelfile"];
  const { file, edge } = device(t, {
    ...small,
    center: { ...small.center, tls: { ca: "/nowhere/ca.pem" } },
    policy: { hostPaths },
  });
  const { code, out } = await edge("config", "check");
  assert.equal(code, 0);
  assert.deepEqual(out.split("\n"), [
    'policy.hostPaths[0] is "/proc/**", which no pod may see; it has no effect',
    'policy.hostPaths[2] is "/run/edge/x", which no pod may see; it has no effect',
    'center.tls.ca is "/nowhere/ca.pem", and there is no such file yet',
    `${file} is valid. ${reload}`,
  ]);
});

test("edge config reports a placeholder without a value, with what to do", async (t) => {
  const { edge } = device(t, {
    node: { name: "edge-{serialNumber}", serialNumber: "{serialNumber}" },
    center: small.center,
  });
  const { out, code } = await edge("config", "check");
  // On a machine that has a serial number the file is right.
  if (code === 2)
    assert.match(
      out,
      /^node\.name uses \{serialNumber\}, and no serial number of this device can be read; set node\.serialNumber/,
    );
  const given = device(t, {
    node: { name: "edge-{serialNumber}", serialNumber: "S1" },
    center: { url: "wss://c/{serialNumber}" },
  });
  const config = JSON.parse((await given.edge("config")).out);
  assert.deepEqual(
    [config.node, config.center.url],
    [{ name: "edge-S1", serialNumber: "S1", deviceDir: "/dev" }, "wss://c/S1"],
  );
});

test("every command without a configuration says which file to write", async (t) => {
  const { file, edge } = device(t, undefined);
  for (const command of [["config"], ["status"], ["run"]]) {
    const { code, err, out } = await edge(...command);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(
      err,
      new RegExp(
        `^There is no ${file}\\. No configuration: write the device's name and its center's address into ${file}, as in`,
      ),
    );
  }
});

test("edge config reads a file with a byte order mark, and says what an empty file needs", async (t) => {
  const marked = device(t, `\uFEFF${JSON.stringify(small)}`);
  assert.equal((await marked.edge("config", "check")).code, 0);
  const { file, edge } = device(t, "\n");
  const { code, err } = await edge("events");
  assert.equal(code, 2);
  assert.ok(err.startsWith(`${file} is empty. No configuration: write`), err);
});

test("edge config prints each problem once, with its file", async (t) => {
  const { file, edge } = device(t, { ...small, images: { high: 70, low: 80 } });
  const { code, err } = await edge("events");
  assert.deepEqual([code, err], [2, `${file}: images.low is 80; expected less than images.high, which is 70`]);
});

test("edge config schema prints the schema of the configuration", async (t) => {
  const { edge } = device(t, undefined);
  const { code, out } = await edge("config", "schema");
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out), configJsonSchema());
  assert.deepEqual(JSON.parse(readFileSync(schemaFile, "utf8")), configJsonSchema(), "npm run docs writes it");
});

test("edge config rejects a configuration that others may write or replace", async (t) => {
  const { file, edge } = device(t, small);
  for (const [path, mode, back] of [
    [file, 0o666, 0o644],
    [dirname(file), 0o777, 0o700],
  ] as const) {
    chmodSync(path, mode);
    const { code, err } = await edge("config");
    assert.equal(code, 2);
    assert.ok(err.includes(`is not used: others may write to ${path}`), err);
    chmodSync(path, back);
    assert.equal((await edge("config")).code, 0);
  }
});

test("root reads no configuration from the current folder", (t) => {
  const { file } = device(t, small);
  const before = process.cwd();
  process.chdir(dirname(file));
  t.after(() => process.chdir(before));
  const { file: used } = loadConfig(undefined, { strict: false });
  if (process.geteuid?.() === 0) assert.notEqual(used, "edge.config.json");
  else assert.equal(used, "edge.config.json");
});
