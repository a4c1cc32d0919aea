import { readFileSync } from "node:fs";
import { readText } from "./files.ts";

/** One mount: proc(5), mountinfo. */
export interface MountRow {
  readonly id: string;
  /** `major:minor` of the file system. */
  readonly device: string;
  /** The folder of the file system that is mounted: `/`, or another one for a bind. */
  readonly root: string;
  /** Where it is mounted. */
  readonly point: string;
  /** `ext4`, `proc` … */
  readonly type: string;
}

/** Whether the mounts that this process sees can be listed: not in a root without /proc. */
export function canListMounts(): boolean {
  return readText("/proc/self/mountinfo") !== "";
}

/** Every mount that a process sees, ours if no other table is named. Throws when the table cannot be read. */
export function mountTable(file = "/proc/self/mountinfo"): readonly MountRow[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map(rowOf);
}

function rowOf(line: string): MountRow {
  const [id = "", , device = "", root = "", point = "", ...more] = line.split(" ");
  // Optional fields end with a dash.
  const type = more[more.indexOf("-") + 1] ?? "";
  return { id, device, root: plain(root), point: plain(point), type };
}

/** Space, tab, newline and backslash are written as octal numbers. */
function plain(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
