import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type WebSocket, WebSocketServer } from "ws";
import { isRunning, readText, signalAll, waitUntil } from "../../scripts/processes.ts";
import { installProgram } from "../../scripts/programs.ts";
import type { StatusDocument } from "../../src/core/status-document.ts";
import { keepInstallId, writeConfig } from "./site-files.ts";
import { deadlineMs } from "./sockets.ts";

export interface BareAgentOptions {
  /** The engine's socket; without one there is no engine. */
  readonly socket?: string;
  readonly policy?: Readonly<Record<string, unknown>>;
  /** Folders of its own; made in a temporary folder if not given. */
  readonly dataDir?: string;
  readonly runDir?: string;
}

/** The executable's agent with a center that the test plays itself, line by line. */
export interface BareAgent {
  readonly folder: string;
  readonly dataDir: string;
  readonly runDir: string;
  readonly config: string;
  readonly command: readonly [string, ...string[]];
  /** The agent's connection, once it is there. */
  connection(): Promise<WebSocket>;
  /** What has arrived, oldest first. */
  readonly received: string[];
  start(): void;
  pid(): number;
  alive(): boolean;
  /** SIGKILL, and waits until it has ended. */
  kill(): Promise<void>;
  log(): string;
  status(): StatusDocument | undefined;
  /** Replies to a message, as text. */
  repliesTo(messageId: string): readonly string[];
  eventually(what: string, look: () => boolean | Promise<boolean>, timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

export async function bareAgent(options: BareAgentOptions = {}): Promise<BareAgent> {
  const folder = mkdtempSync(join(tmpdir(), "edge-bare-"));
  const place = {
    config: join(folder, "edge.config.json"),
    dataDir: options.dataDir ?? join(folder, "data"),
    runDir: options.runDir ?? join(folder, "run"),
    tls: join(folder, "tls"),
  };
  const agentLog = join(folder, "agent.log");
  const received: string[] = [];
  const sockets: WebSocket[] = [];
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => {
    sockets.push(socket);
    socket.on("message", (data) => received.push(String(data)));
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const socket = options.socket ?? join(folder, "no-engine.sock");
  writeConfig(place, { node: "edge-1", socket, port, policy: options.policy ?? {} });
  // Without one it would take that of another test's containers, and run these as orphaned.
  keepInstallId(place.dataDir, randomUUID());
  const command = installProgram("executable", folder);
  let pid = 0;

  const eventually: BareAgent["eventually"] = async (what, look, timeoutMs = deadlineMs) => {
    if (await waitUntil(look, timeoutMs)) return;
    const said = (readText(agentLog) ?? "").split("\n").slice(-12).join("\n");
    throw new Error(`Not within ${timeoutMs / 1000} s: ${what}\nThe agent said:\n${said}`);
  };

  const kill = async (): Promise<void> => {
    if (isRunning(pid)) signalAll([pid], "SIGKILL");
    assert.ok(await waitUntil(() => !isRunning(pid), deadlineMs), "the agent ends by SIGKILL");
  };

  return {
    ...place,
    folder,
    command,
    received,
    async connection() {
      const before = sockets.length;
      const isOpen = (): boolean => sockets.at(-1)?.readyState === 1;
      await eventually(`a connection after ${before}`, isOpen);
      return sockets.at(-1) as WebSocket;
    },
    start() {
      const [program, ...rest] = command;
      const file = openSync(agentLog, "a");
      const child = spawn(program, [...rest, "run", "--config", place.config], { stdio: ["ignore", file, file] });
      child.unref();
      pid = child.pid ?? 0;
    },
    pid: () => pid,
    alive: () => isRunning(pid),
    log: () => readText(agentLog) ?? "",
    status() {
      const written = readText(join(place.runDir, "status.json"));
      return written === undefined ? undefined : (JSON.parse(written) as StatusDocument);
    },
    repliesTo: (messageId) => received.filter((text) => text.includes(`"parent_msg_id":"${messageId}"`)),
    eventually,
    kill,
    async close() {
      await kill();
      for (const one of sockets) one.terminate();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
