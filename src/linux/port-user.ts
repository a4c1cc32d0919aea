import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { readText } from "./files.ts";
import { listeningSockets, type Protocol } from "./sockets.ts";

/**
 * The process that listens on a port of this device, as "nginx (pid 812)"; null if none does, or if this user may not see
 * whose the socket is. Reads the open files of every process, so it is for an error's sentence, not for every look.
 * @param proc where the kernel shows itself
 */
export function portUser(protocol: Protocol, port: number, proc = "/proc"): string | null {
  const sockets = listeningSockets(protocol, proc).filter((socket) => socket.port === port);
  if (sockets.length === 0) return null;
  const names = new Set(sockets.map(({ inode }) => `socket:[${inode}]`));
  for (const pid of namesIn(proc).filter((name) => /^\d+$/.test(name))) {
    const folder = join(proc, pid, "fd");
    const holds = namesIn(folder).some((name) => names.has(targetOf(join(folder, name))));
    if (holds) return `${readText(join(proc, pid, "comm")).trim() || "a process"} (pid ${pid})`;
  }
  return null;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}
