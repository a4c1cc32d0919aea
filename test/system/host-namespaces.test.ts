import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, only } from "./harness.ts";
import { freePort } from "./sockets.ts";

const site = createSite(sharedEngine(), { policy: { useHostNetwork: true, hostPid: true } });

/** A container says what namespaces it is in. */
const script = `readlink /proc/self/ns/net
readlink /proc/self/ns/pid
exec httpd -f -p "127.0.0.1:$PORT" -h /host
`;

/** The engine runs in the network and process namespaces of this test. */
const own = { net: readlinkSync("/proc/self/ns/net"), pid: readlinkSync("/proc/self/ns/pid") };

describe("a pod and the namespaces of the host", () => {
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
  });
  after(() => site.close());

  const run = async (name: string, uid: string, spec: Readonly<Record<string, unknown>>, port: number) => {
    const { volumes, volumeMounts, command } = site.script("say.sh", script);
    const env = [{ name: "PORT", value: String(port) }];
    const msgId = uid.replace("33333333", "00000000");
    const container = { command, volumeMounts, env };
    const reply = await site.ask(podUpdate({ name, uid, msgId, spec: { ...spec, volumes }, container }));
    assert.equal(reply.content, "OK");
    const entry = await site.reported(uid, "Running", ({ status }) => status.phase === "Running");
    const inspected = only(await site.containers(uid));
    const said = await site.eventually("two namespaces said", async () => {
      const lines = (await site.logs(inspected.Id)).trim().split("\n");
      return lines.length >= 2 ? lines : undefined;
    });
    return { entry, inspected, net: said[0], pid: said[1] };
  };

  test("hostNetwork gives a pod the network and name of the device, and podIP is hostIP", async () => {
    const port = await freePort();
    const uid = "33333333-0000-4000-8000-000000000001";
    const { entry, inspected, net, pid } = await run("host-network", uid, { hostNetwork: true }, port);
    assert.equal(inspected.HostConfig.NetworkMode, "host");
    assert.equal(net, own.net);
    assert.notEqual(pid, own.pid);
    assert.ok(entry.status.hostIP !== undefined && entry.status.hostIP !== "");
    assert.equal(entry.status.podIP, entry.status.hostIP);
    assert.deepEqual(entry.status.podIPs, [{ ip: entry.status.hostIP }]);
    assert.equal(entry.spec["hostNetwork"], true);
    const page = await site.eventually("an answer on the device's own address", () =>
      fetch(`http://127.0.0.1:${port}/say.sh`).then(
        (answer) => answer.text(),
        () => undefined,
      ),
    );
    assert.equal(page, script);
  });

  test("hostPID gives a pod the processes of the device, and its own network", async () => {
    const uid = "33333333-0000-4000-8000-000000000002";
    const { entry, inspected, net, pid } = await run("host-pid", uid, { hostPID: true }, 8080);
    assert.equal(inspected.HostConfig.PidMode, "host");
    assert.equal(pid, own.pid);
    assert.notEqual(net, own.net);
    assert.notEqual(entry.status.podIP, entry.status.hostIP);
    assert.equal(entry.spec["hostPID"], true);
  });

  test("a pod without hostNetwork and hostPID has namespaces of its own", async () => {
    const uid = "33333333-0000-4000-8000-000000000003";
    const { net, pid } = await run("neither", uid, {}, 8080);
    assert.notEqual(net, own.net);
    assert.notEqual(pid, own.pid);
  });
});
