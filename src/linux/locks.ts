import { readFileSync, statSync } from "node:fs";

/**
 * Whether a process holds this file locked for writing, by the kernel's own list (proc(5)). Quick, and needs no native
 * code. False says nothing: processes of other containers are not in the list, nor is every file system's own number.
 */
export function isLockedForWriting(file: string, list = "/proc/locks"): boolean {
  try {
    const { dev, ino } = statSync(file, { bigint: true });
    const place = [majorOf(dev), minorOf(dev)].map((number) => number.toString(16).padStart(2, "0")).join(":");
    return new RegExp(`^\\d+: POSIX +ADVISORY +WRITE \\d+ ${place}:${ino} `, "m").test(readFileSync(list, "utf8"));
  } catch {
    return false;
  }
}

/** makedev(3) as glibc has it. */
function majorOf(dev: bigint): bigint {
  return ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
}

function minorOf(dev: bigint): bigint {
  return (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
}
