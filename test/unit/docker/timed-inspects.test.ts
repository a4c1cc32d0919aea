import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { containerLabels, containerName } from "../../../src/core/pod/identity.ts";
import type { ObservedContainer } from "../../../src/core/pod/observed.ts";
import { dockerEngine } from "../../../src/docker/engine.ts";
import type { Engine } from "../../../src/ports/engine.ts";
import { identityOf } from "../../samples/identities.ts";

const version = { ApiVersion: "1.41", MinAPIVersion: "1.12", Arch: "amd64", Version: "20.10.24" };
const generous = (): AbortSignal => AbortSignal.timeout(30_000);
const startedAt = "2026-11-22T12:00:00Z";

/** The list's entry of a running container, and what an inspect brings of it. */
function entryOf(pod: string, state: string, endpoint: string) {
  const identity = identityOf(pod);
  return {
    Id: pod.padEnd(64, "0"),
    Names: [`/${containerName(identity)}`],
    Labels: containerLabels(identity),
    State: state,
    Status: "Up 3 seconds",
    ImageID: "sha256:app",
    Image: "app:1",
    HostConfig: { NetworkMode: "default" },
    NetworkSettings: { Networks: { bridge: { EndpointID: endpoint } } },
  };
}

function answerOf(pod: string) {
  const identity = identityOf(pod);
  return {
    Id: pod.padEnd(64, "0"),
    Name: `/${containerName(identity)}`,
    State: { Running: true, Status: "running", StartedAt: startedAt, Pid: 77 },
    Image: "sha256:app",
    Config: { Image: "app:1", Labels: containerLabels(identity) },
    HostConfig: { NetworkMode: "default" },
    NetworkSettings: { Networks: { bridge: { IPAddress: "172.17.0.9" } } },
  };
}

describe("a list with one container that the engine does not answer about", () => {
  let folder: string;
  let server: Server;
  let engine: Engine;
  let lifetime: AbortController;
  /** Pods whose inspect hangs, and the answers that are owed. */
  let hanging: Set<string>;
  let owed: (() => void)[];
  let inspects: string[];
  let states: Map<string, string>;
  /** Without an endpoint nothing in a list shows a start: each container is inspected each time. */
  let endpoint: string;

  const answer = (path: string, response: ServerResponse): void => {
    if (path === "/version") return void response.end(JSON.stringify(version));
    if (path.includes("/containers/json")) {
      return void response.end(JSON.stringify([...states].map(([pod, state]) => entryOf(pod, state, endpoint))));
    }
    // It never begins a program.
    if (path.endsWith("/exec")) return;
    const pod = /containers\/([a-z]+)0*\/json/.exec(path)?.[1] ?? "";
    inspects.push(pod);
    const end = (): void => void response.end(JSON.stringify(answerOf(pod)));
    if (hanging.has(pod)) owed.push(end);
    else end();
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "edge-docker-"));
    hanging = new Set();
    owed = [];
    inspects = [];
    endpoint = "";
    states = new Map([
      ["bad", "running"],
      ["good", "running"],
    ]);
    server = createServer((request, response) => answer(request.url ?? "", response));
    await new Promise<void>((resolve) => server.listen(join(folder, "docker.sock"), resolve));
    lifetime = new AbortController();
    engine = dockerEngine({ socket: join(folder, "docker.sock"), lifetime: lifetime.signal });
  });

  afterEach(() => {
    lifetime.abort();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  const list = async (): Promise<ReadonlyMap<string, ObservedContainer>> => {
    const result = await engine.list(generous());
    assert.ok(result.ok, result.ok ? "" : result.error.message);
    return new Map(result.value.map((one) => [one.pod.name, one]));
  };

  it("shows that one as unknown and every other as it is", async () => {
    hanging.add("bad");
    const seen = await list();
    assert.deepEqual(seen.get("bad")?.state, { kind: "unknown" });
    assert.equal(seen.get("bad")?.imageId, "sha256:app");
    assert.deepEqual(seen.get("good")?.state, { kind: "running", startedAt });
  });

  it("keeps the last known state of that container", async () => {
    assert.equal((await list()).get("bad")?.ip, "172.17.0.9");
    hanging.add("bad");
    const seen = await list();
    assert.deepEqual(seen.get("bad")?.state, { kind: "unknown" });
    assert.equal(seen.get("bad")?.ip, "172.17.0.9");
  });

  it("shows that container as paused if the list does", async () => {
    hanging.add("bad");
    states.set("bad", "paused");
    assert.deepEqual((await list()).get("bad")?.state, { kind: "unknown", paused: true });
  });

  it("has one inspect in progress for that container, and repeats it after an answer", async () => {
    hanging.add("bad");
    for (const _ of [1, 2, 3, 4]) assert.equal((await list()).get("bad")?.state.kind, "unknown");
    assert.equal(inspects.filter((pod) => pod === "bad").length, 1);
    hanging.clear();
    for (const end of owed) end();
    // The answer arrives by itself; the list after it asks anew.
    let kind: string | undefined;
    for (let tries = 0; tries < 100 && kind !== "running"; tries += 1) {
      kind = (await list()).get("bad")?.state.kind;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(kind, "running");
  });

  it("inspects that container again while a program is to start in it", async () => {
    endpoint = "e1";
    const bad = (await list()).get("bad")?.id ?? "";
    await list();
    assert.deepEqual(inspects, ["bad", "good"]);
    const call = new AbortController();
    const ended = engine.exec(bad, ["true"], call.signal);
    hanging.add("bad");
    assert.equal((await list()).get("bad")?.state.kind, "unknown");
    assert.deepEqual(inspects, ["bad", "good", "bad"]);
    call.abort();
    await ended;
  });

  it("aborts its calls when the caller leaves", async () => {
    engine = dockerEngine({ socket: join(folder, "docker.sock") });
    hanging.add("bad");
    for (const _ of [1, 2]) assert.equal((await list()).get("bad")?.state.kind, "unknown");
    assert.equal(inspects.filter((pod) => pod === "bad").length, 2);
  });
});
