import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync, statSync, watch } from "node:fs";
import { join } from "node:path";
import { maxMessageBytes } from "../core/protocol/limits.ts";
import type { FactoryFiles, FactoryFolder, FactoryText } from "../ports/factory-files.ts";
import { readDocument } from "./pod-document.ts";
import { writableByOthers } from "./trust.ts";

/** More factory pods than a device runs. */
const mostFiles = 64;

/** Of a file that somebody is writing: hidden, or a copy of an editor. */
const podFile = /^[^.#].*\.(?:ya?ml|json)$/;

/** The files of a folder, `.yaml`, `.yml` or `.json`; hidden ones and those of editors are left out. */
export function factoryFiles(folder: string): FactoryFiles {
  return {
    folder,
    look: () => look(folder),
    read: (file) => read(join(folder, file)),
    watch(onChanged, signal) {
      try {
        watch(folder, { signal, persistent: false }, onChanged).on("error", () => {});
      } catch {
        // It is not there yet: looks find it.
      }
    },
  };
}

function look(folder: string): FactoryFolder {
  try {
    const open = writableByOthers(folder);
    if (open !== null) return { kind: "unreadable", reason: openToOthers(open) };
    const names = readdirSync(folder)
      .filter((name) => podFile.test(name))
      .sort();
    const files = new Map<string, string>();
    for (const name of names.slice(0, mostFiles)) {
      const stamp = stampOf(join(folder, name));
      if (stamp !== null) files.set(name, stamp);
    }
    return { kind: "read", files, more: Math.max(0, names.length - mostFiles) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? { kind: "missing" } : { kind: "unreadable", reason: message };
  }
}

/** A link counts with what it leads to: its target may be exchanged. */
function stampOf(path: string): string | null {
  const link = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (link === undefined) return null;
  const target = statSync(path, { bigint: true, throwIfNoEntry: false });
  return [link.ino, link.mtimeNs, target?.ino, target?.size, target?.mtimeNs, target?.mode].join(" ");
}

function openToOthers(open: string): string {
  return `others may write to ${open}. Let only root or the agent's user write there (chown, chmod go-w)`;
}

/** Whether a file of this name in the folder is one of a factory pod. */
export function isPodFileName(name: string): boolean {
  return podFile.test(name);
}

async function read(path: string): Promise<FactoryText> {
  try {
    const open = writableByOthers(path);
    if (open !== null) return { ok: false, reason: openToOthers(open) };
  } catch (error) {
    return unreadable(error);
  }
  return readPodFile(path);
}

/** The Pod of any file as JSON, within the limits of a factory pod; it does not matter who may write to the file. Never throws. */
export async function readPodFile(path: string): Promise<FactoryText> {
  try {
    const text = readBounded(path);
    if (text === null) return { ok: false, reason: `no file of at most ${maxMessageBytes} bytes` };
    return await readDocument(path, text);
  } catch (error) {
    return unreadable(error);
  }
}

function unreadable(error: unknown): FactoryText {
  return { ok: false, reason: `cannot be read: ${(error as Error).message}` };
}

/** The text of a file; null for what is none or is too long. Opened first, so that nothing is exchanged in between. */
function readBounded(path: string): string | null {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) return null;
    const buffer = Buffer.alloc(maxMessageBytes + 1);
    let length = 0;
    while (length < buffer.length) {
      const read = readSync(descriptor, buffer, length, buffer.length - length, null);
      if (read === 0) break;
      length += read;
    }
    return length > maxMessageBytes ? null : buffer.toString("utf8", 0, length);
  } finally {
    closeSync(descriptor);
  }
}
