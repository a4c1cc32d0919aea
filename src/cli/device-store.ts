import type { Config } from "../core/config/config.ts";
import type { StoreReader } from "../ports/store.ts";
import { type LoadedConfig, linesOf, loadConfig } from "./config-file.ts";
import { exitCodes, type Output } from "./output.ts";

export type OpenedDevice =
  | { readonly ok: true; readonly config: Config; readonly store: StoreReader }
  | { readonly ok: false; readonly code: number };

/** The configuration, or the exit code of what is wrong with it, which has been said. */
export function readConfig(file: string | undefined, io: Output): Config | null {
  return readLoaded(file, io)?.config ?? null;
}

/** The same with the file that it stands in. */
export function readLoaded(file: string | undefined, io: Output): Extract<LoadedConfig, { readonly ok: true }> | null {
  const loaded = loadConfig(file, { strict: false });
  if (loaded.ok) return loaded;
  for (const line of linesOf(loaded)) io.err(line);
  return null;
}

/** The store of this device to read, whether the agent runs or not; what is wrong has been said. */
export async function openDevice(file: string | undefined, io: Output): Promise<OpenedDevice> {
  const config = readConfig(file, io);
  if (config === null) return { ok: false, code: exitCodes.usage };
  const { openStoreReadOnly } = await import("../sqlite/store.ts");
  const opened = openStoreReadOnly(config.data.dir);
  if (opened.ok) return { ok: true, config, store: opened.store };
  const start = opened.error.code === "missing" ? ". The agent makes it: systemctl start edge" : "";
  io.err(`${opened.error.message}${start}`);
  return { ok: false, code: exitCodes.no };
}
