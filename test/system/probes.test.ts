import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, type Entry, ids, only } from "./harness.ts";

const site = createSite(sharedEngine());
const uidOf = (name: string): string =>
  `33333333-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`;
const hostFile = (name: string): string => join(site.hostFolder, name);

/** A script in the container that runs until it is told to end. */
const forever = "trap 'exit 0' TERM\nwhile true; do sleep 1 & wait; done\n";
/** The container's program answers HTTP with the files of the host's folder. */
const server = "exec httpd -f -p 8080 -h /host\n";

/** Accepts a pod whose container runs the script, with the probes of `container`. */
async function accept(
  name: string,
  script: string,
  container: Readonly<Record<string, unknown>>,
  spec: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const { command, volumes, volumeMounts } = site.script(`${name}.sh`, script);
  const msgId = `30000000-${uidOf(name).slice(9)}`;
  const update = podUpdate({
    name,
    uid: uidOf(name),
    msgId,
    spec: { volumes, ...spec },
    container: { command, volumeMounts, ...container },
  });
  assert.equal((await site.ask(update)).content, "OK", name);
}

/** A program for an exec probe: the message may name one, not give it arguments. */
function program(name: string, lines: string): { readonly exec: { readonly command: readonly [string] } } {
  writeFileSync(hostFile(name), `#!/bin/sh\n${lines}`, { mode: 0o755 });
  return { exec: { command: [`/host/${name}`] } };
}

const isReady = ({ status }: Entry): boolean =>
  only(status.containerStatuses).ready &&
  status.conditions.filter(({ type }) => /Ready$/.test(type)).every((one) => one.status === "True");
const isUnready = ({ status }: Entry): boolean =>
  only(status.containerStatuses).state.running !== undefined &&
  !only(status.containerStatuses).ready &&
  status.conditions.filter(({ type }) => /Ready$/.test(type)).every((one) => one.reason === "ContainersNotReady");
/** The actions that the agent logged for a pod. */
const actions = (name: string): readonly string[] =>
  site
    .logOf()
    .split("\n")
    .filter((line) => line.includes(`"websocket/${name}"`))
    .map((line) => (JSON.parse(line) as { readonly message?: string }).message ?? "");

describe("probes", () => {
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
  });
  after(() => site.close());

  test("a liveness program that fails three times restarts the container, with count and reason", async () => {
    const name = "sick";
    const uid = uidOf(name);
    // The first container of the pod falls ill once the file is there, the next one is well again without it.
    const livenessProbe = {
      ...program("sick-live", `test ! -e /host/sick || { echo ill; exit 3; }\n`),
      periodSeconds: 1,
    };
    await accept(name, forever, { livenessProbe });
    await site.reported(uid, "ready", isReady);
    const first = ids(await site.containers(uid));
    writeFileSync(hostFile("sick"), "");
    const entry = await site.reported(
      uid,
      "a restart",
      ({ status }) => only(status.containerStatuses).restartCount === 1,
    );
    await rm(hostFile("sick"));
    const again = await site.reported(uid, "ready again", isReady);
    const one = only(again.status.containerStatuses);
    assert.equal(one.restartCount, 1);
    assert.equal(one.lastState.terminated?.exitCode, 0, "it was stopped with SIGTERM and its grace");
    assert.equal(one.lastState.terminated?.reason, "Completed");
    assert.ok(one.containerID !== undefined && !first.includes(one.containerID.replace("docker://", "")));
    assert.equal(entry.status.phase, "Running");
    const stop = actions(name).filter((action) => action.startsWith("Stopping container app "));
    assert.match(only(stop), /within 30 s: liveness probe failed: exit code 3: ill$/);
    await site.eventually("its restart in edge status", async () => {
      const row = await site.row(name);
      const why = /^restarted once, last after: liveness probe failed: exit code 3: ill; /;
      return (row?.ready === "1/1" && row.restarts === 1 && why.test(row.reason ?? "")) || undefined;
    });
  });

  test("under Never a container that failed its liveness probe stays stopped", async () => {
    const name = "sick-never";
    const livenessProbe = { ...program("never-live", "exit 1\n"), periodSeconds: 1 };
    await accept(name, "exec sleep 1000\n", { livenessProbe }, { restartPolicy: "Never" });
    // PID 1 has no handler for SIGTERM: it takes its whole grace, so the stop itself is what is waited for first.
    await site.eventually("its stop", () =>
      actions(name).find((action) => action.startsWith("Stopping container app ")),
    );
    const why = /^liveness probe failed: exit code 1; the container has until \d\d:\d\d:\d\dZ to stop$/;
    await site.shown("why it is stopped", ({ pods }) =>
      pods.some((pod) => pod.name === name && pod.status === "Running" && why.test(pod.reason ?? "")),
    );
    const entry = await site.reported(uidOf(name), "Failed", ({ status }) => status.phase === "Failed");
    assert.equal(only(entry.status.containerStatuses).state.terminated?.exitCode, 137);
    assert.equal(only(entry.status.containerStatuses).restartCount, 0);
  });

  test("an HTTP readiness probe changes Ready both ways, restarts nothing and survives a restart of the agent", async () => {
    const name = "web";
    const uid = uidOf(name);
    const httpGet = { path: "/ready.txt", port: 8080, scheme: "HTTP" };
    await accept(name, server, { readinessProbe: { httpGet, periodSeconds: 1 } });
    const before = await site.reported(uid, "not ready", isUnready);
    assert.equal(before.status.phase, "Running");
    await site.eventually("0/1 in edge status", async () => (await site.row(name))?.ready === "0/1" || undefined);
    const container = only(ids(await site.containers(uid)));
    writeFileSync(hostFile("ready.txt"), "yes\n");
    await site.reported(uid, "ready", isReady);
    await site.endAgent("SIGKILL");
    const reports = site.entries(uid).length;
    await site.startAgent();
    await site.eventually("reports after the restart", () => site.entries(uid).length > reports + 1 || undefined);
    assert.ok(site.entries(uid).slice(reports).every(isReady), "it was ready all the time");
    await rm(hostFile("ready.txt"));
    await site.reported(uid, "not ready any more", isUnready);
    writeFileSync(hostFile("ready.txt"), "yes\n");
    await site.reported(uid, "ready again", isReady);
    assert.equal(only(ids(await site.containers(uid))), container);
  });

  test("a liveness program that hangs counts as failed and is not started again", async () => {
    const name = "hangs";
    const uid = uidOf(name);
    const lines = `exec sleep 1000\n`;
    const livenessProbe = { ...program("hangs-live", lines), periodSeconds: 1, timeoutSeconds: 1 };
    await accept(name, forever, { livenessProbe });
    await site.reported(uid, "a restart", ({ status }) => only(status.containerStatuses).restartCount >= 1);
    const stops = actions(name).filter((action) => action.startsWith("Stopping container app "));
    assert.match(stops[0] ?? "", /liveness probe failed: \/host\/hangs-live has not ended within 1 s$/);
    const asked = await site.events(0, Date.now());
    const first = asked.find(({ action }) => action.startsWith("exec_start: /host/hangs-live"));
    const same = asked.filter(
      ({ action, id }) => action.startsWith("exec_start: /host/hangs-live") && id === first?.id,
    );
    assert.equal(same.length, 1, "one program in flight");
  });

  test("an HTTPS liveness probe without a listener fails with the connection error", async () => {
    const name = "nobody";
    const httpGet = { path: "/live", port: 9999, scheme: "HTTPS" };
    await accept(name, forever, { livenessProbe: { httpGet, periodSeconds: 1 } });
    await site.reported(uidOf(name), "a restart", ({ status }) => only(status.containerStatuses).restartCount >= 1);
    const stops = actions(name).filter((action) => action.startsWith("Stopping container app "));
    assert.match(stops[0] ?? "", /liveness probe failed: connect ECONNREFUSED .*:9999$/);
  });
});
