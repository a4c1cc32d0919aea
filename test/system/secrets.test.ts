import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { configMapUpdate, podUpdate, registrySecret, secretUpdate } from "../samples/messages.ts";
import { createSite } from "./harness.ts";

const site = createSite(sharedEngine());
const id = (number: number): string => `77777777-0000-4000-8000-${String(number).padStart(12, "0")}`;
/** What must be nowhere, in whichever of the two forms it may be written. */
const auth = Buffer.from("edge:hunter2-registry").toString("base64");
const secrets = ["header", "token", "login", "map", "registry", "refused"].map((name) => `hunter2-${name}`);
const everySecret = [...secrets, auth, ...secrets.map((secret) => Buffer.from(secret).toString("base64"))];
/** Of a pod that runs: a restart needs it. */
const variable = "hunter2-variable";

const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());

/** The files that hold one of these words. */
const holding = (files: readonly string[], words: readonly string[]): readonly string[] =>
  files.filter((file) => {
    const content = readFileSync(file, "latin1");
    return words.some((word) => content.includes(word));
  });

describe("a secret in the configuration or in messages", () => {
  const printed: string[] = [];
  const run = async (...args: readonly string[]): Promise<void> => {
    const { stdout, stderr } = await site.run(...args);
    printed.push(`${stdout}${stderr}`);
  };
  const looks = async (): Promise<void> => {
    for (const json of [[], ["--json"]]) {
      for (const command of [["status"], ["status", "--wide"], ["doctor"], ["events"], ["config"]])
        await run(...command, ...json);
    }
    await run("config", "check", "--json");
    await run("pod", "keeps");
  };

  before(async () => {
    await site.startCenter();
    const config = JSON.parse(readFileSync(site.config, "utf8"));
    const url = `${config.center.url}?token=hunter2-token`;
    const center = { ...config.center, url, headers: { "x-token": "hunter2-header" } };
    writeFileSync(site.config, JSON.stringify({ ...config, center }));
    await site.startAgent();
    await site.online();
    assert.equal((await site.ask(configMapUpdate("settings", id(1), { key: "hunter2-map" }))).content, "OK");
    assert.equal((await site.ask(secretUpdate(id(2), { auths: { "127.0.0.1:9": { auth } } }))).content, "OK");
    const env = [{ name: "PASSWORD", value: variable }];
    const container = { command: ["/bin/sleep", "1000"], env };
    assert.equal((await site.ask(podUpdate({ name: "keeps", uid: id(3), msgId: id(3), container }))).content, "OK");
    await site.reported(id(3), "Running", ({ status }) => status.phase === "Running");
    const pulls = { image: "127.0.0.1:9/nothing:1", env };
    const spec = { imagePullSecrets: [{ name: registrySecret }] };
    const cannotPull = podUpdate({ name: "pulls", uid: id(4), msgId: id(4), container: pulls, spec });
    assert.equal((await site.ask(cannotPull)).content, "OK");
    await site.wasReported(id(4), "ErrImagePull", ({ status }) => JSON.stringify(status).includes("ErrImagePull"));
    for (const wrong of [["PASSWORD=hunter2-refused"], [{ name: "PASSWORD", value: "hunter2-refused!" }]]) {
      const message = { name: "wrong", uid: id(5), msgId: id(50 + wrong.length), container: { env: wrong } };
      assert.match(String((await site.ask(podUpdate(message))).content), /spec\.containers\[0\]\.env\[0\]/);
    }
    await looks();
    await site.endAgent("SIGTERM");
    await looks();
    // An address with a login is refused, and the last good configuration has to hold.
    const broken = { ...center, url: "wss://edge:hunter2-login@center.example/?hunter2-token" };
    writeFileSync(site.config, JSON.stringify({ ...config, center: broken }));
    await site.startAgent();
    await site.online();
    await looks();
  });
  after(() => site.close());

  test("appears in no file and no log of the agent", () => {
    const files = [...filesIn(site.dataDir), ...filesIn(site.runDir), site.agentLog];
    const rejection = [join(site.dataDir, "store.db-wal"), join(site.runDir, "status.json"), site.agentLog];
    assert.deepEqual(holding(files, ["center.example"]), rejection);
    assert.deepEqual(holding(files, everySecret), []);
  });

  test("appears in no output of a command", () => {
    const pages = printed.join("\n");
    assert.match(pages, /center\.url is "wss:\/\/\(hidden\)@center\.example\/\?\(hidden\)"/);
    assert.match(pages, /events\?\(hidden\)/);
    for (const secret of [...everySecret, variable]) assert.equal(pages.includes(secret), false, secret);
  });

  test("appears in no message to the center", () => {
    const told = JSON.stringify(site.records());
    for (const secret of everySecret) assert.equal(told.includes(secret), false, secret);
  });

  test("appears as pod environment only in files for root and the group edge", () => {
    const files = [...filesIn(site.dataDir), ...filesIn(site.runDir), site.agentLog];
    const found = holding(files, [variable]);
    assert.notDeepEqual(found, []);
    for (const file of found) assert.equal(statSync(file).mode & 0o077, 0, file);
  });
});
