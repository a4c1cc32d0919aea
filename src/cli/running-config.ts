import { createEventRecorder } from "../agent/event-recorder.ts";
import { counted } from "../core/base/counted.ts";
import type { Warning } from "../core/base/violation.ts";
import { changedKeys } from "../core/config/changed-keys.ts";
import type { Config } from "../core/config/config.ts";
import type { ConfigRead } from "../core/status-document.ts";
import { linuxClock } from "../linux/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import { unlessFull } from "./agent-store.ts";
import { type BrokenConfig, foldersOf, type LoadedConfig, loadConfig } from "./config-file.ts";
import { keptConfig } from "./last-good-config.ts";

/** What the agent runs with, and what is to be said of its file. SIGHUP changes it. */
export interface RunningConfig {
  current(): Config;
  /** The file as it was read last, also one that was rejected; null where there is none. */
  lastRead(): ConfigRead | null;
  /** What the device's owner should know and do, in sentences. */
  notices(): readonly string[];
  /** Records that the agent started without the file. */
  recordStart(store: Store): void;
  /** Takes over policy and log level; everything else keeps until the next start. */
  reload(store: Store): void;
}

/**
 * The configuration to run with: this one, or the last good one (lifecycle.md, Configuration); null when there is none.
 * @param named the file that `--config` names
 */
export async function createRunningConfig(
  named: string | undefined,
  loaded: LoadedConfig,
  log: Log,
): Promise<RunningConfig | null> {
  const started = loaded.ok ? loaded.config : await keptConfig(foldersOf(loaded).dir);
  if (started === null) return null;
  let config = started;
  let latest = loaded;
  let atNextStart: readonly string[] = [];
  logProblems(loaded, log);
  return {
    current: () => config,
    lastRead: () => readOf(latest),
    notices() {
      if (!latest.ok) return [rejectedNotice(latest)];
      const { file, warnings } = latest;
      const waits =
        atNextStart.length === 0 ? [] : [`${file} has changes that need a restart: ${waiting(atNextStart)}`];
      return [...waits, ...ignoredNotices(file, warnings)];
    },
    recordStart(store) {
      if (latest.ok) return;
      log.write("error", "Running with the last good configuration");
      record(store, log, rejection(latest));
    },
    reload(store) {
      latest = loadConfig(named, { strict: false });
      logProblems(latest, log);
      if (!latest.ok) {
        record(store, log, rejection(latest));
        return;
      }
      const changed = changedKeys(config, latest.config);
      atNextStart = changed.atNextStart;
      config = { ...config, policy: latest.config.policy, log: latest.config.log };
      const taken =
        changed.atOnce.length === 0 ? "no change of policy and log" : `changed: ${changed.atOnce.join(", ")}`;
      const rest = atNextStart.length === 0 ? "" : `. After a restart: ${atNextStart.join(", ")}`;
      const message = `${latest.file} was read again; ${taken}${rest}`;
      record(store, log, { type: "Normal", reason: "ConfigReloaded", message });
    },
  };
}

interface ConfigEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

function record(store: Store, log: Log, event: ConfigEvent): void {
  unlessFull(() => createEventRecorder({ store, clock: linuxClock(), log }).recordDeviceEvent(event));
}

function rejection(broken: BrokenConfig): ConfigEvent {
  return { type: "Warning", reason: "ConfigRejected", message: rejectedSentence(broken) };
}

function logProblems(loaded: LoadedConfig, log: Log): void {
  if (loaded.ok) for (const { path, message } of loaded.warnings) log.write("warn", "Configuration", { path, message });
  else
    for (const { path, message } of loaded.violations) log.write("error", "Configuration refused", { path, message });
}

function rejectedSentence({ violations }: BrokenConfig): string {
  const [first = "", ...more] = violations.map(({ message }) => message);
  const others = more.length === 0 ? "" : `, and ${more.length} more`;
  return `The configuration is rejected, and the last good one is in force: ${first}${others}`;
}

function rejectedNotice(broken: BrokenConfig): string {
  const todo =
    broken.file === null
      ? ""
      : `. Correct ${broken.file}; edge config check shows every error. Then run systemctl reload edge`;
  return `${rejectedSentence(broken)}${todo}.`;
}

/** A mistyped key of the policy takes away what it was to allow: nobody looks for that in a command they do not know. */
function ignoredNotices(file: string, warnings: readonly Warning[]): readonly string[] {
  const [first, ...others] = warnings;
  if (first === undefined) return [];
  const more =
    others.length === 0 ? "" : `, and ${counted(others.length, "more warning")}: edge config check shows them`;
  return [`${file}: ${first.message}${more}.`];
}

function waiting(keys: readonly string[]): string {
  return `${keys.join(", ")}. Run systemctl restart edge; pods keep running.`;
}

function readOf({ file, modifiedAt }: LoadedConfig): ConfigRead | null {
  return file === null || modifiedAt === null ? null : { file, modifiedAt };
}
