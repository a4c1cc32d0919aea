import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { requirePackages } from "../../scripts/packages.ts";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { testImages } from "../../scripts/test-images.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, runs } from "./harness.ts";
import { freePort } from "./sockets.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const site = createSite(sharedEngine());
const uid = "18000000-0000-4000-8000-000000000001";
const containerPort = 8080;

/** Answers every datagram with a word, in the network of a process. */
function answer(pid: number, word: string): ChildProcess {
  const script = `const socket = require("node:dgram").createSocket("udp4").bind(${containerPort});
    socket.on("message", (_, { port, address }) => socket.send("${word}", port, address));`;
  return spawn("nsenter", ["-t", String(pid), "--net", process.execPath, "--eval", script], { stdio: "inherit" });
}

before(async () => {
  requirePackages("conntrack");
  await site.startCenter();
  await site.startAgent();
  await site.online();
});
after(() => site.close());

test("TCP and UDP on one host port answer, and a steady sender reaches the next container too", { skip }, async (t) => {
  const hostPort = await freePort();
  const port = { containerPort, hostPort, hostIP: "127.0.0.1" };
  const ports = [
    { ...port, protocol: "TCP" },
    { ...port, protocol: "UDP" },
  ];
  const msgId = "18000000-0000-4000-8000-0000000000a1";
  const reply = await site.ask(podUpdate({ name: "udp", uid, msgId, container: { image: testImages.greeter, ports } }));
  assert.equal(reply.content, "OK");
  await site.reported(uid, "running", (entry) => runs(entry, 0));
  const running = async () => (await site.containers(uid)).find(({ State }) => State.Running);
  const first = (await running()) ?? assert.fail("It runs");
  const servers = [answer(first.State.Pid, "first")];
  const heard: string[] = [];
  const sender = createSocket("udp4").on("message", (word) => heard.push(String(word)));
  const sending = setInterval(() => sender.send("?", hostPort, "127.0.0.1"), 50);
  t.after(() => {
    clearInterval(sending);
    sender.close();
    for (const server of servers) server.kill();
  });
  await site.eventually("an answer", () => heard.at(-1) === "first" || undefined);
  await site.docker.getContainer(first.Id).kill();
  await site.reported(uid, "running again", (entry) => runs(entry, 1));
  const second = (await running()) ?? assert.fail("It runs again");
  servers.push(answer(second.State.Pid, "second"));
  await site.eventually("an answer of the next container", () => heard.at(-1) === "second" || undefined);
  const greeting = connect(hostPort, "127.0.0.1");
  await once(greeting, "connect");
  assert.equal(await text(greeting), "hello\n");
});
