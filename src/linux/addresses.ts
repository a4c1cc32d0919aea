import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { ownValue } from "../core/base/own-value.ts";

/**
 * The address this device has toward the center: of the interface with the default route, else the first that is not
 * loopback. A center on loopback is reached from loopback; without a center (null) the others are.
 */
export function hostIp(centerHost: string | null): string {
  if (centerHost === "localhost" || centerHost?.startsWith("127.") || centerHost === "[::1]") return "127.0.0.1";
  const interfaces = networkInterfaces();
  const ipv4 = (name: string) =>
    (ownValue(interfaces, name) ?? []).find((address) => address.family === "IPv4" && !address.internal)?.address;
  const candidates = [defaultInterface(), ...Object.keys(interfaces)].filter((name) => name !== null);
  return candidates.map(ipv4).find((address) => address !== undefined) ?? "127.0.0.1";
}

/** Name of the interface whose route has destination 0.0.0.0, from /proc/net/route. */
function defaultInterface(): string | null {
  try {
    const lines = readFileSync("/proc/net/route", "utf8").split("\n").slice(1);
    return lines.map((line) => line.split("\t")).find(([, destination]) => destination === "00000000")?.[0] ?? null;
  } catch {
    return null;
  }
}
