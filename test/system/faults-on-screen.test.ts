import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { podUpdate, registrySecret, secretUpdate } from "../samples/messages.ts";
import { createSite } from "./harness.ts";
import { freePort } from "./sockets.ts";

const site = createSite(sharedEngine());
const uidOf = (name: string): string =>
  `47474747-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`;
const every = { initialDelaySeconds: 1, periodSeconds: 1, timeoutSeconds: 5, successThreshold: 1, failureThreshold: 3 };
const sleeps = { command: ["/bin/sleep", "1000"] };
/** It heeds the signal to stop, so that its grace is not waited for. */
const polite = site.script("polite.sh", "trap 'exit 0' TERM\nwhile true; do sleep 1; done\n");
const fails = { exec: { command: ["/bin/false"] }, ...every };

/** A registry that knows nobody's password. */
const registry: Server = createServer((_, response) => {
  response.writeHead(401, { "www-authenticate": 'Basic realm="registry"' }).end();
});
await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
const registryPort = portOf(registry);

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
    title: "a wrong registry password",
    name: "stranger",
    spec: { imagePullSecrets: [{ name: registrySecret }] },
    container: { ...sleeps, image: `127.0.0.1:${registryPort}/private:1` },
    cause: new RegExp(
      `^Registry 127\\.0\\.0\\.1:${registryPort} rejected the user name or password in secret ${registrySecret}, `,
    ),
    todo: /^Correct the user name and password in the secret and send it again$/,
  },
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

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

/** False while somebody else has the port. */
function takes(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
}

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
    const auths = { [`127.0.0.1:${registryPort}`]: { username: "edge", password: "wrong" } };
    assert.equal((await site.ask(secretUpdate(uidOf("secret"), { auths }))).content, "OK");
    for (const { name, spec, container } of faults) assert.equal(await send(name, spec ?? {}, container), "OK", name);
  });
  after(async () => {
    registry.close();
    await site.close();
  });

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

  test("edge pod names the process that has taken a port between two runs and what to do", async () => {
    const thief = createServer();
    const port = await freePort();
    const ports = [{ containerPort: 80, hostIP: "127.0.0.1", hostPort: port, protocol: "TCP" }];
    assert.equal(await send("robbed", {}, { command: ["/bin/false"], ports }), "OK");
    await site.reported(
      uidOf("robbed"),
      "its end",
      ({ status }) => (status.containerStatuses[0]?.restartCount ?? 0) > 0,
    );
    await site.eventually("the port is free", async () => (await takes(thief, port)) || undefined);
    try {
      const cause = new RegExp(`^TCP port ${port} is already used by \\S+ \\(pid ${process.pid}\\)`);
      const page = await site.eventually(`${cause}`, async () => {
        const { stdout } = await site.run("pod", "robbed");
        return cause.test(fieldOf(stdout, "Cause")) ? stdout : undefined;
      });
      assert.equal(fieldOf(page, "To do"), "Stop that process, or choose another hostPort in the pod");
    } finally {
      thief.close();
    }
  });

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
