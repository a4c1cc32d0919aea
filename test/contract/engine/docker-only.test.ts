import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import Docker from "dockerode";
import { sharedEngine } from "../../../scripts/private-engine.ts";
import { testImages } from "../../../scripts/test-images.ts";
import { startTestRegistry, type TestRegistry } from "../../../scripts/test-registry.ts";
import { containerLabels, containerName } from "../../../src/core/pod/identity.ts";
import { textAt } from "../../../src/docker/answer.ts";
import { request } from "../../../src/docker/connection.ts";
import { dockerEngine } from "../../../src/docker/engine.ts";
import { sandboxImage } from "../../../src/docker/sandbox-image.ts";
import type { CreateRequest, Engine } from "../../../src/ports/engine.ts";
import { acceptedPod, createRequest, podOfTwo, sandboxRequest } from "../engine-requests.ts";
import { errorOf, eventually, generous, valued } from "../engine-results.ts";

describe("Engine: Docker, sandboxes", () => {
  const { socket } = sharedEngine();
  const engine = dockerEngine({ socket });
  const docker = new Docker({ socketPath: socket });
  const ids: string[] = [];
  const run = async (wanted: CreateRequest): Promise<string> => {
    const { id, warnings } = valued(await engine.create(wanted, generous()));
    ids.push(id);
    assert.deepEqual(warnings, []);
    valued(await engine.start(id, generous()));
    return id;
  };
  after(async () => {
    for (const id of ids) {
      await engine.stop(id, 0, generous());
      await engine.remove(id, generous());
    }
  });

  it("loads the sandbox image again if the engine has lost it", async () => {
    const { id } = valued(await engine.ensureSandboxImage(generous()));
    const used = (await docker.listContainers({ all: true })).some((each) => each.ImageID === id);
    if (!used) {
      await docker.getImage(id).remove({ force: true });
      assert.equal(errorOf(await engine.image(id, generous())), "notFound");
    }
    assert.equal(valued(await engine.ensureSandboxImage(generous())).id, id);
    assert.deepEqual((await docker.getImage(id).inspect()).RepoTags, [
      sandboxImage(valued(await engine.info(generous())).architecture)?.tag,
    ]);
  });

  it("asks for the bridge once in a run of the engine, however many containers it creates", async () => {
    const seen: string[] = [];
    const proxy = createServer((asked, answer) => {
      seen.push(`${asked.method} ${new URL(asked.url ?? "", "http://engine").pathname.replace(/^\/v[0-9.]+/, "")}`);
      const { url: path, method, headers } = asked;
      // A connection of its own: one that the engine has just closed is not used again.
      const call = httpRequest({ socketPath: socket, path, method, headers, agent: false });
      call.on("response", (came) => {
        answer.writeHead(came.statusCode ?? 0, came.headers);
        came.pipe(answer);
      });
      call.on("error", () => answer.destroy());
      asked.pipe(call);
    });
    const path = join(mkdtempSync(join(sharedEngine().folder, "bridge-")), "engine.sock");
    await new Promise<void>((resolve) => proxy.listen(path, resolve));
    try {
      const watched = dockerEngine({ socket: path });
      const image = valued(await watched.image(testImages.busybox, generous()));
      for (const name of ["first", "second"])
        ids.push(valued(await watched.create(createRequest(acceptedPod(name), image), generous())).id);
      assert.deepEqual(
        seen.filter((call) => call !== "GET /version" && !call.startsWith("GET /images/")),
        ["GET /networks/bridge", "POST /containers/create", "POST /containers/create"],
      );
    } finally {
      await new Promise((resolve) => proxy.close(resolve));
    }
  });

  it("lists containers with labels of 9 MiB, and every other one beside them", async () => {
    const image = valued(await engine.image(testImages.busybox, generous()));
    const short = createRequest(acceptedPod("short"), image);
    const { attempt, installId, generation, podHash, specHash } = short;
    const kept = { attempt, installId, generation, podHash, specHash, restartPolicy: "Always" as const };
    for (const name of ["long", "longer"]) {
      const identity = { ...kept, container: "app", pod: acceptedPod(name).id };
      const Labels = { a: "x".repeat(9 * 1024 * 1024), ...containerLabels(identity) };
      const call = { _query: { name: containerName(identity) }, _body: { Image: image.id, Labels } };
      ids.push(textAt(await request(docker, "POST", "/containers/create?", call, generous()), "Id"));
    }
    ids.push(valued(await engine.create(short, generous())).id);
    const names = valued(await engine.list(generous())).map(({ pod }) => pod.name);
    for (const name of ["short", "long", "longer"]) assert.ok(names.includes(name), `${name} in ${names.join()}`);
  });

  it("does not use another image with the name of the sandbox image", async () => {
    const own = valued(await engine.ensureSandboxImage(generous()));
    const tag = sandboxImage(own.architecture)?.tag ?? assert.fail();
    const [name = "", version = ""] = tag.split(":");
    await docker.getImage(testImages.busybox).tag({ repo: name, tag: version });
    assert.notEqual(valued(await engine.image(tag, generous())).id, own.id);
    assert.equal(valued(await engine.ensureSandboxImage(generous())).id, own.id);
    assert.equal(valued(await engine.image(tag, generous())).id, own.id);
  });

  it("a sandbox shares network, host name and IPC but no processes, and has no rights and little memory", async () => {
    const own = valued(await engine.ensureSandboxImage(generous()));
    const image = valued(await engine.image(testImages.busybox, generous()));
    const serve = "mkdir /dev/shm/www; echo local > /dev/shm/www/index.html; exec httpd -f -p 8080 -h /dev/shm/www";
    const ask =
      "until wget -q -O - http://127.0.0.1:8080/; do usleep 100000; done; hostname; cat /dev/shm/www/index.html; exec cat /proc/1/comm";
    const sh = (script: string) => ({ command: ["sh", "-c", script] });
    const pod = podOfTwo("shared", sh(serve), sh(ask));
    const sandboxId = await run(sandboxRequest(pod, own));
    await run(createRequest(pod, image, { sandboxId }));
    const side = docker.getContainer(await run(createRequest(pod, image, { sandboxId, container: "side" })));
    await side.wait();
    const output = await side.logs({ stdout: true, stderr: false });
    assert.equal(textOf(output), "local\nshared\nlocal\ncat\n", "cat is its own first process");
    const { HostConfig: host, State: state, Config: config } = await docker.getContainer(sandboxId).inspect();
    // The kernel's own words: each engine spells in its way what it was asked for.
    const words = ["CapEff", "CapBnd", "NoNewPrivs"];
    const lines = readFileSync(`/proc/${state.Pid}/status`, "utf8").split("\n");
    const rights = lines.map((line) => line.split(/:?\s+/)).filter(([word = ""]) => words.includes(word));
    assert.deepEqual(Object.fromEntries(rights.map(([word, real]) => [word, real])), {
      CapEff: "0000000000000000",
      CapBnd: "0000000000000000",
      NoNewPrivs: "1",
    });
    assert.deepEqual([config.User, host.ReadonlyRootfs], ["65535:65535", true]);
    assert.deepEqual([host.Memory, host.MemorySwap, host.PidsLimit], [33_554_432, 33_554_432, 32]);
  });
});

describe("Engine: Docker, without a fake", () => {
  let engine: Engine;
  let registry: TestRegistry;
  const credentials = { username: "edge", password: "s3cret" };
  before(async () => {
    engine = dockerEngine({ socket: sharedEngine().socket });
    registry = await startTestRegistry(
      { ...sharedEngine(), close: async () => undefined },
      { port: 15_043, credentials },
    );
  });
  after(() => registry.close());

  it("pulls with credentials, and reports why a pull failed", async () => {
    const name = await registry.push(testImages.busybox, "app/busybox:1");
    await registry.push(testImages.foreign, "app/foreign:1");
    const known = { serverAddress: registry.host, ...credentials };
    const kind = async (image: string, login: typeof known | null) =>
      errorOf(await engine.pull(image, login, generous()));
    assert.equal(await kind(name, null), "registryAuth");
    assert.equal(await kind(name, { ...known, password: "wrong" }), "registryAuth");
    assert.equal(await kind(`${registry.host}/app/none:1`, known), "imageNotFound");
    assert.equal(await kind(`${registry.host}/app/busybox:none`, known), "imageNotFound");
    assert.equal(await kind("127.0.0.1:9/app:1", null), "registryUnreachable");
    assert.equal(await kind(`${registry.host}/app/foreign:1`, known), "wrongArchitecture");
    assert.equal(await kind("../containers/json", null), "invalid");
    const pulled = valued(await engine.pull(name, known, generous()));
    assert.match(pulled.digest ?? "", /^127\.0\.0\.1:15043\/app\/busybox@sha256:[0-9a-f]{64}$/);
    assert.equal(pulled.user, "65534");
    assert.deepEqual(valued(await engine.image(pulled.id, generous())).id, pulled.id);
    const byDigest = valued(await engine.pull(pulled.digest ?? "", known, generous()));
    assert.equal(byDigest.id, pulled.id);
  });

  it("reports a container that was killed for lack of memory", async () => {
    const image = valued(await engine.image(testImages.busybox, generous()));
    // Where the killed process is the container's only one, Docker may hear of its end before it hears why.
    const command = ["sh", "-c", "sh -c 'x=a; while true; do x=$x$x; done'; code=$?; sleep 1; exit $code"];
    const resources = { limits: { memory: "16Mi" }, requests: {} };
    const request = createRequest(acceptedPod("hungry", { command, resources }), image);
    const { id } = valued(await engine.create(request, generous()));
    valued(await engine.start(id, generous()));
    const state = await eventually(async () => {
      const { state } = valued(await engine.inspect(id, generous()));
      return state.kind === "exited" ? state : null;
    });
    assert.equal(state.exitCode, 137);
    assert.equal(state.oomKilled, true);
    valued(await engine.remove(id, generous()));
  });

  it("runs a container with the user, mounts, environment, name and limits of the pod", async () => {
    const { socket, folder } = sharedEngine();
    const image = valued(await engine.image(testImages.volume, generous()));
    const place = mkdtempSync(join(folder, "volume-"));
    const cover = mkdtempSync(join(folder, "cover-"));
    const script =
      'id -u; hostname; echo "$GREETING"; grep -c CapEff.*0000000000000000 /proc/self/status; touch /data/x || touch /v/x || touch /x || echo sealed';
    const container = {
      command: ["sh", "-c", script],
      env: [
        { name: "WHO", value: "edge" },
        { name: "GREETING", value: "hello $(WHO)" },
      ],
      volumeMounts: [{ name: "v", mountPath: "/v", readOnly: true }],
    };
    const pod = acceptedPod("told", container, { hostname: "told-host", volumes: [{ name: "v", emptyDir: {} }] });
    const request = createRequest(pod, image, { volumePaths: { v: place }, coveredPaths: { "/data": cover } });
    const { id } = valued(await engine.create(request, generous()));
    valued(await engine.start(id, generous()));
    const docker = new Docker({ socketPath: socket }).getContainer(id);
    await docker.wait();
    const output = await docker.logs({ stdout: true, stderr: false });
    const lines = textOf(output).split("\n");
    assert.deepEqual(lines.slice(0, 5), ["65534", "told-host", "hello edge", "1", "sealed"]);
    const { HostConfig: host } = await docker.inspect();
    assert.equal(host.Memory, 64 * 1024 * 1024);
    assert.equal(host.MemorySwap, host.Memory);
    assert.equal(host.CpuQuota, 50_000);
    assert.equal(host.CpuShares, 256);
    valued(await engine.remove(id, generous()));
  });
});

/** Docker's log stream without the 8 bytes in front of every piece. */
function textOf(output: Buffer): string {
  const pieces: Buffer[] = [];
  for (let offset = 0; offset < output.length; ) {
    const end = offset + 8 + output.readUInt32BE(offset + 4);
    pieces.push(output.subarray(offset + 8, end));
    offset = end;
  }
  return Buffer.concat(pieces).toString();
}
