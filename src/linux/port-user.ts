import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

const tables = { TCP: ["tcp", "tcp6"], UDP: ["udp", "udp6"] } as const;
/** Kernel `tcp_states.h`: TCP_LISTEN, and what a UDP socket has that waits for anybody. */
const waiting = { TCP: "0A", UDP: "07" } as const;

/**
 * The process that listens on a port of this device, as "nginx (pid 812)"; null if none does, or if this user may not see
 * whose the socket is. Reads the open files of every process, so it is for an error's sentence, not for every look.
 * @param proc where the kernel shows itself
 */
export function portUser(protocol: "TCP" | "UDP", port: number, proc = "/proc"): string | null {
  const inodes = listeners(protocol, port, proc);
  if (inodes.size === 0) return null;
  for (const pid of namesIn(proc).filter((name) => /^\d+$/.test(name))) {
    const folder = join(proc, pid, "fd");
    const holds = namesIn(folder).some((name) => inodes.has(targetOf(join(folder, name))));
    if (holds) return `${read(join(proc, pid, "comm")).trim() || "a process"} (pid ${pid})`;
  }
  return null;
}

/** The sockets that wait on the port, named as /proc/PID/fd names them. */
function listeners(protocol: "TCP" | "UDP", port: number, proc: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const table of tables[protocol]) {
    for (const line of read(join(proc, "net", table)).split("\n")) {
      const columns = line.trim().split(/\s+/);
      const [, local = "", , state, , , , , , inode = ""] = columns;
      const isOfPort = Number.parseInt(local.slice(local.lastIndexOf(":") + 1), 16) === port;
      if (isOfPort && state === waiting[protocol]) found.add(`socket:[${inode}]`);
    }
  }
  return found;
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

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
