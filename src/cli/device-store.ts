import type { Config } from "../core/config/config.ts";
import type { StoreReader } from "../ports/store.ts";
import { addonProblem } from "../sqlite/addon.ts";
import { foldersOf, linesOf, loadConfig } from "./config-file.ts";
import { keptConfig } from "./last-good-config.ts";
import { exitCodes, type Output } from "./output.ts";

export type OpenedDevice =
  | { readonly ok: true; readonly config: Config; readonly store: StoreReader }
  | { readonly ok: false; readonly code: number };

/** A configuration, and the file that it was read from or should stand in. */
export interface DeviceConfig {
  readonly file: string | null;
  readonly config: Config;
}

/**
 * The configuration of this device. If its file cannot be used, that is said, and the last good one is given, with which
 * the agent runs, too (lifecycle.md, Configuration); null if none was kept.
 */
export async function readConfig(named: string | undefined, io: Output): Promise<DeviceConfig | null> {
  const loaded = loadConfig(named, { strict: false });
  if (loaded.ok) return loaded;
  for (const line of linesOf(loaded)) io.err(line);
  const config = addonProblem() === null ? await keptConfig(foldersOf(loaded).dir) : null;
  if (config === null) return null;
  io.err("The last good configuration is used");
  return { file: loaded.file, config };
}

/** The store of this device to read, whether the agent runs or not; what is wrong has been said. */
export async function openDevice(file: string | undefined, io: Output): Promise<OpenedDevice> {
  const read = await readConfig(file, io);
  if (read === null) return { ok: false, code: exitCodes.usage };
  const { config } = read;
  const { openStoreReadOnly } = await import("../sqlite/store.ts");
  const opened = openStoreReadOnly(config.data.dir);
  if (opened.ok) return { ok: true, config, store: opened.store };
  const start = opened.error.code === "missing" ? ". The agent makes it: systemctl start edge" : "";
  io.err(`${opened.error.message}${start}`);
  return { ok: false, code: exitCodes.no };
}
