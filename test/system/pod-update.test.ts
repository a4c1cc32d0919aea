import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { testImages } from "../../scripts/test-images.ts";
import { startTestRegistry } from "../../scripts/test-registry.ts";
import { podStatusExample, podUpdateExample } from "../samples/documents.ts";
import { envelope, podUpdate } from "../samples/messages.ts";
import { createSite, only } from "./harness.ts";
import { freePort } from "./sockets.ts";

const script = `env
id -u
cat /host/index.html
echo kept > /scratch/file
cat /scratch/file
exec httpd -f -p 8080 -h /host
`;
const closing: (() => unknown)[] = [];
const engine = sharedEngine();
const site = createSite(engine, { policy: { writableEmptyDir: true } });
closing.push(() => site.close());

describe("an update, its reply and the pod it asks for", () => {
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
  });
  after(async () => {
    for (const close of closing.reverse()) await close();
  });

  test("the document's example is rejected with every violation, and no container is created", async () => {
    const messageId = "00000000-0000-4000-8000-000000000001";
    const { name, uid } = podUpdateExample.metadata;
    const reply = await site.ask(envelope(messageId, "update", `websocket/pod/${name}`, podUpdateExample));
    assert.deepEqual(reply.route, {
      source: "metaManager",
      group: "resource",
      operation: "error",
      resource: `websocket/pod/${name}`,
    });
    assert.equal(reply.header.parent_msg_id, messageId);
    const said = String(reply.content);
    assert.ok(said.startsWith("FAILED: "), said);
    assert.ok(said.length <= 2048, `${said.length} characters`);
    assert.deepEqual(brokenPaths(said), [
      "spec.Volumes[0].hostPath.path",
      "spec.Volumes[1].emptyDir.medium",
      "spec.containers[0].readinessProbe.httpGet.Host",
      "spec.containers[0].readinessProbe.httpGet.Scheme",
      "spec.containers[0].ports[0].hostIP",
      "spec.containers[0].ports[1].hostIP",
      "spec.containers[0].securityContext.capabilities.add[0]",
      "spec.containers[0].securityContext.capabilities.add[1]",
      "spec.containers[0].volumeMounts[0].name",
      "spec.containers[0].volumeMounts[1].readOnly",
    ]);
    assert.ok(said.includes('ports[0].hostIP is "127.0.xx.xx"; expected an IPv4 address of this device'), said);
    assert.deepEqual(await site.containers(uid), []);
    assert.equal(await site.row(name), undefined);
    await site.eventually(
      "a report without the pod",
      () => site.latest()?.every(({ UID }) => UID !== uid) || undefined,
    );
  });

  test("a pod runs with its environment, limits, files and port", async () => {
    const uid = "11111111-0000-4000-8000-000000000001";
    writeFileSync(join(site.hostFolder, "index.html"), "from the host\n");
    const { command, volumes, volumeMounts } = site.script("run.sh", script);
    const hostPort = await freePort();
    const update = podUpdate({
      name: "web",
      uid,
      msgId: "00000000-0000-4000-8000-000000000002",
      spec: {
        volumes: [...volumes, { name: "scratch", emptyDir: {} }],
      },
      container: {
        command,
        env: [{ name: "GREETING", value: "good day" }],
        ports: [{ containerPort: 8080, hostPort, protocol: "TCP", hostIP: "127.0.0.1" }],
        resources: { requests: { cpu: "50m", memory: "16Mi" }, limits: { cpu: "200m", memory: "32Mi" } },
        volumeMounts: [...volumeMounts, { name: "scratch", mountPath: "/scratch", readOnly: false }],
      },
    });
    assert.equal((await site.ask(update)).content, "OK");
    await site.reported(uid, "Running", ({ status }) => status.phase === "Running");
    const { Id, HostConfig, Config, Mounts } = only(await site.containers(uid));
    const output = await site.eventually("its output", async () => {
      const said = await site.logs(Id);
      return said.includes("kept") ? said : undefined;
    });
    const lines = output.split("\n");
    for (const line of ["GREETING=good day", "HOSTNAME=web", "1000", "from the host", "kept"]) {
      assert.ok(lines.includes(line), `${line} in ${output}`);
    }
    assert.equal(HostConfig.Memory, 32 * 1024 * 1024);
    assert.equal((HostConfig.CpuQuota ?? 0) / (HostConfig.CpuPeriod ?? 1), 0.2);
    assert.equal(HostConfig.ReadonlyRootfs, true);
    assert.deepEqual(HostConfig.CapDrop, ["ALL"]);
    assert.equal(Config.User, "1000:1000");
    const mounted = only(Mounts.filter(({ Destination }) => Destination === "/host"));
    assert.equal(mounted.RW, false);
    // The engine gets a place of the agent's own, where the opened host path is mounted.
    assert.match(mounted.Source, /\/run\/host-paths\/[^/]+\/host\.[0-9a-f]+$/);
    const page = await site.eventually("its port answers", () => fetchText(`http://127.0.0.1:${hostPort}/index.html`));
    assert.equal(page, "from the host\n");
    // status.json follows within a second.
    const row = await site.eventually("edge status shows it", async () => {
      const found = await site.row("web");
      return found?.status === "Running" ? found : undefined;
    });
    assert.deepEqual([row?.status, row?.ready, row?.restarts, row?.uid], ["Running", "1/1", 0, uid]);
  });

  test("the podstatus has the shape of the document's example, key by key", async () => {
    const registry = await startTestRegistry({ ...engine, close: async () => {} }, { port: await freePort() });
    closing.push(() => registry.close());
    const image = await registry.push(testImages.busybox, "library/test:1.0");
    const example = only(podStatusExample.content);
    const [container] = example.spec.containers;
    assert.ok(container);
    const hostPort = await freePort();
    const content = {
      metadata: example.metadata,
      spec: {
        ...example.spec,
        containers: [
          {
            ...container,
            image,
            command: ["/bin/sleep", "1000"],
            ports: [{ ...container.ports[0], hostIP: "127.0.0.1", hostPort }],
          },
        ],
      },
    };
    const { name, uid } = example.metadata;
    const reply = await site.ask(
      envelope("00000000-0000-4000-8000-000000000003", "update", `websocket/pod/${name}`, content),
    );
    assert.equal(reply.content, "OK");
    const entry = await site.reported(uid, "Running", ({ status }) => status.phase === "Running");
    const ours = shape({ content: [entry] });
    const theirs = shape({ content: podStatusExample.content });
    assert.deepEqual(missing(theirs, ours), [], "in the document and not in our report");
    // Asked for by this test, since the image of the example runs by itself.
    assert.deepEqual(missing(ours, theirs), [
      "content[].spec.containers[].command: list",
      "content[].spec.containers[].command[]: string",
    ]);
    const { status, metadata, spec } = entry;
    assert.deepEqual(metadata, example.metadata);
    const asked = { ...example.spec.containers[0], image, command: ["/bin/sleep", "1000"] };
    assert.deepEqual(spec["containers"], [
      { ...asked, ports: [{ ...container.ports[0], hostIP: "127.0.0.1", hostPort }] },
    ]);
    assert.deepEqual(
      status.conditions.map(({ type, status, lastProbeTime }) => [type, status, lastProbeTime]),
      example.status.conditions.map(({ type }) => [type, "True", null]),
    );
    const { Id, NetworkSettings } = only(await site.containers(uid));
    const address = NetworkSettings.Networks["bridge"]?.IPAddress;
    const one = only(status.containerStatuses);
    assert.equal(one.containerID, `docker://${Id}`);
    assert.match(one.imageID, /^docker-pullable:\/\/127\.0\.0\.1:\d+\/library\/test@sha256:[0-9a-f]{64}$/);
    assert.deepEqual([one.ready, one.started, one.restartCount, one.lastState], [true, true, 0, {}]);
    assert.equal(status.qosClass, "Burstable");
    assert.equal(status.hostIP, "127.0.0.1");
    assert.equal(status.podIP, address);
    assert.deepEqual(status.podIPs, [{ ip: address }]);
    const times = [
      status.startTime,
      one.state.running?.startedAt,
      ...status.conditions.map((c) => c.lastTransitionTime),
    ];
    for (const time of times) assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test("the header and route of a podstatus are those of the document", () => {
    const { message } = site.records().filter((one) => one.message.route.resource === "websocket/podstatus")[0] ?? {};
    assert.ok(message);
    const { header, route } = podStatusExample;
    assert.deepEqual(message.route, route);
    const ours = shape({ header: message.header });
    const theirs = shape({ header });
    assert.deepEqual(missing(ours, theirs), []);
    assert.deepEqual(missing(theirs, ours), []);
  });
});

/** Every field a refusal names for what the rules ask; what this version cannot do yet is said too, and will go. */
function brokenPaths(said: string): readonly string[] {
  const named = said.matchAll(/(spec\.[A-Za-z0-9.[\]]+) is [^;]*; (?:expected|leave it out) /g);
  return [...new Set([...named].map(([, path = ""]) => path))];
}

/** Every key of every level with the kind of its value; the elements of a list count as one. */
function shape(value: unknown, path = ""): ReadonlySet<string> {
  if (Array.isArray(value)) {
    return new Set([`${path}: list`, ...value.flatMap((item) => [...shape(item, `${path}[]`)])]);
  }
  if (typeof value === "object" && value !== null) {
    const inner = Object.entries(value).flatMap(([key, item]) => [
      ...shape(item, path === "" ? key : `${path}.${key}`),
    ]);
    return new Set([...(path === "" ? [] : [`${path}: object`]), ...inner]);
  }
  return new Set([`${path}: ${value === null ? "null" : typeof value}`]);
}

function missing(from: ReadonlySet<string>, to: ReadonlySet<string>): readonly string[] {
  return [...from].filter((line) => !to.has(line)).sort();
}

async function fetchText(url: string): Promise<string | undefined> {
  try {
    return await (await fetch(url)).text();
  } catch {
    return undefined;
  }
}
