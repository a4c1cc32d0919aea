import { lstatSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import type { MountedAt } from "../ports/device.ts";

/** As many links as the kernel follows (MAXSYMLINKS). */
const mostLinks = 40;

/** See Device.mountedElsewhere; `root` is `/proc/<pid>/root`. Two names of one file have one device and one inode. */
export function mountedElsewhere(root: string, mounts: readonly MountedAt[]): string | null {
  for (const { source, target } of mounts) {
    const inside = fileAt(() => resolvedIn(root, target));
    // A process that has just ended shows nothing: that is no difference.
    if (inside === null && fileAt(() => root) === null) return null;
    const outside = fileAt(() => source);
    if (inside === null || inside !== outside) return `${target} in the container is not ${source} of this device`;
  }
  return null;
}

function fileAt(path: () => string): string | null {
  try {
    const { dev, ino } = statSync(path(), { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
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
