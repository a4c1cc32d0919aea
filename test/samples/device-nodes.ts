import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Making a device node takes a privilege that only root has. */
export const mayMakeNodes = process.getuid?.() === 0;

/** A folder like /dev, with character devices of its own that are all the kernel's null device. */
export interface DeviceFolder {
  readonly path: string;
  add(...names: readonly string[]): void;
  remove(name: string): void;
  /** Changes who may open a node. */
  chmod(name: string, mode: number): void;
  close(): void;
}

export function deviceFolder(...names: readonly string[]): DeviceFolder {
  const path = mkdtempSync(join(tmpdir(), "edge-dev-"));
  const add = (...more: readonly string[]): void => {
    for (const name of more) execFileSync("mknod", ["-m", "666", join(path, name), "c", "1", "3"]);
  };
  add(...names);
  return {
    path,
    add,
    remove: (name) => rmSync(join(path, name)),
    chmod: (name, mode) => chmodSync(join(path, name), mode),
    close: () => rmSync(path, { recursive: true, force: true }),
  };
}
