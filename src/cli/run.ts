import { join, resolve } from "node:path";
import { type AgentParts, runAgent } from "../agent/agent.ts";
import { createEventRecorder } from "../agent/event-recorder.ts";
import { momentOf } from "../agent/loop/moment.ts";
import { defaultProtectedPaths } from "../core/admission/context.ts";
import { shownUrl } from "../core/base/shown-url.ts";
import { type Config, ownPaths } from "../core/config/config.ts";
import { noCenter } from "../core/config/config-schema.ts";
import { safeModeOf } from "../core/node/safe-mode.ts";
import { maxMessageBytes } from "../core/protocol/limits.ts";
import { dockerEngine } from "../docker/engine.ts";
import { linuxClock, unknownBoot } from "../linux/clock.ts";
import { controlSocket } from "../linux/control-socket.ts";
import { linuxDevice } from "../linux/device.ts";
import { factoryFiles } from "../linux/factory-files.ts";
import { keepHeapSmall } from "../linux/heap.ts";
import { httpProbe } from "../linux/http-probe.ts";
import { linuxImageArchives } from "../linux/image-archives.ts";
import { jsonLog } from "../linux/log.ts";
import { linuxPodFiles } from "../linux/pod-files.ts";
import { systemRandom } from "../linux/random.ts";
import { type SelfEnds, selfEnds } from "../linux/self-ends.ts";
import { systemdSupervisor } from "../linux/supervisor.ts";
import { userEnginePaths } from "../linux/user-engines.ts";
import type { Engine } from "../ports/engine.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import { addonProblem } from "../sqlite/addon.ts";
import { acquireDataLock, acquireRunLock, dataLockFile } from "../sqlite/lock.ts";
import { believeSystemAuthorities, believesSystem } from "../websocket/authorities.ts";
import { credentialReader } from "../websocket/credentials.ts";
import { websocketLink } from "../websocket/link.ts";
import { folderOfAnother, openAgentStore, unlessFull } from "./agent-store.ts";
import { linesOf, loadConfig } from "./config-file.ts";
import { controlPath } from "./control-client.ts";
import { keepConfig } from "./last-good-config.ts";
import { exitCodes, type Output } from "./output.ts";
import { createRunningConfig } from "./running-config.ts";
import { statusFile, statusPath } from "./status-file.ts";
import { version } from "./version.ts";

const engineDataRoot = "engineDataRoot";
const handshakeTimeoutMs = 15_000;

export interface RunOptions {
  readonly config?: string;
}

/**
 * `edge run`: the agent, in the foreground, until SIGTERM or SIGINT. Pods are left as they are when it ends. This is
 * where the ports meet their adapters.
 */
export async function runCommand(options: RunOptions, io: Output): Promise<number> {
  const problem = addonProblem();
  if (problem !== null) {
    io.err(problem);
    return exitCodes.no;
  }
  if (linuxClock().bootId() === unknownBoot) {
    io.err(
      "The agent cannot tell one boot from another, because /proc is not mounted. Mount it: mount -t proc proc /proc",
    );
    return exitCodes.no;
  }
  const loaded = loadConfig(options.config, { strict: false });
  let level = loaded.ok ? loaded.config.log.level : "info";
  const log = jsonLog(
    (line) => process.stderr.write(line),
    () => level,
  );
  const running = await createRunningConfig(options.config, loaded, log);
  if (running === null) {
    if (!loaded.ok) for (const line of linesOf(loaded)) io.err(line);
    return exitCodes.usage;
  }
  const config = running.current();
  level = config.log.level;
  const stranger = folderOfAnother(config);
  if (stranger !== null) {
    io.err(stranger);
    return exitCodes.no;
  }
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  const supervisor = systemdSupervisor(process.env, log);
  const found = await openAgentStore(config, log, { supervisor, signal: stop.signal });
  if (found === null) return exitCodes.fine;
  if (found.kind === "failed") {
    io.err(found.message);
    return exitCodes.no;
  }
  const { store: opened, notices } = found;
  const lock = acquireRunLock(config.data.runDir);
  if (!lock.ok) {
    opened.close();
    io.err(`An agent is already running: it holds ${join(config.data.runDir, "lock")}`);
    return exitCodes.no;
  }
  const dataLock = acquireDataLock(config.data.dir);
  if (!dataLock.ok) {
    opened.close();
    lock.release();
    io.err(`Another agent with another run folder uses this data folder: it holds ${dataLockFile(config.data.dir)}`);
    return exitCodes.no;
  }
  unlessFull(() => keepConfig(opened, config));
  running.recordStart(opened);
  const said = { notices: () => [...running.notices(), ...notices], configRead: running.lastRead };
  const publisher = statusFile(statusPath(config.data.runDir), said, log);
  process.on("SIGHUP", () => {
    running.reload(opened);
    level = running.current().log.level;
    publisher.again();
  });
  keepHeapSmall();
  if (believesSystem(config.center.url, config.center.tls.ca)) believeSystemAuthorities();
  log.write("info", "Agent starts", {
    version,
    node: config.node.name,
    center: shownUrl(config.center.url),
    pid: process.pid,
  });
  const ends = selfEnds(config.data.dir, linuxClock(), log);
  try {
    const parts = agentParts(config, running.current, opened, log, stop.signal);
    const configFile = loaded.ok ? resolve(loaded.file) : null;
    const settings = { ...parts.settings, configFile };
    await untilItEnds(ends, log, (safety) =>
      runAgent({ ...parts, ...safety, settings, publish: publisher.publish, supervisor }, stop.signal),
    );
    unlessFull(() => recordStop(opened, log));
  } catch {
    return exitCodes.no;
  } finally {
    opened.close();
    dataLock.release();
    lock.release();
  }
  return exitCodes.fine;
}

/**
 * Runs the agent, in safe mode if it has ended by itself too often. An end by an error is logged with its stack and
 * recorded for the next start; an error outside the agent's loops ends the process at once.
 */
async function untilItEnds(
  ends: SelfEnds,
  log: Log,
  run: (safety: Pick<AgentParts, "safeMode" | "onWorkers">) => Promise<void>,
): Promise<void> {
  let busy = (): readonly string[] => [];
  const ended = (error: unknown): void => {
    const { message, stack } = error instanceof Error ? error : { message: String(error), stack: "" };
    log.write("error", "Agent ends by itself", { why: message, stack: (stack ?? "").slice(0, 4_096) });
    ends.add(message, busy());
  };
  process.on("uncaughtException", (error) => {
    ended(error);
    process.exit(exitCodes.no);
  });
  const safeMode = safeModeOf(ends.all(), momentOf(linuxClock()));
  try {
    await run({
      safeMode,
      onWorkers(ask) {
        busy = ask;
      },
    });
  } catch (error) {
    ended(error);
    throw error;
  }
}

/** Where a start follows on no such event, the agent or the device ended unasked. */
function recordStop(store: Store, log: Log): void {
  const message = "Agent stopped; pods keep running";
  createEventRecorder({ store, clock: linuxClock(), log }).recordDeviceEvent({
    type: "Normal",
    reason: "AgentStopped",
    message,
  });
}

function agentParts(
  config: Config,
  live: () => Config,
  store: Store,
  log: Log,
  lifetime: AbortSignal,
): Omit<Parameters<typeof runAgent>[0], "publish"> {
  const { node, center, engine, data, local, images } = config;
  const policy = () => live().policy;
  const { seen, protectedPaths } = protectedOf(config, store);
  return {
    engine: seen(dockerEngine({ socket: engine.socket, lifetime })),
    store,
    link: websocketLink({
      url: center.url,
      headers: center.headers,
      handshakeTimeoutMs,
      maxPayload: maxMessageBytes,
      serverName: center.tls.serverName ?? undefined,
      compression: center.compression,
      proxy: center.proxy,
      credentials: credentialReader({ ...center.tls, auth: center.auth.file, proxyAuth: center.proxyAuth.file }),
    }),
    device: linuxDevice({
      dataDir: data.dir,
      deviceDir: node.deviceDir,
      centerHost: center.url === noCenter ? null : new URL(center.url).hostname,
      policy,
    }),
    podFiles: linuxPodFiles({ dataDir: data.dir, runDir: data.runDir, policy, protectedPaths, lifetime }),
    http: httpProbe(),
    archives: linuxImageArchives(local.imagesDir),
    factoryFiles: factoryFiles(local.podsDir),
    controlSocket: controlSocket({ path: controlPath(data.runDir), sharedLike: data.dir }),
    clock: linuxClock(),
    random: systemRandom(),
    log,
    policy,
    protectedPaths,
    settings: {
      nodeName: node.name,
      serialNumber: node.serialNumber,
      centerUrl: shownUrl(center.url),
      statusPeriodMs: center.statusPeriodSeconds * 1000,
      keepaliveMs: center.keepaliveSeconds * 1000,
      statusDialect: center.statusDialect,
      images,
      pid: process.pid,
      version,
    },
  };
}

/** What no pod may see: where things usually are, where this configuration puts them, and where the engine says it is. */
function protectedOf(
  config: Config,
  store: Store,
): { readonly seen: (engine: Engine) => Engine; readonly protectedPaths: () => readonly string[] } {
  const fixed = [...ownPaths(config), ...defaultProtectedPaths];
  return {
    // Kept in the store, so that it holds while the engine is away, too.
    seen: (inner) => ({
      ...inner,
      async info(signal) {
        const info = await inner.info(signal);
        if (info.ok && info.value.dataRoot !== "" && info.value.dataRoot !== store.getMeta(engineDataRoot)) {
          store.setMeta(engineDataRoot, info.value.dataRoot);
        }
        return info;
      },
    }),
    protectedPaths() {
      const dataRoot = store.getMeta(engineDataRoot);
      return [...fixed, ...userEnginePaths(), ...(dataRoot === null ? [] : [dataRoot])];
    },
  };
}
