import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ownValue } from "../core/base/own-value.ts";
import { ensureFolder } from "./files.ts";

const dataLink = "..data";
const draftLink = "..data_tmp";

/** Whether a config map has ever been written there. */
export function holdsConfigMap(folder: string): boolean {
  return currentFolder(folder) !== null;
}

/**
 * Brings a folder to what a config map holds, as the kubelet's AtomicWriter does: files in a folder of their own, `..data`
 * pointing to it, and each key a link through `..data`. Turning that one link is what a program in a container sees: all
 * the old, or all the new. Nothing is written when nothing differs.
 * @returns what went wrong, null when it worked
 */
export function writeConfigMap(folder: string, data: Readonly<Record<string, string>>): string | null {
  const odd = Object.keys(data).find((key) => !/^[A-Za-z0-9_.-]{1,253}$/.test(key) || key.startsWith(".."));
  if (odd !== undefined) return `key ${JSON.stringify(odd)} cannot be a file's name`;
  try {
    ensureFolder(folder, 0o755);
    const current = currentFolder(folder);
    if (current === null || !holds(join(folder, current), data)) turn(folder, data);
    settleLinks(folder, Object.keys(data));
    return null;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // Only the disk may fail; anything else is a bug.
    if (code === undefined) throw error;
    return `it cannot be written on this device: ${code}`;
  }
}

/** The folder that `..data` points to, null when there is none. */
function currentFolder(folder: string): string | null {
  try {
    const target = readlinkSync(join(folder, dataLink));
    return lstatSync(join(folder, target)).isDirectory() ? target : null;
  } catch {
    return null;
  }
}

/** No fsync: after a power cut the contents are compared again, and what the disk lost is written anew. */
function turn(folder: string, data: Readonly<Record<string, string>>): void {
  const time = new Date().toISOString().slice(0, 19).replace(/[-:T]/g, "_");
  const made = mkdtempSync(join(folder, `..${time}.`));
  for (const [key, value] of Object.entries(data)) {
    const file = join(made, key);
    writeFileSync(file, value);
    chmodSync(file, 0o644);
  }
  chmodSync(made, 0o755);
  const draft = join(folder, draftLink);
  rmSync(draft, { force: true });
  symlinkSync(made.slice(folder.length + 1), draft);
  renameSync(draft, join(folder, dataLink));
}

function holds(folder: string, data: Readonly<Record<string, string>>): boolean {
  const names = readdirSync(folder);
  if (names.length !== Object.keys(data).length) return false;
  return names.every((name) => {
    const file = join(folder, name);
    if (!Object.hasOwn(data, name) || !lstatSync(file).isFile()) return false;
    return readFileSync(file, "utf8") === ownValue(data, name);
  });
}

/** A link for each key and nothing else, but what `..data` needs; what a crash in the middle left behind goes too. */
function settleLinks(folder: string, keys: readonly string[]): void {
  const target = currentFolder(folder);
  const wanted = new Set([...keys, dataLink, target]);
  for (const name of readdirSync(folder)) {
    if (!wanted.has(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
  for (const key of keys) {
    const link = join(folder, key);
    const through = `${dataLink}/${key}`;
    if (linkTarget(link) === through) continue;
    rmSync(link, { recursive: true, force: true });
    symlinkSync(through, link);
  }
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
