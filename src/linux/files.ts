import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/**
 * Replaces a file whole: whoever reads it sees the old text or the new, also after a power cut when `durable`.
 * @param mode of the file, as chmod takes it
 */
export function replaceFile(path: string, text: string, mode: number, options: { readonly durable: boolean }): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.tmp`;
  const fd = openSync(temporary, "w", mode);
  try {
    writeFileSync(fd, text);
    if (options.durable) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}

/** Creates a folder, and sets its mode by chmod, since the umask is not ours to rely on. Writes nothing if it is so already. */
export function ensureFolder(path: string, mode: number): string {
  mkdirSync(path, { recursive: true });
  // A chmod is a write to the disk, also if it changes nothing.
  if ((statSync(path).mode & 0o7777) !== mode) chmodSync(path, mode);
  return path;
}

/** The text of a small file such as those of /proc; "" if it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
