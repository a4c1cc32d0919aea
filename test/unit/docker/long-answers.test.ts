import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { containerLabels, containerName } from "../../../src/core/pod/identity.ts";
import { dockerEngine } from "../../../src/docker/engine.ts";
import type { Engine, EngineEvent, EngineResult } from "../../../src/ports/engine.ts";
import { identityOf } from "../../samples/identities.ts";

const version = { ApiVersion: "1.41", MinAPIVersion: "1.12", Arch: "amd64", Version: "20.10.24" };
const generous = (): AbortSignal => AbortSignal.timeout(60_000);
type Labels = Readonly<Record<string, string>>;

const longLabel: Labels = { a: `"\\${"x".repeat(9 * 1024 * 1024)}` };
/** More than an entry may have, though each is short. */
const manyLabels: Labels = Object.fromEntries(
  Array.from({ length: 2_000 }, (_, index) => [`a${index}`, "x".repeat(1_000)]),
);
/** More than an inspect may have. */
const tooManyLabels: Labels = Object.fromEntries(
  Array.from({ length: 20_000 }, (_, index) => [`a${index}`, "x".repeat(1_000)]),
);

const idOf = (pod: string): string => pod.padEnd(64, "0");
const labelsOf = (pod: string, more: Labels): Labels => ({ ...more, ...containerLabels(identityOf(pod)) });

describe("A container of which the engine says too much", () => {
  let folder: string;
  let server: Server;
  let engine: Engine;
  /** By pod, the labels that its image gave it. */
  let pods: Map<string, Labels>;
  let events: string;
  /** A list in place of the pods'. */
  let long: string | null;

  const listed = (): string =>
    JSON.stringify(
      [...pods].map(([pod, more]) => ({
        Id: idOf(pod),
        Names: [`/${containerName(identityOf(pod))}`],
        Labels: labelsOf(pod, more),
        State: "running",
        Status: "Up 3 seconds",
        HostConfig: { NetworkMode: "default" },
        NetworkSettings: { Networks: { bridge: { EndpointID: "e1" } } },
      })),
    );
  const inspected = (pod: string): string =>
    JSON.stringify({
      Id: idOf(pod),
      Name: `/${containerName(identityOf(pod))}`,
      State: { Running: true, Status: "running", StartedAt: "2026-11-22T12:00:00Z", Pid: 77 },
      Config: { Labels: labelsOf(pod, pods.get(pod) ?? {}) },
      HostConfig: { NetworkMode: "default" },
      NetworkSettings: { Networks: { bridge: { IPAddress: "172.17.0.9" } } },
    });
  const answer = (path: string, response: ServerResponse): void => {
    if (path === "/version") return void response.end(JSON.stringify(version));
    if (path.includes("/containers/json")) return void response.end(long ?? listed());
    if (path.includes("/events")) return void response.end(events);
    const pod = /\/containers\/([a-f])0+\/json/.exec(path)?.[1];
    response.end(inspected(pod ?? ""));
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "edge-long-"));
    pods = new Map();
    events = "";
    long = null;
    server = createServer((request, response) => answer(request.url ?? "", response));
    await new Promise<void>((resolve) => server.listen(join(folder, "docker.sock"), resolve));
    engine = dockerEngine({ socket: join(folder, "docker.sock"), lifetime: generous(), inspectDeadlineMs: 60_000 });
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  const stateOf = async (): Promise<Readonly<Record<string, string>>> => {
    const result = await engine.list(generous());
    assert.ok(result.ok, JSON.stringify(result));
    return Object.fromEntries(result.value.map(({ pod, state }) => [pod.name, state.kind]));
  };
  const watched = async (): Promise<readonly string[]> => {
    const changed: EngineEvent[] = [];
    const ended: EngineResult<void> = await engine.watch(
      { ready: () => undefined, changed: (event) => changed.push(event) },
      generous(),
    );
    assert.equal(ended.ok ? "" : ended.error.message, "The engine ended the stream of events");
    return changed.map(({ name }) => name);
  };
  const eventOf = (pod: string, more: Labels): string =>
    `${JSON.stringify({ Type: "container", Action: "die", Actor: { ID: idOf(pod), Attributes: labelsOf(pod, more) } })}\n`;

  it("is seen as it is for all its long labels, and so are the others", async () => {
    pods = new Map([
      ["a", {}],
      ["b", longLabel],
      ["c", longLabel],
      ["d", {}],
    ]);
    assert.deepEqual(await stateOf(), { a: "running", b: "running", c: "running", d: "running" });
  });

  it("is inspected for all its many labels", async () => {
    pods = new Map([
      ["a", manyLabels],
      ["b", {}],
    ]);
    assert.deepEqual(await stateOf(), { a: "running", b: "running" });
  });

  it("is unknown where an inspect says too much as well, and the others are seen", async () => {
    pods = new Map([
      ["a", {}],
      ["b", {}],
    ]);
    assert.deepEqual(await stateOf(), { a: "running", b: "running" });
    pods.set("a", tooManyLabels);
    assert.deepEqual(await stateOf(), { a: "unknown", b: "running" });
    pods.set("a", {});
    assert.deepEqual(await stateOf(), { a: "running", b: "running" });
  });

  it("is never taken for one that is gone", async () => {
    pods = new Map([
      ["a", tooManyLabels],
      ["b", {}],
    ]);
    const result = await engine.list(generous());
    assert.match(
      result.ok ? "" : result.error.message,
      /answer about container a0+ is too long, so its state is unknown/,
    );
  });

  it("is one of 10,000 at most that are listed", async () => {
    const entry = JSON.stringify({ Id: idOf("a"), Names: ["/somebody"], Labels: { "edge.install": "another" } });
    const lists = async (count: number): Promise<EngineResult<unknown>> => {
      long = `[${Array(count).fill(entry).join()}]`;
      return engine.list(generous());
    };
    assert.equal((await lists(10_000)).ok, true);
    const tooMany = await lists(10_001);
    assert.equal(tooMany.ok ? "" : tooMany.error.message, "The engine lists more than 10000 containers");
  });

  it("has its events all the same, and where one says too much the next ones come", async () => {
    events = [eventOf("a", longLabel), eventOf("b", manyLabels), eventOf("c", {})].join("");
    assert.deepEqual(await watched(), ["a", "c"]);
  });
});
