import { styleText } from "node:util";
import { printable } from "../core/base/printable.ts";
import type { Config } from "../core/config/config.ts";
import { noCenter } from "../core/config/config-schema.ts";
import type { CenterInput, EngineInput, StoreInput } from "../core/doctor/doctor-input.ts";
import { examine, type Finding } from "../core/doctor/examine.ts";
import type { NodeUsage } from "../core/node/usage.ts";
import { containerTroubles } from "../core/pod/container-trouble.ts";
import { podKey } from "../core/pod/spec.ts";
import { dockerEngine } from "../docker/engine.ts";
import { cgroupInput, folderInput, hasProgram, nearestExisting } from "../linux/host-checks.ts";
import { npuNodes } from "../linux/npu.ts";
import { readUsage } from "../linux/usage.ts";
import type { Engine } from "../ports/engine.ts";
import { addonProblem } from "../sqlite/addon.ts";
import { runLockHeld } from "../sqlite/lock.ts";
import { openStoreReadOnly } from "../sqlite/store.ts";
import { believeSystemAuthorities, believesSystem } from "../websocket/authorities.ts";
import { type CredentialFiles, credentialReader, type LoadedCredentials } from "../websocket/credentials.ts";
import { proxyFor } from "../websocket/proxy.ts";
import { reachCenter } from "../websocket/reach.ts";
import { foldersOf, type LoadedConfig, loadConfig } from "./config-file.ts";
import { publishedByLock } from "./device-status.ts";
import { engineDeadlines } from "./engine-deadlines.ts";
import { keptConfig } from "./last-good-config.ts";
import { exitCodes, type Output } from "./output.ts";
import { isConfigUnread } from "./unread-config.ts";

const centerDeadlineMs = 10_000;

export interface DoctorOptions {
  readonly config?: string;
  readonly json: boolean;
}

/**
 * `edge doctor`: is this device fit, and what is to be done where it is not? Looks and changes nothing, with or without
 * agent, engine and network. Without a usable configuration the last good one or the defaults are looked at.
 */
export async function doctorCommand(options: DoctorOptions, io: Output): Promise<number> {
  const loaded = loadConfig(options.config, { strict: false });
  const findings = await findingsOf(loaded);
  if (options.json) io.out(JSON.stringify({ checks: findings }));
  else for (const line of findings.flatMap(show)) io.out(line);
  if (!loaded.ok) return exitCodes.usage;
  return findings.some(({ state }) => state === "failure") ? exitCodes.no : exitCodes.fine;
}

async function findingsOf(loaded: LoadedConfig): Promise<readonly Finding[]> {
  const folders = loaded.ok ? loaded.config.data : foldersOf(loaded);
  const program = addonProblem();
  const config = loaded.ok ? loaded.config : program === null ? await keptConfig(folders.dir) : null;
  if (config !== null && believesSystem(config.center.url, config.center.tls.ca)) believeSystemAuthorities();
  const credentials = config === null ? null : credentialReader(credentialFiles(config.center))();
  const [engine, center] = await Promise.all([
    askEngine(config?.engine.socket ?? "/var/run/docker.sock"),
    config === null || credentials === null ? null : askCenter(config, credentials),
  ]);
  const published = publishedByLock(folders.runDir);
  const usage = readUsage({ dataDir: nearestExisting(folders.dir), engineRoot: engine.root });
  const { npus, missing } = npuNodes(config?.node.deviceDir ?? "/dev");
  return examine({
    wall: Date.now(),
    program,
    config: {
      file: loaded.file,
      violations: loaded.ok ? [] : loaded.violations.map(({ message }) => message),
      warnings: loaded.ok ? loaded.warnings.map(({ message }) => message) : [],
      isUnread: published !== null && published.agent.configRead?.file === loaded.file && isConfigUnread(published),
    },
    foldersKnown: loaded.ok || loaded.file === null || loaded.raw !== undefined,
    agentRuns: program === null ? runLockHeld(folders.runDir) : null,
    engine: engine.facts,
    conntrack: hasProgram("conntrack"),
    cgroups: cgroupInput(),
    usage,
    folders: folderInput(folders),
    store: program === null ? storeInput(folders.dir, usage) : null,
    credentials,
    center,
    proxy: config === null ? null : proxyName(config),
    npus: { names: npus.map(({ name }) => name), missing },
  });
}

/** Opened to read and closed again; makes no file. */
function storeInput(dir: string, { dataDisk }: NodeUsage): StoreInput {
  const freeBytes = dataDisk?.freeBytes ?? null;
  const opened = openStoreReadOnly(dir);
  if (!opened.ok) return { state: opened.error.code, message: opened.error.message, freeBytes };
  opened.store.close();
  return { state: "ok", message: "", freeBytes };
}

/** `root` is where it keeps images and containers, null where it does not say. */
async function askEngine(socket: string): Promise<{ readonly facts: EngineInput; readonly root: string | null }> {
  const engine = dockerEngine({ socket });
  const info = await engine.info(AbortSignal.timeout(engineDeadlines.infoMs));
  if (!info.ok)
    return {
      facts: { ok: false, socket, message: info.error.message, silent: info.error.kind === "timeout" },
      root: null,
    };
  const { dataRoot, ...facts } = info.value;
  return { facts: { ok: true, ...facts, troubles: await troublesOf(engine) }, root: dataRoot || null };
}

async function troublesOf(engine: Engine): Promise<readonly string[]> {
  const listed = await engine.list(AbortSignal.timeout(engineDeadlines.listMs));
  if (!listed.ok) return [];
  return containerTroubles(listed.value).map(
    ({ container: { pod, container }, message }) => `${podKey(pod)}/${container}: ${message}`,
  );
}

function credentialFiles({ tls, auth, proxyAuth }: Config["center"]): CredentialFiles {
  return { ...tls, auth: auth.file, proxyAuth: proxyAuth.file };
}

function proxyName({ center: { url, proxy } }: Config): string | null {
  const found = proxyFor(url, proxy);
  return found.ok && found.proxy !== null ? found.proxy.name : null;
}

async function askCenter({ center }: Config, credentials: LoadedCredentials): Promise<CenterInput | null> {
  if (center.url === noCenter) return null;
  const { url, headers, tls, proxy } = center;
  const options = { url, headers, serverName: tls.serverName, proxy, credentials };
  return { host: new URL(url).host, ...(await reachCenter(options, AbortSignal.timeout(centerDeadlineMs))) };
}

/** What others wrote stands in some of it: file names, the engine's words, the center's. */
function show({ check, state, message, todo }: Finding): readonly string[] {
  const colour = { ok: "green", warning: "yellow", failure: "red" } as const;
  const line = `${styleText(colour[state], state.padEnd(7))}  ${check.padEnd(13)}  ${printable(message)}`;
  return todo === null ? [line] : [line, `${"".padEnd(24)}${printable(todo)}`];
}
