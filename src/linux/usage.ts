import { readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import type { DiskUsage, NodeUsage } from "../core/node/usage.ts";

export interface UsageOptions {
  readonly dataDir: string;
  /** Null while it is not known. */
  readonly engineRoot: string | null;
  /** Where the kernel shows itself: `/proc`. */
  readonly proc?: string;
}

/** What is taken on this device, right now. What cannot be read, or makes no sense, is null. */
export function readUsage({ dataDir, engineRoot, proc = "/proc" }: UsageOptions): NodeUsage {
  return {
    memory: memory(read(join(proc, "meminfo"))),
    dataDisk: disk(dataDir),
    engineDisk: engineRoot === null ? null : disk(engineRoot),
    processes: processes(proc),
  };
}

/** MemAvailable is the kernel's own estimate of what can be had without swapping. */
function memory(meminfo: string): NodeUsage["memory"] {
  const bytes = (name: string) => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(meminfo)?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  };
  const [totalBytes, availableBytes] = [bytes("MemTotal"), bytes("MemAvailable")];
  return totalBytes === null || availableBytes === null ? null : { totalBytes, availableBytes };
}

/** The fourth field of loadavg is "runnable/all" of processes and threads, on all of the device (proc(5)). */
function processes(proc: string): NodeUsage["processes"] {
  const running = /^\S+ \S+ \S+ \d+\/(\d+) /.exec(read(join(proc, "loadavg")))?.[1];
  const limits = ["pid_max", "threads-max"].map((name) => Number(read(join(proc, "sys/kernel", name)) || Number.NaN));
  const known = limits.filter((limit) => limit > 0);
  if (running === undefined || known.length === 0) return null;
  return { running: Number(running), most: Math.min(...known) };
}

function disk(path: string): DiskUsage | null {
  try {
    const { blocks, bavail, bsize, files, ffree } = statfsSync(path);
    if (blocks <= 0) return null;
    const inodes = files > 0 ? { total: files, free: ffree } : null;
    return { totalBytes: blocks * bsize, freeBytes: bavail * bsize, inodes };
  } catch {
    return null;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
