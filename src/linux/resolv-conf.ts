import { closeSync, fchmodSync, ftruncateSync, mkdirSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";

export interface ResolvConfOptions {
  readonly dataDir: string;
  /** The host's own: `/etc/resolv.conf`. */
  readonly etc?: string;
  /** Where systemd-resolved names the servers that it asks itself. */
  readonly systemd?: string;
}

/** What pods are told to ask for names: two files, since a loopback server can be asked from the host's network only. */
export interface ResolvConf {
  /** Brings both up to date with the host's; nothing is written when nothing changed. */
  refresh(): void;
  /** Of the file for a pod; it is up to date, unless the disk takes no more. */
  path(pod: { readonly hostNetwork?: boolean }): string;
}

const longestBytes = 64 * 1024;
const systemdStub = "127.0.0.53";

/**
 * Kept in the data folder and rewritten in place: a bind mount is of the file that was there, and a new one under its name
 * would not be seen by containers that run.
 */
export function resolvConf({
  dataDir,
  etc = "/etc/resolv.conf",
  systemd = "/run/systemd/resolve/resolv.conf",
}: ResolvConfOptions): ResolvConf {
  const ofHost = join(dataDir, "dns", "host-network");
  const ofPods = join(dataDir, "dns", "pod-network");
  const refresh = (): void => {
    const host = beginningOf(etc);
    // Somebody may just be replacing it: what stood there last is better than nothing.
    if (host === null && textOf(ofHost) !== null && textOf(ofPods) !== null) return;
    // As Docker's resolvconf.Path: systemd's own resolver alone means that the real servers stand elsewhere.
    const isStub = serversIn(host ?? "").join() === systemdStub;
    const real = (isStub ? beginningOf(systemd) : null) ?? host ?? "";
    rewrite(ofHost, real);
    rewrite(ofPods, reachable(real));
  };
  return {
    refresh,
    path({ hostNetwork }) {
      refresh();
      return hostNetwork === true ? ofHost : ofPods;
    },
  };
}

/**
 * Without the servers that a pod's own network does not reach: loopback, and IPv6, which the default bridge does not have
 * (Docker's FilterResolvDNS). Docker then falls back to a public server; a device asks nobody whom its owner has not named.
 */
function reachable(text: string): string {
  const lines = text.split("\n").filter((line) => {
    const server = serverOf(line);
    return server === null || !(server.startsWith("127.") || server.includes(":"));
  });
  return lines.join("\n");
}

function serversIn(text: string): readonly string[] {
  return text
    .split("\n")
    .map(serverOf)
    .filter((server) => server !== null);
}

function serverOf(line: string): string | null {
  return /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? null;
}

function beginningOf(path: string): string | null {
  try {
    const fd = openSync(path, "r");
    try {
      const buffer = Buffer.alloc(longestBytes);
      return buffer.subarray(0, readSync(fd, buffer)).toString("utf8");
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
}

function rewrite(path: string, text: string): void {
  const before = textOf(path);
  if (before === text) return;
  try {
    mkdirSync(dirname(path), { recursive: true });
    overwrite(path, before === null ? "w" : "r+", Buffer.from(text));
  } catch {
    // A full disk must not stop what runs: pods go on with what is there, and without it the engine says what is missing.
  }
}

/** One write over what is there, then the rest is cut off: whoever reads in between never finds it empty. */
function overwrite(path: string, flags: "w" | "r+", bytes: Buffer): void {
  const fd = openSync(path, flags, 0o644);
  try {
    writeSync(fd, bytes, 0, bytes.length, 0);
    ftruncateSync(fd, bytes.length);
    // Every user of every container reads it, whatever the umask was.
    fchmodSync(fd, 0o644);
  } finally {
    closeSync(fd);
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
