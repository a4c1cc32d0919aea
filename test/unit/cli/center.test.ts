import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { centerCommand } from "../../../src/cli/center.ts";

interface Running {
  readonly port: number;
  readonly control: string;
  readonly record: string;
  readonly lines: readonly string[];
  /** Ends it and gives the exit code. */
  stop(): Promise<number>;
}

async function start(t: TestContext): Promise<Running> {
  const dir = mkdtempSync(join(tmpdir(), "edge-center-"));
  const [control, record] = [join(dir, "control"), join(dir, "record.jsonl")];
  const lines: string[] = [];
  const stop = new AbortController();
  const io = { out: (line: string) => lines.push(line), err: (line: string) => lines.push(`! ${line}`) };
  const ended = centerCommand({ listen: "127.0.0.1:0", control, record }, io, stop.signal);
  t.after(async () => {
    stop.abort();
    await ended;
    rmSync(dir, { recursive: true });
  });
  const port = () => /ws:\/\/127\.0\.0\.1:(\d+)\//.exec(lines.join("\n"))?.[1];
  await until(() => port() !== undefined, "the center to listen");
  return {
    port: Number(port()),
    control,
    record,
    lines,
    stop() {
      stop.abort();
      return ended;
    },
  };
}

/** A node that answers every message with "OK", when it is told to. */
async function connect(t: TestContext, center: Running, node: string, answers = true) {
  const socket = new WebSocket(`ws://127.0.0.1:${center.port}/websocket/${node}/events`);
  const received: string[] = [];
  socket.on("error", () => {});
  socket.on("message", (data) => {
    received.push(String(data));
    const { header, route } = JSON.parse(String(data));
    if (answers) socket.send(reply(header.msg_id, route, `OK ${received.length}`));
  });
  t.after(() => socket.terminate());
  await until(() => socket.readyState === WebSocket.OPEN, "the node to connect");
  await until(() => center.lines.some((line) => line.includes(`+ ${node} connected`)), "the center to see it");
  return { socket, received };
}

function reply(parent: string, route: object, content: string): string {
  const header = { msg_id: "r", parent_msg_id: parent, timestamp: 1, sync: false, resourceversion: "" };
  return JSON.stringify({ header, route: { ...route, operation: "response" }, content });
}

function message(id: string, operation = "update"): string {
  const header = { msg_id: id, parent_msg_id: "", timestamp: 1, sync: true, resourceversion: "" };
  const route = { source: "controller", group: "resource", operation, resource: "websocket/pod/a" };
  return JSON.stringify({ header, route, content: null });
}

interface Answered {
  readonly status: number;
  readonly body: string;
}

function call(center: Running, method: "GET" | "POST", path: string, body = ""): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: center.control, method, path }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode ?? 0, body: text.trimEnd() });
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, `Waited in vain for ${what}`);
    await sleep(5);
  }
}

describe("centerCommand()", () => {
  it("prints its purpose, and ends with its signal", async (t) => {
    const center = await start(t);
    assert.match(center.lines[0] ?? "", /for development and tests only/);
    assert.equal(statSync(center.control).mode & 0o777, 0o600);
    assert.equal(await center.stop(), 0);
    assert.equal(existsSync(center.control), false);
  });

  it("rejects an address that it cannot listen on", async () => {
    const io = { out: () => {}, err: () => {} };
    const never = new AbortController().signal;
    for (const listen of ["nonsense", "127.0.0.1:99999", "0.0.0.0:0"]) {
      assert.equal(await centerCommand({ listen }, io, never), 2, listen);
    }
    assert.equal(await centerCommand({ listen: "127.0.0.1:0", tls: "/nowhere" }, io, never), 1);
  });

  it("sends a message as it is and answers with its reply", async (t) => {
    const center = await start(t);
    const node = await connect(t, center, "edge-1");
    const answered = await call(center, "POST", "/send?node=edge-1", message("m1"));
    assert.equal(answered.status, 200);
    assert.equal(JSON.parse(answered.body).content, "OK 1");
    assert.deepEqual(node.received, [message("m1")]);
  });

  it("wraps a bare Pod in an update message with a new msg_id", async (t) => {
    const center = await start(t);
    const node = await connect(t, center, "edge-1");
    const pod = { metadata: { name: "a-1" }, spec: { containers: [] } };
    for (let i = 0; i < 2; i += 1) {
      assert.equal((await call(center, "POST", "/send?node=edge-1", JSON.stringify(pod))).status, 200);
    }
    const [first, second] = node.received.map((text) => JSON.parse(text));
    assert.deepEqual(first.route, {
      source: "controller",
      group: "resource",
      operation: "update",
      resource: "websocket/pod/a-1",
    });
    assert.deepEqual(first.content, pod);
    assert.equal(first.header.sync, true);
    assert.match(first.header.msg_id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.notEqual(first.header.msg_id, second.header.msg_id);
  });

  it("returns the reply of each of two messages with one msg_id", async (t) => {
    const center = await start(t);
    await connect(t, center, "edge-1");
    const bodies = await Promise.all([
      call(center, "POST", "/send?node=edge-1", message("same")),
      call(center, "POST", "/send?node=edge-1", message("same", "delete")),
    ]);
    assert.deepEqual(bodies.map(({ body }) => JSON.parse(body).content).sort(), ["OK 1", "OK 2"]);
  });

  it("keeps nodes apart", async (t) => {
    const center = await start(t);
    const [one, two] = [await connect(t, center, "one"), await connect(t, center, "two", false)];
    const waiting = call(center, "POST", "/send?node=two&timeoutMs=20000", message("m"));
    await until(() => two.received.length === 1, "the message");
    one.socket.send(reply("m", {}, "not mine"));
    two.socket.send(reply("other", {}, "not this"));
    two.socket.send(reply("m", {}, "mine"));
    assert.equal(JSON.parse((await waiting).body).content, "mine");
    assert.deepEqual(one.received, []);
  });

  it("reports a missing reply, an unknown node and an empty body", async (t) => {
    const center = await start(t);
    await connect(t, center, "edge-1", false);
    const late = await call(center, "POST", "/send?node=edge-1&timeoutMs=50", message("m7"));
    assert.deepEqual(late, {
      status: 504,
      body: "edge-1 has been sent message m7 and has not replied within 50 ms",
    });
    const absent = await call(center, "POST", "/send?node=edge-2", message("m"));
    assert.deepEqual(absent, { status: 404, body: "No node edge-2 is connected" });
    for (const [path, body, status] of [
      ["/send?node=edge-1", "not JSON", 400],
      ["/send?node=edge-1", "{}", 400],
      ["/send?node=edge-1&timeoutMs=0", message("m"), 400],
      ["/send", message("m"), 400],
      ["/other?node=edge-1", "", 404],
      ["/send?node=edge-1", "x".repeat(4_194_305), 413],
    ] as const) {
      assert.equal((await call(center, "POST", path, body)).status, status, path);
    }
  });

  it("sends any text on request, and does not wait for a reply that it cannot match", async (t) => {
    const center = await start(t);
    const received: string[] = [];
    const socket = new WebSocket(`ws://127.0.0.1:${center.port}/other`, { headers: { node_id: "edge-1" } });
    t.after(() => socket.terminate());
    socket.on("message", (data) => received.push(String(data)));
    await until(() => center.lines.some((line) => line.includes("+ edge-1")), "the node");
    assert.equal((await call(center, "POST", "/send?node=edge-1&raw=1", "not JSON")).status, 202);
    assert.equal((await call(center, "POST", "/send?node=edge-1", '{"route":{}}')).status, 202);
    await until(() => received.length === 2, "both");
    assert.deepEqual(received, ["not JSON", '{"route":{}}']);
  });

  it("lists its nodes and disconnects one", async (t) => {
    const center = await start(t);
    assert.equal((await call(center, "GET", "/nodes")).body, "[]");
    const node = await connect(t, center, "edge-1");
    await connect(t, center, "edge-0");
    node.socket.send(message("up"));
    await until(() => center.lines.some((line) => line.includes("< edge-1")), "the message");
    const [first, second] = JSON.parse((await call(center, "GET", "/nodes")).body);
    assert.deepEqual([first.node, first.messages, first.lastMessage], ["edge-0", 0, null]);
    assert.deepEqual([second.node, second.messages, second.lastMessage.route.operation], ["edge-1", 1, "update"]);
    assert.ok(!Number.isNaN(Date.parse(second.connectedSince)));
    const resource = "websocket/nodestatus/edge-sn";
    const status = { route: { resource }, content: { Status: { capacity: { cpu: "4" } } } };
    for (const sent of [status, { route: { resource }, content: "odd" }]) node.socket.send(JSON.stringify(sent));
    await until(() => center.lines.filter((line) => line.includes("< edge-1")).length === 3, "its state");
    const told = JSON.parse((await call(center, "GET", "/nodes")).body);
    assert.deepEqual([told[0].nodeStatus, told[1].nodeStatus], [null, { capacity: { cpu: "4" } }]);
    assert.equal((await call(center, "POST", "/disconnect?node=edge-1")).status, 200);
    await until(() => node.socket.readyState === WebSocket.CLOSED, "the end");
    await until(() => center.lines.some((line) => line.includes("- edge-1 disconnected")), "the line");
    assert.equal((await call(center, "POST", "/disconnect?node=edge-1")).status, 404);
  });

  it("replaces the older connection of a node that connects again", async (t) => {
    const center = await start(t);
    const old = await connect(t, center, "edge-1");
    const fresh = await connect(t, center, "edge-1");
    await until(() => old.socket.readyState === WebSocket.CLOSED, "the older one to end");
    await until(() => center.lines.filter((line) => line.includes("+ edge-1")).length === 2, "the second connection");
    assert.equal((await call(center, "POST", "/send?node=edge-1", message("m"))).status, 200);
    assert.equal(fresh.received.length, 1);
  });

  it("records every message as one line without control characters", async (t) => {
    const center = await start(t);
    const node = await connect(t, center, "edge-1");
    node.socket.send("bad \u001b[31m\nnews");
    node.socket.send(message("up"));
    await until(() => center.lines.filter((line) => line.includes("< edge-1")).length === 2, "both messages");
    const lines = readFileSync(center.record, "utf8").trimEnd().split("\n");
    const [bad, good] = lines.map((line) => JSON.parse(line));
    assert.equal(lines.length, 2);
    assert.deepEqual([bad.node, bad.message], ["edge-1", "bad \u001b[31m\nnews"]);
    assert.deepEqual(good.message, JSON.parse(message("up")));
    assert.ok(!Number.isNaN(Date.parse(good.at)));
    assert.ok(center.lines.every((line) => !/\p{C}/u.test(line)));
    assert.equal(statSync(center.record).mode & 0o777, 0o600);
  });

  it("rejects a path without a node", async (t) => {
    const center = await start(t);
    const socket = new WebSocket(`ws://127.0.0.1:${center.port}/`);
    const words = new Promise((resolve) => socket.on("error", (error) => resolve(error.message)));
    assert.match(String(await words), /404/);
  });

  it("reports lost, doubled and reordered replies", async (t) => {
    const center = await start(t);
    assert.equal((await call(center, "GET", "/check?node=edge-1")).status, 404);
    const node = await connect(t, center, "edge-1", false);
    const say = (msgId: string, parent: string): void => {
      const header = { msg_id: msgId, parent_msg_id: parent, timestamp: 1 };
      node.socket.send(JSON.stringify({ header, route: { operation: "response", resource: "x" }, content: "OK" }));
    };
    for (const id of ["a", "b", "c"]) await call(center, "POST", "/send?node=edge-1&timeoutMs=1", message(id));
    say("rb", "b");
    say("rb", "b");
    say("ra", "a");
    say("ra2", "a");
    await until(() => center.lines.filter((line) => line.includes("< edge-1")).length === 4, "the replies");
    const { body } = await call(center, "GET", "/check?node=edge-1");
    const { lost, doubled, reordered, repeats, replies } = JSON.parse(body);
    assert.deepEqual([lost.length, doubled.length, reordered.length, repeats, replies], [1, 1, 1, 1, 2]);
  });

  it("misbehaves on request", async (t) => {
    const center = await start(t);
    const behave = async (query: string) => (await call(center, "POST", `/behave?${query}`)).status;
    const failure = (): Promise<string> => {
      const socket = new WebSocket(`ws://127.0.0.1:${center.port}/websocket/x/events`, { handshakeTimeout: 300 });
      return new Promise((resolve) => socket.on("error", (error) => resolve(error.message)));
    };
    assert.equal(await behave("how=refuse&status=503&retryAfter=7"), 200);
    assert.match(await failure(), /503/);
    assert.equal(await behave("how=silent"), 200);
    assert.match(await failure(), /handshake has timed out/);
    assert.equal(await behave("how=well"), 200);

    const first = await connect(t, center, "edge-1");
    const pongs: string[] = [];
    first.socket.on("pong", (payload) => pongs.push(String(payload)));
    first.socket.ping("1");
    await until(() => pongs.length === 1, "a pong");
    assert.equal(await behave("how=noPong"), 200);
    first.socket.ping("2");
    first.socket.send(message("after"));
    await until(() => center.lines.some((line) => line.includes("after")), "what came after the ping");
    assert.deepEqual(pongs, ["1"]);

    const codeAfter = async (query: string): Promise<number> => {
      const { socket } = await connect(t, center, query.replaceAll(/[^a-z]/g, ""));
      const code = new Promise<number>((resolve) => socket.on("close", resolve));
      assert.equal(await behave(`node=${query.replaceAll(/[^a-z]/g, "")}&${query}`), 200);
      return code;
    };
    assert.equal(await codeAfter("how=close&code=4001"), 4001);
    assert.equal(await codeAfter("how=drop"), 1006);
    assert.ok([1002, 1006, 1009].includes(await codeAfter("how=garbage")));

    assert.equal(await behave("how=slow"), 200);
    const slow = await connect(t, center, "slow");
    slow.socket.send(message("never-read"));
    await sleep(100);
    assert.ok(!center.lines.some((line) => line.includes("never-read")));

    for (const query of ["how=rude", "how=close&code=5000", "how=refuse", ""]) assert.equal(await behave(query), 400);
    assert.equal(await behave("how=drop&node=nobody"), 404);
  });
});
