import { closeSync, fstatSync, openSync, readFileSync, readlinkSync } from "node:fs";
import { cleanPath, isBelow } from "../core/admission/path.ts";
import { kernelPaths, modelFiles } from "../core/admission/rules/host-paths.ts";
import { type MountRow, mountTable } from "./mount-table.ts";

/** open(2): a descriptor that stands for a file or folder and can neither read nor write it. Node has no name for it. */
export const O_PATH = 0o10000000;

/** File systems in which the kernel shows and changes itself, wherever they are mounted. */
const kernelTypes: ReadonlySet<string> = new Set([
  ...["proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs", "selinuxfs"],
  ...["bpf", "configfs", "pstore", "efivarfs", "nsfs", "binfmt_misc", "mqueue", "rpc_pipefs"],
]);

/** Where something is in its file system, by whatever name it was reached. */
interface Place {
  readonly device: string;
  readonly path: string;
  /** Of the inode: two links to one file are one. */
  readonly file: string;
}

/**
 * Why an open file or folder is nobody's to see although its path does not say so: a bind or a hard link is another name of
 * something protected, or it holds a file system of the kernel. What is mounted below comes along and counts, too.
 * @param real the path of the open file or folder
 * @returns null when it may be seen
 */
export function protectedByPlace(descriptor: number, real: string, protectedPaths: readonly string[]): string | null {
  const table = mountTable();
  const own = mountOf(descriptor, table);
  if (own === undefined) return "is on a mount that this device does not list";
  const below = table.filter(({ point }) => isBelow(point, real));
  const kernel = [own, ...below].find(({ type }) => kernelTypes.has(type));
  if (kernel !== undefined) return `is, or has below it, a file system of type ${kernel.type}; no pod may see it`;
  const shown = [placeOf(descriptor, own), ...below.map(({ device, root }) => ({ device, path: root, file: "" }))];
  const isModel = real === modelFiles || isBelow(real, modelFiles);
  for (const path of [...kernelPaths, ...protectedPaths]) {
    if (isModel && isBelow(modelFiles, path)) continue;
    const hidden = placeAt(path, table);
    if (hidden !== null && shown.some((place) => overlap(place, hidden)))
      return `is another name of ${path}, or shows it; no pod may see it`;
  }
  return null;
}

/** Null for what is not there. Its own link is followed: what it leads to is what is protected. */
function placeAt(path: string, table: readonly MountRow[]): Place | null {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, O_PATH);
    const mount = mountOf(descriptor, table);
    return mount === undefined ? null : placeOf(descriptor, mount);
  } catch {
    return null;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

/** proc(5), fdinfo: the mount through which it was opened. */
function mountOf(descriptor: number, table: readonly MountRow[]): MountRow | undefined {
  const id = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"))?.[1];
  return table.find((row) => row.id === id);
}

function placeOf(descriptor: number, { device, root, point }: MountRow): Place {
  const path = readlinkSync(`/proc/self/fd/${descriptor}`);
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  const inside = point === "/" ? path : path.slice(point.length);
  return { device, path: cleanPath(`${root}/${inside}`), file: `${dev}:${ino}` };
}

function overlap(a: Place, b: Place): boolean {
  if (a.file === b.file) return true;
  return a.device === b.device && (a.path === b.path || isBelow(a.path, b.path) || isBelow(b.path, a.path));
}
