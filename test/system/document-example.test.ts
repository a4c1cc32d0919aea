import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { testImages } from "../../scripts/test-images.ts";
import { startTestRegistry, type TestRegistry } from "../../scripts/test-registry.ts";
import { podUpdateExample } from "../samples/documents.ts";
import { configMapUpdate, envelope, registrySecret, secretUpdate } from "../samples/messages.ts";
import { createSite, type Entry, only } from "./harness.ts";
import { freePort } from "./sockets.ts";

const credentials = { username: "edge", password: "s3cret-of-the-registry" };
const engine = sharedEngine();
const { name, uid } = podUpdateExample.metadata;
/** Stands for /home/mmc/data and /etc/localtime of the device. */
const host = mkdtempSync(join(tmpdir(), "edge-document-"));
const data = join(host, "data");
const zone = join(host, "localtime");
const site = createSite(engine, {
  policy: {
    hostPaths: [data, zone],
    writableHostPaths: [data],
    memoryEmptyDir: true,
    capabilities: ["SETPCAP", "MKNOD"],
  },
});
const id = (number: number): string => `66666666-0000-4000-8000-${String(number).padStart(12, "0")}`;

/**
 * The example of the Pod Update document with its violations mended: `localtime` gets the volume that it mounts, the
 * probe's Host goes, so that the pod's own address is asked, and its Scheme is in capitals. What stands for something else (`xxxxxx`, `127.0.xx.xx`,
 * the folder on the host) is filled in.
 */
function mendedExample(image: string): unknown {
  const { spec } = podUpdateExample;
  const example = only(spec.containers);
  const { Host: _, ...httpGet } = example.readinessProbe.httpGet;
  const container = {
    ...example,
    image,
    readinessProbe: { ...example.readinessProbe, httpGet: { ...httpGet, Scheme: "HTTP" } },
    ports: example.ports.map((port) => ({ ...port, hostIP: "127.0.0.1" })),
  };
  const Volumes = [
    { ...spec.Volumes[0], hostPath: { path: data, type: "" } },
    ...spec.Volumes.slice(1),
    { name: "localtime", hostPath: { path: zone, type: "" } },
  ];
  return { ...podUpdateExample, spec: { ...spec, Volumes, containers: [container] } };
}

const waitingFor = ({ status }: Entry): string => JSON.stringify(only(status.containerStatuses).state.waiting ?? {});

describe("the corrected example of the document", { skip: process.getuid?.() === 0 ? false : "needs root" }, () => {
  let registry: TestRegistry | undefined;
  let image = "";
  before(async () => {
    registry = await startTestRegistry({ ...engine, close: async () => {} }, { port: await freePort(), credentials });
    image = await registry.push(testImages.site, "library/root-test:2.0");
    chmodSync(host, 0o755);
    mkdirSync(data);
    chmodSync(data, 0o777);
    writeFileSync(zone, "a time zone");
    // As /run is on a device: volumes in memory are folders of it.
    mkdirSync(site.runDir);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "edge-run", site.runDir]);
    await site.startCenter();
    await site.startAgent();
    await site.online();
  });
  after(async () => {
    await registry?.close();
    execFileSync("umount", ["--lazy", site.runDir]);
    await site.close();
    rmSync(host, { recursive: true, force: true });
  });

  test("is accepted and names what it waits for", async () => {
    const update = envelope(id(1), "update", `websocket/pod/${name}`, mendedExample(image));
    assert.equal((await site.ask(update)).content, "OK");
    await site.wasReported(uid, "waits for the secret", (entry) => waitingFor(entry).includes(registrySecret));
    const auths = { [`https://${registry?.host}/v2/`]: credentials };
    assert.equal((await site.ask(secretUpdate(id(2), { auths }))).content, "OK");
    await site.wasReported(uid, "waits for the configMap", (entry) => /configmap/i.test(waitingFor(entry)));
    assert.equal((await site.ask(configMapUpdate("configmap", id(3), { key: "of the center" }))).content, "OK");
  });

  test("runs completely and is Ready when its probe succeeds", async () => {
    const entry = await site.reported(uid, "Ready", ({ status }) =>
      status.conditions.some(({ type, status: is }) => type === "Ready" && is === "True"),
    );
    const { restartCount, ready, started } = only(entry.status.containerStatuses);
    assert.deepEqual({ restartCount, ready, started }, { restartCount: 0, ready: true, started: true });
    assert.equal(entry.status.phase, "Running");
    for (const port of [3000, 4000]) {
      assert.equal(await (await fetch(`http://127.0.0.1:${port}/tmp/test`)).text(), "served\n");
    }
  });

  test("has exactly the requested resources", async () => {
    const container = only(await site.containers(uid));
    const { HostConfig, Config } = container;
    assert.ok(Config.Env.includes("ABCD=5000"));
    assert.equal(Config.User, "1024:1024");
    assert.deepEqual([...(HostConfig.CapAdd ?? [])].map((one) => one.replace(/^CAP_/, "")).sort(), [
      "MKNOD",
      "SETPCAP",
    ]);
    assert.equal(HostConfig.Privileged, false);
    assert.equal(HostConfig.ReadonlyRootfs, true);
    assert.deepEqual([HostConfig.CpuQuota, HostConfig.CpuPeriod], [100_000, 100_000]);
    assert.equal(HostConfig.Memory, 512 * 1024 * 1024);
    const shell = async (line: string): Promise<string> => {
      const exec = await site.docker.getContainer(container.Id).exec({
        Cmd: ["/bin/sh", "-c", line],
        AttachStdout: true,
        AttachStderr: true,
        Tty: true,
      });
      const stream = await exec.start({ Tty: true });
      let said = "";
      for await (const chunk of stream) said += String(chunk);
      return said.trim();
    };
    assert.equal(await shell("cat /etc/localtime /tmp3/key"), "a time zoneof the center");
    assert.match(await shell("touch /tmp1/x"), /Read-only/);
    assert.match(await shell("grep ' /tmp1 ' /proc/mounts"), /tmpfs/);
    await shell("echo written > /home/mmc/data/kept");
    assert.ok(existsSync(join(data, "kept")));
  });
});
