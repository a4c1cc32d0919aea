import { readFileSync, statSync } from "node:fs";
import { majorOf, minorOf } from "./device-number.ts";

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
