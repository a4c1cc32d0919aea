import { lstatSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import type { MountedAt, MountsSeen } from "../ports/pod-files.ts";
import { majorOf, minorOf } from "./device-number.ts";
import { mountTable } from "./mount-table.ts";

/** As many links as the kernel follows (MAXSYMLINKS). */
const mostLinks = 40;

/** See PodFiles.mountedElsewhere; `root` is `/proc/<pid>/root`. Two names of one file have one device and one inode. */
export function mountedElsewhere(root: string, mounts: readonly MountedAt[]): MountsSeen {
  for (const { source, target } of mounts) {
    const inside = fileAt(() => resolvedIn(root, target));
    // A process that has just ended shows nothing: that is no difference.
    if (inside.kind === "missing" && fileAt(() => root).kind === "missing") return { kind: "same" };
    const outside = fileAt(() => source);
    if (inside.kind === "unknown") return { kind: "unknown", message: `${target}: ${inside.code}` };
    if (outside.kind === "unknown") return { kind: "unknown", message: `${source}: ${outside.code}` };
    if (inside.kind === "there" && outside.kind === "there" && inside.file === outside.file) continue;
    const message = `${target} in the container is not ${source} of this device`;
    return { kind: "elsewhere", source, target, message, isCovered: isCovered(inside, outside) };
  }
  return { kind: "same" };
}

type FileSeen =
  | { readonly kind: "there"; readonly file: string; readonly device: string }
  | { readonly kind: "missing" }
  | { readonly kind: "unknown"; readonly code: string };

function isCovered(inside: FileSeen, outside: FileSeen): boolean {
  if (inside.kind !== "there" || outside.kind !== "there" || inside.device === outside.device) return false;
  try {
    return mountTable().some(({ device }) => device === inside.device);
  } catch {
    return false;
  }
}

/** What says that a path leads nowhere, or its process is gone; anything else says that it could not be looked at. */
const missingCodes = ["ENOENT", "ENOTDIR", "ESRCH", "ELOOP"];

function fileAt(path: () => string): FileSeen {
  try {
    const { dev, ino } = statSync(path(), { bigint: true });
    return { kind: "there", file: `${dev}:${ino}`, device: `${majorOf(dev)}:${minorOf(dev)}` };
  } catch (error) {
    const { code = "ELOOP" } = error as NodeJS.ErrnoException;
    return missingCodes.includes(code) ? { kind: "missing" } : { kind: "unknown", code };
  }
}

/**
 * A path below another root, its links followed by hand: those that begin with a slash lead to that root, while the
 * kernel would follow them from ours.
 */
function resolvedIn(root: string, path: string): string {
  const ahead = partsOf(path).reverse();
  let done: string[] = [];
  for (let links = 0; ahead.length > 0; ) {
    const part = ahead.pop() ?? "";
    if (part === "..") {
      done.pop();
      continue;
    }
    const here = join(root, ...done, part);
    if (!lstatSync(here).isSymbolicLink()) {
      done.push(part);
      continue;
    }
    links += 1;
    if (links > mostLinks) throw new Error(`Too many links in ${path}`);
    const link = readlinkSync(here);
    if (link.startsWith("/")) done = [];
    ahead.push(...partsOf(link).reverse());
  }
  return join(root, ...done);
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
