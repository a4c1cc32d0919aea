import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from "node:fs";
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
