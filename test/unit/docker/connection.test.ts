import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import util from "node:util";
import v8 from "node:v8";
import { runInNewContext } from "node:vm";
import { credentialsFor } from "../../../src/core/image/registry-credentials.ts";
import { negotiate } from "../../../src/docker/connection.ts";
import { dockerEngine } from "../../../src/docker/engine.ts";
import type { Engine, EngineResult } from "../../../src/ports/engine.ts";
import { createRequest } from "../../contract/engine-requests.ts";
import { acceptedPod } from "../../samples/pods.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const version = { ApiVersion: "1.41", MinAPIVersion: "1.12", Arch: "amd64", Version: "20.10.24" };
/** What is reachable, after a collection of everything else. */
function keptBytes(): number {
  v8.setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
  // Buffers that the first one freed are counted off by the second.
  collect();
  const { external, heapUsed } = process.memoryUsage();
  return external + heapUsed;
}

const generous = (): AbortSignal => AbortSignal.timeout(30_000);

describe("a connection to an engine with broken answers", () => {
  let folder: string;
  let server: Server;
  let engine: Engine;
  let answer: Answer;
  let paths: string[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "edge-docker-"));
    paths = [];
    server = createServer((request, response) => {
      paths.push(request.url ?? "");
      if (request.url === "/version") response.end(JSON.stringify(version));
      else answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(join(folder, "docker.sock"), resolve));
    engine = dockerEngine({ socket: join(folder, "docker.sock") });
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  const kindOf = async <T>(call: Promise<EngineResult<T>>): Promise<string> => {
    const result = await call;
    return result.ok ? "ok" : result.error.kind;
  };

  it("asks for the version once and puts it into every path", async () => {
    answer = (_, response) => response.end("[]");
    assert.equal(await kindOf(engine.list(generous())), "ok");
    assert.equal(await kindOf(engine.list(generous())), "ok");
    assert.equal(paths.filter((path) => path === "/version").length, 1);
    assert.ok(paths.slice(1).every((path) => path.startsWith("/v1.41/containers/json?")));
  });

  it("keeps only the beginning of a long error message", async () => {
    const body = JSON.stringify({ message: `no such image: ${"containerd ".repeat(60_000)}` });
    const before = keptBytes();
    let sent = 0;
    let kept = Number.NaN;
    answer = (_, response) => {
      response.statusCode = 500;
      const write = (): void => {
        for (let more = true; more && sent < 100; sent += 1) more = response.write(body);
        if (sent < 100) return void response.once("drain", write);
        kept = keptBytes() - before;
        response.end();
      };
      write();
    };
    const result = await engine.pull("registry.example/app:1", null, generous());
    assert.equal(sent, 100, "66 MB were read");
    assert.ok(!result.ok && result.error.message.length <= 1024);
    assert.match(result.ok ? "" : result.error.message, /no such image/);
    assert.ok(kept < (sent * body.length) / 2, `${kept} bytes of ${sent * body.length} are kept`);
  });

  it("formats almost nothing for the log of docker-modem", async (t) => {
    const written: number[] = [];
    const { inspect } = util;
    t.mock.method(util, "inspect", (value: unknown, options: util.InspectOptions) => {
      const text = inspect(value, options);
      written.push(text.length);
      return text;
    });
    answer = (_, response) => response.end("[]");
    const calls = await Promise.all([1, 2, 3].map(() => kindOf(engine.list(generous()))));
    assert.deepEqual(calls, ["ok", "ok", "ok"]);
    assert.ok(written.length >= 3);
    assert.ok(Math.max(...written) < 1_000, `${Math.max(...written)} characters`);
  });

  it("is unavailable when the engine ends in the middle of an answer", async () => {
    answer = (_, response) => {
      response.write("[{");
      setTimeout(() => response.destroy(), 20);
    };
    assert.equal(await kindOf(engine.list(generous())), "unavailable");
    assert.equal(
      await kindOf(engine.watch({ ready: () => undefined, changed: () => undefined }, generous())),
      "unavailable",
    );
    assert.equal(await kindOf(engine.pull("edge.test/a:1", null, generous())), "unavailable");
  });

  it("aborts an answer that never ends", async () => {
    answer = (_, response) => response.write("[{");
    const soon = (): AbortSignal => AbortSignal.timeout(100);
    assert.equal(await kindOf(engine.list(soon())), "timeout");
    assert.equal(await kindOf(engine.info(soon())), "timeout");
    assert.equal(await kindOf(engine.pull("edge.test/a:1", null, soon())), "timeout");
    assert.equal(await kindOf(engine.start("abc", soon())), "timeout");
  });

  it("fails on malformed answers", async () => {
    for (const text of ["nonsense", "{}", "null", "", '{"Id":7}']) {
      answer = (_, response) => response.end(text);
      assert.equal(await kindOf(engine.list(generous())), "failed", text);
      assert.equal(await kindOf(engine.image("edge.test/a:1", generous())), "failed", text);
      assert.notEqual(await kindOf(engine.inspect("abc", generous())), "ok", text);
    }
    answer = (_, response) => response.writeHead(418).end("<html>");
    assert.equal(await kindOf(engine.list(generous())), "failed");
  });

  it("rejects an answer of more than 16 MiB", async () => {
    answer = (_, response) => {
      const piece = `"${"x".repeat(1024 * 1024)}",`;
      const more = (): void => {
        while (!response.destroyed && response.write(piece));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    };
    assert.equal(await kindOf(engine.list(generous())), "failed");
    assert.equal(
      await kindOf(engine.watch({ ready: () => undefined, changed: () => undefined }, generous())),
      "failed",
    );
  });

  it("reports an error in the stream of a pull that began well", async () => {
    answer = (_, response) => {
      response.write('{"status":"Pulling"}\n{"errorDetail":{"message":"write /x: no space left on device"},');
      response.end('"error":"write /x: no space left on device"}\n');
    };
    assert.equal(await kindOf(engine.pull("edge.test/a:1", null, generous())), "diskFull");
  });

  it("sends the payload as the body and only the name in the path, and credentials as a header", async () => {
    let login = "";
    answer = (request, response) => {
      login = String(request.headers["x-registry-auth"]);
      response.writeHead(500).end(JSON.stringify({ message: "unauthorized: authentication required" }));
    };
    const credentials = { serverAddress: "r.test", username: "edge", password: "a?b>c" };
    assert.equal(await kindOf(engine.pull("r.test/a", credentials, generous())), "registryAuth");
    const { serveraddress, username, password } = JSON.parse(Buffer.from(login, "base64url").toString());
    assert.deepEqual([serveraddress, username, password], ["r.test", "edge", "a?b>c"]);
    assert.ok(paths.at(-1)?.includes("fromImage=r.test%2Fa%3Alatest&platform=linux%2Famd64"));
    assert.ok(!paths.join().includes("password") && !paths.join().includes("edge"));
  });

  it("sends a token beside name and password if the secret has one, and nothing else of it", async () => {
    let login = "";
    answer = (request, response) => {
      login = String(request.headers["x-registry-auth"]);
      response.writeHead(500).end(JSON.stringify({ message: "unauthorized: authentication required" }));
    };
    const shown = async (entry: object): Promise<unknown> => {
      const text = JSON.stringify({ auths: { "other.test": { auth: "eDp5" }, "r.test": entry } });
      for (const one of credentialsFor("r.test/a:1", text)) await engine.pull("r.test/a:1", one, generous());
      return JSON.parse(Buffer.from(login, "base64url").toString());
    };
    const named = { serveraddress: "r.test", username: "edge", password: "p" };
    assert.deepEqual(await shown({ username: "edge", password: "p", email: "a@b" }), named);
    assert.deepEqual(await shown({ auth: Buffer.from("edge:p").toString("base64") }), named);
    assert.deepEqual(await shown({ identitytoken: "t" }), { serveraddress: "r.test", identitytoken: "t" });
    const both = { auth: Buffer.from("edge:p").toString("base64"), identitytoken: "t" };
    assert.deepEqual(await shown(both), { ...named, identitytoken: "t" });
  });

  it("returns the warnings of the engine for a created container", async () => {
    answer = (_, response) =>
      response.writeHead(201).end('{"Id":"abc","Warnings":["no swap limit",7,"no pids limit"]}');
    const image = { id: "sha256:1", user: "", architecture: "amd64", volumes: [] };
    const made = await engine.create(createRequest(acceptedPod(), image), generous());
    assert.ok(made.ok);
    assert.deepEqual(made.value.warnings, ["no swap limit", "no pids limit"]);
  });

  it("negotiates the version again after the engine was away", async () => {
    answer = (_, response) => response.end("[]");
    await engine.list(generous());
    answer = (_, response) => response.destroy();
    assert.equal(await kindOf(engine.list(generous())), "unavailable");
    answer = (_, response) => response.end("[]");
    assert.equal(await kindOf(engine.list(generous())), "ok");
    assert.equal(paths.filter((path) => path === "/version").length, 2);
  });

  it("rejects an id or name that would change the path", async () => {
    answer = () => assert.fail("No call should have been made");
    for (const id of ["", "../x", "a/b", "a?b", "a b", "a#b"]) {
      assert.equal(await kindOf(engine.inspect(id, generous())), "invalid", id);
      assert.equal(await kindOf(engine.start(id, generous())), "invalid", id);
    }
    for (const name of ["", "../x", "a//b", "a?b", "a b", "a/../b", "a#b", "a%2fb", "-a", "x".repeat(600)]) {
      assert.equal(await kindOf(engine.image(name, generous())), "invalid", name);
      assert.equal(await kindOf(engine.pull(name, null, generous())), "invalid", name);
    }
    assert.deepEqual(paths, []);
  });

  it("is unavailable without an engine, and names the socket", async () => {
    const result = await dockerEngine({ socket: join(folder, "none.sock") }).list(generous());
    assert.ok(!result.ok && result.error.kind === "unavailable" && result.error.message.includes("none.sock"));
  });
});

describe("negotiate", () => {
  const cases: readonly (readonly [least: string, most: string, expected: string])[] = [
    ["1.12", "1.39", "1.39"],
    ["1.12", "1.41", "1.41"],
    ["1.24", "1.43", "1.43"],
    ["1.24", "1.51", "1.51"],
    ["1.24", "1.52", "1.51"],
    ["1.44", "1.60", "1.51"],
    ["", "1.41", "1.41"],
    ["1.12", "1.38", "The engine speaks API 1.12 to 1.38; this program speaks 1.39 to 1.51"],
    ["1.52", "1.60", "The engine speaks API 1.52 to 1.60; this program speaks 1.39 to 1.51"],
    ["", "", "The engine names no API version; this program speaks 1.39 to 1.51"],
  ];
  for (const [least, most, expected] of cases) {
    it(`${least || "nothing"} to ${most || "nothing"}: ${expected}`, () => {
      const result = negotiate({ least, most });
      assert.equal(result.ok ? result.version : result.message, expected);
    });
  }
});
