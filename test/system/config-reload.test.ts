import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, ids } from "./harness.ts";

const site = createSite(sharedEngine(), { policy: { capabilities: ["CHOWN"] } });
const uid = "99999999-0000-4000-8000-000000000001";
let sent = 0;

/** The pod once more, as a newer version that needs the owner's leave. */
function update(): string {
  sent += 1;
  const msgId = `99999999-0000-4000-9000-00000000000${sent}`;
  const securityContext = { runAsUser: 1000, runAsGroup: 1000, capabilities: { add: ["CHOWN"] } };
  const env = [{ name: "VERSION", value: String(sent) }];
  const { volumes, ...script } = site.script("term.sh", "trap 'exit 0' TERM; while true; do sleep 1 & wait; done");
  const container = { ...script, securityContext, env };
  return podUpdate({ name: "kept", uid, msgId, resourceVersion: String(sent), spec: { volumes }, container });
}

async function reload(config: string, words: RegExp): Promise<void> {
  const said = site.logOf().length;
  writeFileSync(site.config, config);
  process.kill(site.agentPid(), "SIGHUP");
  await site.eventually("the agent says that it has read its configuration", () =>
    words.test(site.logOf().slice(said)) ? true : undefined,
  );
}

const configNow = () => JSON.parse(readFileSync(site.config, "utf8"));
const withCapabilities = (...capabilities: readonly string[]) => {
  const config = configNow();
  return JSON.stringify({ ...config, policy: { ...config.policy, capabilities } });
};

describe("SIGHUP", () => {
  let first: readonly string[] = [];
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
    assert.equal((await site.ask(update())).content, "OK");
    await site.reported(uid, "Running", ({ status }) => status.phase === "Running");
    first = ids(await site.containers(uid));
  });
  after(() => site.close());

  const untouched = async () => {
    const now = await site.containers(uid);
    assert.deepEqual(ids(now), first);
    assert.ok(now.every(({ State }) => State.Running));
    assert.deepEqual(now[0]?.Config.Env.includes("VERSION=1"), true);
  };

  test("a stricter policy rejects the next update and keeps running pods", async () => {
    const agent = site.agentPid();
    const before = (await site.run("status", "--wide")).stdout;
    writeFileSync(site.config, withCapabilities());
    const unread = (await site.run("status", "--wide")).stdout;
    const doctor = (await site.run("doctor")).stdout;
    await reload(withCapabilities(), /ConfigReloaded.*changed: policy\.capabilities"/);
    const after = (await site.run("status", "--wide")).stdout;
    assert.match(unread, /Note +\S+edge\.config\.json has changed since the agent read it\. Run systemctl reload edge/);
    assert.match(
      doctor,
      /warning +configuration +\S+ has changed since the agent read it\n +Run systemctl reload edge/,
    );
    for (const page of [before, after]) assert.doesNotMatch(page, /has changed since/);
    const { content } = await site.ask(update());
    assert.match(
      String(content),
      /^FAILED: .*capabilities\.add\[0\] is "CHOWN"; expected a capability that policy\.capabilities/,
    );
    await untouched();
    assert.equal(site.published()?.agent.pid, agent);
  });

  test("an invalid configuration changes nothing", async () => {
    const kept = readFileSync(site.config, "utf8");
    const wrong = JSON.stringify({ ...configNow(), policy: { capabilities: "ALL" } });
    await reload("{", /ConfigRejected/);
    writeFileSync(site.config, wrong);
    const changed =
      /has changed since the agent read it\. It cannot be used: .* is "ALL"; .*\. Correct it; edge config check/;
    assert.match((await site.run("status", "--wide")).stdout, changed);
    await reload(wrong, /ConfigRejected/);
    const { stdout } = await site.run("status", "--wide");
    assert.match(
      stdout,
      /Note +The configuration is rejected, .* is "ALL"; .*\. Correct \S+edge\.config\.json; edge config/,
    );
    assert.doesNotMatch(stdout, /has changed since/);
    assert.match(String((await site.ask(update())).content), /^FAILED: .*"CHOWN"/);
    await untouched();
    const events = await site.run("events");
    assert.match(events.stdout, /ConfigRejected +\(device\) .*policy\.capabilities is "ALL"/);
    assert.match(events.stderr, /policy\.capabilities is "ALL"; .*\nThe last good configuration is used\n$/);
    for (const command of [["pod"], ["logs"], ["wait", "--for", "Ready"], ["restart", "--force"]]) {
      const { code, stderr } = await site.run(...command, "kept");
      assert.deepEqual([code, /policy\.capabilities is "ALL"/.test(stderr)], [0, true], stderr);
    }
    writeFileSync(site.config, kept);
  });

  test("a mistyped key of the policy is a note in edge status", async () => {
    const kept = readFileSync(site.config, "utf8");
    const policy = { ...configNow().policy, hostPath: ["/srv"] };
    await reload(JSON.stringify({ ...configNow(), policy }), /ConfigReloaded/);
    const note =
      /Note +\S+edge\.config\.json: unknown key "policy\.hostPath"; did you mean "policy\.hostPaths"\? \(ignored\)/;
    assert.match((await site.run("status", "--wide")).stdout, note);
    await reload(kept, /ConfigReloaded/);
    assert.doesNotMatch((await site.run("status", "--wide")).stdout, /unknown key/);
  });

  test("an update that the policy allows again is accepted", async () => {
    await reload(withCapabilities("CHOWN"), /ConfigReloaded.*changed: policy\.capabilities"/);
    assert.equal((await site.ask(update())).content, "OK");
    await site.eventually("the new version runs", async () => {
      const running = (await site.containers(uid)).filter(({ State }) => State.Running);
      return running.some(({ Config }) => Config.Env.includes(`VERSION=${sent}`)) || undefined;
    });
  });

  test("a key that needs a restart is named in the event and in edge status", async () => {
    const kept = readFileSync(site.config, "utf8");
    const center = { ...configNow().center, keepaliveSeconds: 33 };
    const words = /ConfigReloaded.*no change of policy and log\. After a restart: center\.keepaliveSeconds"/;
    await reload(JSON.stringify({ ...configNow(), center }), words);
    const notice = /has changes that need a restart: center\.keepaliveSeconds\. Run systemctl restart edge/;
    assert.match((await site.run("status", "--wide")).stdout, notice);
    await reload(kept, /ConfigReloaded.*no change of policy and log"/);
    assert.doesNotMatch((await site.run("status", "--wide")).stdout, /need a restart/);
  });

  test("edge validate --explain prints what a rule requires and why", async () => {
    const { code, stdout } = await site.run("validate", "--explain", "policy.capabilities");
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^id: policy\.capabilities\npath: spec\.containers\[\]\.securityContext\.capabilities\.add\[\]\n/,
    );
    assert.match(stdout, /^expectation: a capability that policy\.capabilities of this device lists/m);
    assert.match(stdout, /^source: decisions\.md 17$/m);
    const json = await site.run("validate", "--json", "--explain", "policy.hostPaths");
    assert.equal((JSON.parse(json.stdout) as { id: string }).id, "policy.hostPaths");
    const unknown = await site.run("validate", "--explain", "policy.nothing");
    assert.deepEqual([unknown.code, unknown.stdout], [1, ""]);
    assert.match(unknown.stderr, /There is no rule policy\.nothing/);
  });
});
