import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import Docker from "dockerode";
import { writeCertificates } from "../../scripts/certificates.ts";
import type { TestEngine } from "../../scripts/private-engine.ts";
import { isRunning, readText, signalAll, waitUntil } from "../../scripts/processes.ts";
import { installProgram, type Program } from "../../scripts/programs.ts";
import type { CenterNode } from "../../src/center/nodes.ts";
import type { NodeReport } from "../../src/core/node/status.ts";
import type { PodStatus } from "../../src/core/pod/pod-status.ts";
import type { PodRow, StatusDocument } from "../../src/core/status-document.ts";
import { unmountBelow } from "../../src/linux/bind-mounts.ts";
import { keepInstallId, writeConfig } from "./site-files.ts";
import { control, deadlineMs, demultiplexed, inspected } from "./sockets.ts";

type UsedEngine = Pick<TestEngine, "socket" | "folder" | "command">;

/** One message as the center recorded it. */
export interface Recorded {
  readonly at: string;
  readonly message: WireMessage;
}

export interface WireMessage {
  readonly header: Readonly<Record<string, unknown>> & { readonly msg_id: string; readonly parent_msg_id: string };
  readonly route: {
    readonly source: string;
    readonly group: string;
    readonly operation: string;
    readonly resource: string;
  };
  readonly content: unknown;
}

/** One pod in a podstatus message. */
export interface Entry {
  readonly Name: string;
  readonly UID: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: PodStatus;
}

export interface SiteOptions {
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly center?: Readonly<Record<string, unknown>>;
  /** How the program is run, the agent and the center; the bundle on Node unless another is named. */
  readonly program?: Program;
  /** TLS between them, with certificates made for the occasion; the device has one of its own, too. */
  readonly tls?: boolean;
  /** Its data folder, on a disk of its own. */
  readonly dataDir?: string;
  /** Where the agent looks for NPUs. */
  readonly deviceDir?: string;
}

/** A device and its central node: processes of the built program, on a real engine, in a folder of their own. */
export type Site = ReturnType<typeof createSite>;

/** What one command printed. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function createSite(engine: UsedEngine, options: SiteOptions = {}) {
  // With the engine goes what is mounted there, also where a test was killed before it could close its site.
  const folder = mkdtempSync(join(engine.folder, "site-"));
  const node = "edge-1";
  const installId = randomUUID();
  const place = {
    config: join(folder, "edge.config.json"),
    dataDir: options.dataDir ?? join(folder, "data"),
    runDir: join(folder, "run"),
    record: join(folder, "record.jsonl"),
    control: join(folder, "control.sock"),
    agentLog: join(folder, "agent.log"),
    centerLog: join(folder, "center.log"),
    /** Pods may mount it, and what is below it. */
    hostFolder: join(folder, "host"),
    tls: join(folder, "tls"),
  };
  const fromSource = process.env.EDGE_FROM_SOURCE === "1" && options.program === undefined;
  const program = fromSource ? [process.execPath, "src/main.ts"] : installProgram(options.program ?? "node", folder);
  const docker = new Docker({ socketPath: engine.socket });
  const started = new Set<number>();
  const live = { agent: 0, center: 0, port: 0 };
  const policy = { hostPaths: [place.hostFolder, `${place.hostFolder}/**`], ...options.policy };
  mkdirSync(place.hostFolder);
  chmodSync(place.hostFolder, 0o755);
  keepInstallId(place.dataDir, installId);
  if (options.tls) writeCertificates(place.tls);

  const edge = (...args: readonly string[]): readonly [string, ...string[]] => {
    return engine.command(...program, ...args);
  };

  const launch = (log: string, args: readonly string[]): number => {
    const [command, ...rest] = edge(...args);
    const file = openSync(log, "a");
    const child = spawn(command, rest, { stdio: ["ignore", file, file] });
    child.unref();
    assert.ok(child.pid !== undefined, `Cannot start edge ${args.join(" ")}`);
    started.add(child.pid);
    return child.pid;
  };

  const end = async (pid: number, signal: NodeJS.Signals): Promise<void> => {
    signalAll([pid], signal);
    assert.ok(await waitUntil(() => !isRunning(pid), deadlineMs), `Process ${pid} outlived ${signal}`);
  };

  /** Waits until `look` gives something; on failure it says what was waited for, and what the agent said last. */
  const eventually = async <T>(
    what: string,
    look: () => T | undefined | Promise<T | undefined>,
    timeoutMs = deadlineMs,
  ): Promise<T> => {
    let found: T | undefined;
    const came = await waitUntil(async () => {
      found = await look();
      return found !== undefined;
    }, timeoutMs);
    if (came && found !== undefined) return found;
    const said = (readText(place.agentLog) ?? "").split("\n").slice(-12).join("\n");
    throw new Error(`Not within ${timeoutMs / 1000} s: ${what}\nThe pods: ${pods()}\nThe agent said:\n${said}`);
  };

  const published = (): StatusDocument | undefined => {
    const written = readText(join(place.runDir, "status.json"));
    return written === undefined ? undefined : (JSON.parse(written) as StatusDocument);
  };
  const pods = (): string => JSON.stringify(latest()?.map(({ Name, UID, status }) => ({ Name, UID, status })));

  const records = (): readonly Recorded[] => {
    const whole = readText(place.record) ?? "";
    // The last line may be half written.
    const lines = whole.slice(0, whole.lastIndexOf("\n") + 1).split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Recorded);
  };
  const reports = (): readonly (readonly Entry[])[] =>
    records()
      .filter(({ message }) => message.route?.resource === "websocket/podstatus")
      .map(({ message }) => message.content as readonly Entry[]);
  const latest = (): readonly Entry[] | undefined => reports().at(-1);
  /** All that was ever reported of a pod, oldest first. */
  const entries = (uid: string): readonly Entry[] =>
    reports().flatMap((report) => report.filter((entry) => entry.UID === uid));

  return {
    ...place,
    folder,
    node,
    installId,
    docker,
    eventually,
    published,
    records,
    reports,
    latest,
    entries,

    agentPid: () => live.agent,

    /** What a pod needs to run a script: a message may not hold one, so it lies on the host. */
    script(name: string, lines: string) {
      writeFileSync(join(place.hostFolder, name), lines);
      return {
        command: ["/bin/sh", `/host/${name}`],
        volumes: [{ name: "host", hostPath: { path: place.hostFolder, type: "" } }],
        volumeMounts: [{ name: "host", mountPath: "/host", readOnly: true }],
      };
    },

    async startCenter(): Promise<void> {
      const before = readText(place.centerLog)?.length ?? 0;
      const where = ["--listen", `127.0.0.1:${live.port}`, "--record", place.record, "--control", place.control];
      live.center = launch(place.centerLog, ["center", ...where, ...(options.tls ? ["--tls", place.tls] : [])]);
      live.port = await eventually("the center listens", () => {
        const said = (readText(place.centerLog) ?? "").slice(before);
        const port = /Listening on wss?:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
        return port === undefined ? undefined : Number(port);
      });
      writeConfig(place, { ...options, policy, node, socket: engine.socket, port: live.port });
    },

    killCenter: () => end(live.center, "SIGKILL"),

    /** Stops either from doing anything: what is sent to it stays in the connection. */
    freeze: (which: "agent" | "center") => signalAll([live[which]], "SIGSTOP"),
    thaw: (which: "agent" | "center") => signalAll([live[which]], "SIGCONT"),

    /** Starts the agent and waits for nothing. */
    launchAgent(): void {
      live.agent = launch(place.agentLog, ["run", "--config", place.config]);
    },

    /** Starts the agent and waits until it has said something of itself. */
    async startAgent(): Promise<void> {
      this.launchAgent();
      await eventually("the agent runs", () => published()?.agent.pid === live.agent || undefined);
    },

    endAgent: (signal: NodeJS.Signals) => end(live.agent, signal),

    /** A command of the program, for a test that starts it in its own way. */
    command: (...args: readonly string[]) => edge("--config", place.config, ...args),

    /** A command beside the running agent, to its end. */
    run(...args: readonly string[]): Promise<Ran> {
      const [command, ...rest] = edge("--config", place.config, ...args);
      return new Promise((resolve) => {
        execFile(command, rest, { timeout: deadlineMs }, (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
        );
      });
    },

    async status(): Promise<{ readonly code: number; readonly document: StatusDocument }> {
      const { code, stdout, stderr } = await this.run("status", "--json");
      assert.notEqual(stdout, "", `edge status gave ${code} and said ${stderr}`);
      return { code, document: JSON.parse(stdout) as StatusDocument };
    },

    /** Waits until `edge status` shows what has just happened: the agent writes its file at most once a second. */
    shown(what: string, holds: (document: StatusDocument) => boolean): Promise<StatusDocument> {
      return eventually(`${what} in edge status`, async () => {
        const { document } = await this.status();
        return holds(document) ? document : undefined;
      });
    },

    async row(name: string): Promise<PodRow | undefined> {
      return (await this.status()).document.pods.find((row) => row.name === name);
    },

    online: () =>
      eventually("the agent is connected", async () =>
        (await control(place.control, "GET", "/nodes")).body.includes(`"${node}"`) ? true : undefined,
      ),

    /** What the center knows of the state of this node: the `Status` of its last nodestatus. */
    async nodeStatus(): Promise<NodeReport | null> {
      const nodes = JSON.parse((await control(place.control, "GET", "/nodes")).body) as readonly CenterNode[];
      return (nodes.find((one) => one.node === node)?.nodeStatus ?? null) as NodeReport | null;
    },

    /** Sends through the center's control socket, and gives the agent's reply as the center answered with it. */
    async ask(message: string): Promise<WireMessage> {
      const { status, body } = await control(place.control, "POST", `/send?node=${node}`, message);
      assert.equal(status, 200, body);
      return JSON.parse(body) as WireMessage;
    },

    /** Sends something that is not answered, or need not be a message at all. */
    async sendRaw(body: string): Promise<void> {
      const answer = await control(place.control, "POST", `/send?node=${node}&raw=1`, body);
      assert.equal(answer.status, 202, answer.body);
    },

    /** Sends and does not wait for what comes of it. */
    async sendAndForget(message: string): Promise<void> {
      await control(place.control, "POST", `/send?node=${node}&timeoutMs=1`, message);
    },

    replies(messageId: string): readonly WireMessage[] {
      return records()
        .map(({ message }) => message)
        .filter((message) => message.header?.parent_msg_id === messageId);
    },

    /** Waits for a pod's newest report to satisfy the condition, and gives it. */
    reported(uid: string, what: string, condition: (entry: Entry) => boolean): Promise<Entry> {
      return eventually(`${what} reported of ${uid}`, () => {
        const entry = latest()?.find((one) => one.UID === uid);
        return entry !== undefined && condition(entry) ? entry : undefined;
      });
    },

    /** Waits for any report of a pod, also one that a newer one has overtaken, to satisfy the condition. */
    wasReported(uid: string, what: string, condition: (entry: Entry) => boolean): Promise<Entry> {
      return eventually(`${what} once reported of ${uid}`, () => entries(uid).find(condition));
    },

    /** Every container of this device, by pod uid and attempt. */
    async containers(uid?: string): Promise<readonly Docker.ContainerInspectInfo[]> {
      const label = [`edge.install=${installId}`, ...(uid === undefined ? [] : [`io.kubernetes.pod.uid=${uid}`])];
      const listed = await docker.listContainers({ all: true, filters: { label } });
      const all = await Promise.all(listed.map(({ Id }) => inspected(docker, Id)));
      return all.filter((one) => one !== null).sort((a, b) => (a.Name < b.Name ? -1 : 1));
    },

    /** What the engine did with this device's containers between two moments. */
    async events(since: number, until: number): Promise<readonly { readonly action: string; readonly id: string }[]> {
      const filters = { type: ["container"], label: [`edge.install=${installId}`] };
      const at = (moment: number): string => (moment / 1000).toFixed(3);
      const query = { since: at(since), until: at(until), filters };
      const answer = await text(await docker.getEvents(query as unknown as Docker.GetEventsOptions));
      const lines = answer.split("\n").filter((line) => line !== "");
      return lines.map((line) => JSON.parse(line)).map(({ Action, Actor }) => ({ action: Action, id: Actor.ID }));
    },

    logOf: (): string => readText(place.agentLog) ?? "",

    async logs(id: string): Promise<string> {
      const raw = await docker.getContainer(id).logs({ stdout: true, stderr: true });
      return demultiplexed(raw);
    },

    async close(): Promise<void> {
      signalAll([...started].filter(isRunning), "SIGKILL");
      await waitUntil(() => ![...started].some(isRunning), deadlineMs);
      for (const { Id } of await this.containers().catch(() => [])) {
        await docker.getContainer(Id).remove({ force: true, v: true }).catch(String);
      }
      // What the agent has mounted there is the device's.
      assert.equal(unmountBelow(folder), null);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The pod's one container is at work, after so many restarts: its phase is Running while it waits for the next, too. */
export function runs(entry: Entry, restarts: number): boolean {
  const { state, restartCount } = only(entry.status.containerStatuses);
  return entry.status.phase === "Running" && state.running !== undefined && restartCount === restarts;
}

/** The ids of a list of containers, for comparisons. */
export function ids(containers: readonly Docker.ContainerInspectInfo[]): readonly string[] {
  return containers.map(({ Id }) => Id).sort();
}

/** The first of a list that must not be empty. */
export function only<T>(list: readonly T[]): T {
  assert.equal(list.length, 1);
  return list[0] as T;
}
