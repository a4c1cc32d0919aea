import { isBelow } from "../core/admission/path.ts";
import { mountTable } from "./mount-table.ts";

/** Whose mounts the engine may carry into a container: the host's first process, and ours, if it is in another namespace. */
const namespaces: readonly string[] = ["/proc/1/mountinfo", "/proc/self/mountinfo"];

/**
 * Whether anything is mounted below a folder of this device: a bind of the folder carries it along, writable as it is.
 * A table that cannot be read counts as one that has something there.
 */
export function hasSubmounts(folder: string, tables: readonly string[] = namespaces): boolean {
  return tables.some((table) => {
    try {
      return mountTable(table).some(({ point }) => isBelow(point, folder));
    } catch {
      return true;
    }
  });
}
