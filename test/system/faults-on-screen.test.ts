import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite } from "./harness.ts";

const site = createSite(sharedEngine());
const uidOf = (name: string): string =>
  `47474747-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`;
const every = { initialDelaySeconds: 1, periodSeconds: 1, timeoutSeconds: 5, successThreshold: 1, failureThreshold: 3 };
const sleeps = { command: ["/bin/sleep", "1000"] };
/** It heeds the signal to stop, so that its grace is not waited for. */
const polite = site.script("polite.sh", "trap 'exit 0' TERM\nwhile true; do sleep 1; done\n");
const fails = { exec: { command: ["/bin/false"] }, ...every };

interface Fault {
  readonly title: string;
  readonly name: string;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly container: Readonly<Record<string, unknown>>;
  /** Of `edge pod`: the cause, and what to do. */
  readonly cause: RegExp;
  readonly todo: RegExp;
}

const faults: readonly Fault[] = [
  {
    title: "a container out of memory",
    name: "leaks",
    container: { command: ["/bin/tail", "/dev/zero"] },
    cause: /^OOMKilled \(limit \S+\), next try (?:in \d+s|now)$/,
    todo: /^Raise resources\.limits\.memory/,
  },
  {
    title: "a failing liveness probe",
    name: "ill",
    spec: { volumes: polite.volumes },
    container: { command: polite.command, volumeMounts: polite.volumeMounts, livenessProbe: fails },
    cause: /^liveness probe failed: exit code 1, next try (?:in \d+s|now)$/,
    todo: /edge logs ill.*the probe's timeout/,
  },
  {
    title: "a failing readiness probe",
    name: "unready",
    container: { ...sleeps, readinessProbe: fails },
    cause: /^readiness failing since \d\d:\d\d:\d\dZ: exit code 1$/,
    todo: /edge logs unready.*correct its path/,
  },
  {
    title: "a missing hostPath",
    name: "homeless",
    spec: { volumes: [{ name: "gone", hostPath: { path: `${site.hostFolder}/gone`, type: "" } }] },
    container: { ...sleeps, volumeMounts: [{ name: "gone", mountPath: "/gone", readOnly: true }] },
    cause: /^hostPath \S+\/gone does not exist on this device; create it/,
    todo: /^Create the folder on this device/,
  },
];

async function send(
  name: string,
  spec: NonNullable<Fault["spec"]>,
  container: Fault["container"],
  version = "1",
): Promise<unknown> {
  const msgId = `4747474${version}-${uidOf(name).slice(9)}`;
  const reply = await site.ask(podUpdate({ name, uid: uidOf(name), msgId, resourceVersion: version, spec, container }));
  return reply.content;
}

/** A field of what `edge pod NAME` prints. */
function fieldOf(page: string, label: string): string {
  return new RegExp(`^${label} +(.*)$`, "m").exec(page)?.[1] ?? "";
}

describe("faults of pods on the screen", () => {
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
    for (const { name, spec, container } of faults) assert.equal(await send(name, spec ?? {}, container), "OK", name);
  });
  after(() => site.close());

  for (const { title, name, cause, todo } of faults) {
    test(`edge pod names the cause of ${title} and what to do`, async () => {
      // One page for both: the next one may show the next attempt.
      const page = await site.eventually(`${cause}`, async () => {
        const { stdout } = await site.run("pod", name);
        return cause.test(fieldOf(stdout, "Cause")) ? stdout : undefined;
      });
      assert.match(fieldOf(page, "To do"), todo);
    });
  }

  test("a rejected update is found by the pod's name and shown in edge status", async () => {
    const resources = { limits: { cpu: "1000", memory: "16Mi" }, requests: { cpu: "1000", memory: "16Mi" } };
    assert.match(String(await send("unready", {}, { ...sleeps, resources }, "2")), /^FAILED: /);
    const why = /not enough CPU: the pod needs 1k, \S+ is free/;
    assert.match(fieldOf((await site.run("pod", "unready")).stdout, "Refused"), why);
    assert.match((await site.run("events", "--pod", "unready")).stdout, /MessageRefused .*not enough CPU/);
    await site.eventually("its line in edge status", async () => {
      const { stdout } = await site.run("status", "--wide");
      return /^Note +Update of pod unready refused \d+s ago: .*not enough CPU/m.test(stdout) || undefined;
    });
  });

  test("edge status without an agent asks the engine and shows a killed container as ended in 80 columns", async () => {
    await site.endAgent("SIGKILL");
    const before = await site.row("unready");
    assert.deepEqual([before?.status, before?.lastSeen], ["Running", undefined]);
    const killed = await site.containers(uidOf("unready"));
    assert.equal(killed.length, 1);
    for (const { Id } of killed) {
      const container = site.docker.getContainer(Id);
      await container.kill();
      await container.wait();
    }
    const { document } = await site.status();
    assert.deepEqual(document.node.conditions.at(-1)?.reason, "AgentNotRunning");
    const after = document.pods.find(({ name }) => name === "unready");
    const states = (await site.containers(uidOf("unready"))).map(({ State }) => State);
    assert.equal(after?.status, "Error", JSON.stringify({ after, before: killed.map(({ State }) => State), states }));
    const { stdout } = await site.run("status");
    assert.match(stdout, /^Agent +not running; start it/m);
    assert.match(stdout, /^unready +0\/1 +Error /m);
    assert.deepEqual(
      stdout.split("\n").filter((line) => line.length > 80),
      [],
    );
  });
});
