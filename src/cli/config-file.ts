import { existsSync, readFileSync, statSync } from "node:fs";
import { jsonProblem } from "../core/base/json-error.ts";
import { isObject } from "../core/base/json-keys.ts";
import { printable } from "../core/base/printable.ts";
import type { Violation, Warning } from "../core/base/violation.ts";
import { type Config, type ParseConfigOptions, parseConfig } from "../core/config/config.ts";
import { noRightSentence } from "../linux/file-rights.ts";
import { readSerialNumber } from "../linux/serial-number.ts";
import { writableByOthers } from "../linux/trust.ts";

const systemFile = "/etc/edge/edge.config.json";
/** As in the schema of the configuration: where things are when nothing can be read of it. */
export const defaultFolders = {
  dir: "/var/lib/edge",
  runDir: "/run/edge",
  podsDir: "/etc/edge/pods.d",
  imagesDir: "/var/lib/edge/images",
} as const;

/** Where an agent keeps its store and sockets, and where its maker puts pods and images. */
export type Folders = { readonly [Name in keyof typeof defaultFolders]: string };

export type LoadedConfig = UsableConfig | BrokenConfig;

interface UsableConfig {
  readonly ok: true;
  readonly file: string;
  /** As {@link modifiedAt}, from before the file was read. */
  readonly modifiedAt: string | null;
  readonly config: Config;
  readonly warnings: readonly Warning[];
}

export interface BrokenConfig {
  readonly ok: false;
  readonly file: string | null;
  readonly modifiedAt: string | null;
  readonly raw: unknown;
  readonly violations: readonly Violation[];
}

/** Root takes nothing from the folder in which it happens to be: somebody else may have put it there. */
function usualPlaces(): readonly string[] {
  return process.geteuid?.() === 0 ? [systemFile] : ["edge.config.json", systemFile];
}

/** When a file was changed last, RFC 3339 with milliseconds; null where it is not there or nothing of it can be seen. */
export function modifiedAt(file: string): string | null {
  try {
    return statSync(file).mtime.toISOString();
  } catch {
    return null;
  }
}

/**
 * Reads and judges the configuration file: the one that is named, else the first that is there (contracts.md). One that
 * others may write, or exchange in a folder that they may write, is not read.
 * `{serialNumber}` is filled from this device, unless the options give another one.
 * @param options.strict an unknown key is an error, not a warning
 */
export function loadConfig(named: string | undefined, options: ParseConfigOptions): LoadedConfig {
  const file = named ?? usualPlaces().find((place) => existsSync(place));
  if (file === undefined) return broken({ file: null, modifiedAt: null }, firstBoot(systemFile), null);
  const from = { file, modifiedAt: modifiedAt(file) };
  let text: string;
  try {
    const open = writableByOthers(file);
    if (open !== null) return broken(from, openToOthers(file, open), file);
    text = readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const forbidden = code === "EACCES" ? noRightSentence(file, { verb: "read", joinable: true }) : null;
    const absent = code === "ENOENT" ? `There is no ${file}. ${firstBoot(file)}` : null;
    return broken(from, forbidden ?? absent ?? `${file} cannot be read: ${message}`, file);
  }
  if (text.trim() === "") return broken(from, `${file} is empty. ${firstBoot(file)}`, null);
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    return broken(from, `${file} is ${jsonProblem(text, error)}`, null);
  }
  const parsed = parseConfig(raw, { serialNumber: () => readSerialNumber(), ...options });
  return parsed.ok ? { ...parsed, ...from } : { ok: false, ...from, raw, violations: parsed.violations };
}

function openToOthers(file: string, open: string): string {
  return `${file} is not used: others may write to ${open}. Let only root or this user write there (chown, chmod go-w)`;
}

function firstBoot(file: string): string {
  return `No configuration: write the device's name and its center's address into ${file}, as in \
{"node": {"name": "edge-1"}, "center": {"url": "wss://center.example/websocket/edge-1/events"}}, or name another file \
with --config FILE`;
}

function broken(from: Pick<BrokenConfig, "file" | "modifiedAt">, message: string, value: unknown): BrokenConfig {
  return { ok: false, ...from, raw: undefined, violations: [{ path: "", rule: "config.file", message, value }] };
}

/** The folders that a configuration names which cannot be used otherwise. */
export function foldersOf({ raw }: BrokenConfig): Folders {
  const data = isObject(raw) && "data" in raw && isObject(raw.data) ? raw.data : {};
  const local = isObject(raw) && "local" in raw && isObject(raw.local) ? raw.local : {};
  const folder = (value: unknown, otherwise: string) => (typeof value === "string" && value !== "" ? value : otherwise);
  const dir = folder("dir" in data ? data.dir : undefined, defaultFolders.dir);
  return {
    dir,
    runDir: folder("runDir" in data ? data.runDir : undefined, defaultFolders.runDir),
    podsDir: folder("podsDir" in local ? local.podsDir : undefined, defaultFolders.podsDir),
    imagesDir: folder("imagesDir" in local ? local.imagesDir : undefined, `${dir}/images`),
  };
}

/** One line a violation, with the file that it stands in; of a file that cannot be read at all the message names it. */
export function linesOf({ file, violations }: BrokenConfig): readonly string[] {
  return violations.map(({ path, message }) =>
    printable(path === "" || file === null ? message : `${file}: ${message}`),
  );
}
