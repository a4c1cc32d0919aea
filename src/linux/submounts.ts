import { readFileSync } from "node:fs";
import { isBelow } from "../core/admission/path.ts";

/** Whose mounts the engine may carry into a container: the host's first process, and ours, if it is in another namespace. */
const namespaces: readonly string[] = ["/proc/1/mountinfo", "/proc/self/mountinfo"];

/**
 * Whether anything is mounted below a folder of this device: a bind of the folder carries it along, writable as it is.
 * A table that cannot be read counts as one that has something there.
 */
export function hasSubmounts(folder: string, tables: readonly string[] = namespaces): boolean {
  return tables.some((table) => {
    try {
      return mountPoints(table).some((point) => isBelow(point, folder));
    } catch {
      return true;
    }
  });
}

/**
 * Where something is mounted, by proc(5), mountinfo: the fifth field, in which space, tab, newline and backslash are written
 * as octal numbers. Throws when the table cannot be read.
 */
export function mountPoints(table = "/proc/self/mountinfo"): readonly string[] {
  return readFileSync(table, "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((field) =>
      field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
}
