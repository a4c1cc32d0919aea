import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { waitUntil } from "../../../scripts/processes.ts";
import { askAgent } from "../../../src/cli/control-client.ts";
import { controlSocket } from "../../../src/linux/control-socket.ts";
import type { ControlRequest, ControlResponse } from "../../../src/ports/control.ts";

/** A group that nobody is in. */
const group = 12_345;

interface Site {
  readonly path: string;
  readonly served: Promise<void>;
  ask(method: string, path: string, body?: string): Promise<{ readonly status: number; readonly text: string }>;
  stop(): Promise<void>;
}

async function serve(
  t: TestContext,
  handle: (request: ControlRequest) => ControlResponse,
  { shared = true, timeoutMs = 10_000 } = {},
): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), "edge-sock-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const data = join(folder, "data");
  mkdirSync(data);
  chownSync(data, process.geteuid?.() ?? 0, group);
  chmodSync(data, shared ? 0o750 : 0o700);
  const path = join(folder, "edge.sock");
  const abort = new AbortController();
  const served = controlSocket({ path, sharedLike: data, timeoutMs }).serve(handle, abort.signal);
  served.catch(() => {});
  assert.ok(await waitUntil(() => readdirSync(folder).includes("edge.sock"), 10_000));
  const stop = async (): Promise<void> => {
    abort.abort();
    await served.catch(() => {});
  };
  t.after(stop);
  return { path, served, stop, ask: (method, at, body = "") => ask(path, method, at, body) };
}

function ask(socketPath: string, method: string, path: string, body: string): ReturnType<Site["ask"]> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const outgoing = httpRequest({ socketPath, method, path }, (incoming) => {
    let text = "";
    incoming.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, text })).on("error", reject);
  });
  outgoing.on("error", reject);
  outgoing.end(body);
  return promise;
}

const echo = ({ method, path, query, body }: ControlRequest): ControlResponse => ({
  status: 200,
  body: { method, path, query: [...query], length: body.length },
});

function open(t: TestContext, path: string): Promise<Socket> {
  const socket = connect(path);
  t.after(() => socket.destroy());
  const { promise, resolve } = Promise.withResolvers<Socket>();
  socket.on("error", () => resolve(socket)).on("connect", () => resolve(socket));
  return promise;
}

describe("the socket of the agent", () => {
  it("answers with JSON", async (t) => {
    const site = await serve(t, echo);
    const { status, text } = await site.ask("DELETE", "/v1/pods/web?force=true", "");
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text), {
      method: "DELETE",
      path: "/v1/pods/web",
      query: [["force", "true"]],
      length: 0,
    });
  });

  it("is for its owner and for the group of a shared data folder", async (t) => {
    const shared = await serve(t, echo);
    assert.deepEqual([statSync(shared.path).mode & 0o777, statSync(shared.path).gid], [0o660, group]);
    const own = await serve(t, echo, { shared: false });
    assert.equal(statSync(own.path).mode & 0o777, 0o600);
  });

  it("does not let another user or group connect", async (t) => {
    const site = await serve(t, echo);
    // The process itself becomes another user for the moment of the connect.
    const as = async (uid: number, gid: number): Promise<string> => {
      process.setegid?.(gid);
      process.seteuid?.(uid);
      const socket = connect(site.path);
      try {
        await once(socket, "connect");
        return "connected";
      } catch (error) {
        return String((error as NodeJS.ErrnoException).code);
      } finally {
        process.seteuid?.(0);
        process.setegid?.(0);
        socket.destroy();
      }
    };
    assert.equal(await as(65_534, 65_534), "EACCES", "another user of another group");
    assert.equal(await as(65_534, group), "connected", "a member of the group");
    process.seteuid?.(65_534);
    const answer = await askAgent({ data: { runDir: join(site.path, "..") } }, { method: "GET", path: "/v1/version" });
    process.seteuid?.(0);
    assert.ok(answer.kind === "unanswered");
    assert.match(answer.message, /^This user may not use \S+\/edge\.sock, only root and the group \S+ may\. Run the/);
  });

  it("replaces what a killed agent left, and leaves nothing", async (t) => {
    const site = await serve(t, echo);
    await site.stop();
    assert.equal(readdirSync(join(site.path, "..")).includes("edge.sock"), false);
    writeFileSync(site.path, "left");
    const stop = new AbortController();
    const served = controlSocket({ path: site.path, sharedLike: join(site.path, "../data") }).serve(echo, stop.signal);
    assert.ok(await waitUntil(() => statSync(site.path).isSocket(), 10_000));
    assert.equal((await site.ask("GET", "/", "")).status, 200);
    stop.abort();
    await served;
    assert.deepEqual(readdirSync(join(site.path, "..")), ["data"]);
  });

  it("reads no more of a body than a message may have", async (t) => {
    const site = await serve(t, echo);
    const most = await site.ask("POST", "/v1/pods", "x".repeat(1_048_576));
    assert.equal(JSON.parse(most.text).length, 1_048_576);
    const outcome = await site.ask("POST", "/v1/pods", "x".repeat(1_048_577)).then(
      ({ status }) => status,
      (error: NodeJS.ErrnoException) => error.code,
    );
    // It may be closed before all of it was sent.
    assert.ok([413, "EPIPE", "ECONNRESET"].includes(outcome as number), String(outcome));
    assert.equal((await site.ask("GET", "/", "")).status, 200);
  });

  it("goes on after nonsense, half a request and a client that is gone", async (t) => {
    const site = await serve(t, echo);
    for (const text of ["\0\0\0", "GET", `GET / HTTP/1.1\r\nx: ${"y".repeat(20_000)}\r\n\r\n`, "POST / HTTP/1.1\r\n"]) {
      const socket = await open(t, site.path);
      socket.write(text);
      socket.destroy();
    }
    const broken = await open(t, site.path);
    broken.write("POST /v1/pods HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{");
    broken.destroy();
    assert.equal((await site.ask("GET", "/", "")).status, 200);
  });

  it("survives a thousand clients that do not read, and answers once they time out", async (t) => {
    const site = await serve(t, echo, { timeoutMs: 500 });
    const clients: Socket[] = [];
    for (let count = 0; count < 1_000; count += 1) {
      const client = await open(t, site.path);
      client.pause();
      client.write("GET / HTTP/1.1\r\n");
      clients.push(client);
    }
    const isAnswered = async (): Promise<boolean> => {
      const answer = await site.ask("GET", "/", "").catch(() => null);
      return answer?.status === 200;
    };
    const until = Date.now() + 60_000;
    while (!(await isAnswered())) {
      assert.ok(Date.now() < until, "it does not answer any more");
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    for (const client of clients) client.destroy();
  });

  it("says that the agent failed, and ends, when an answer throws", async (t) => {
    const site = await serve(t, () => {
      throw new Error("a bug");
    });
    const answer = await site.ask("GET", "/", "").catch(() => null);
    assert.ok(answer === null || answer.status === 500);
    await assert.rejects(site.served, /a bug/);
  });
});
