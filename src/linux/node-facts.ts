import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { NodeFacts } from "../core/admission/node-facts.ts";
import { formatBinary, formatNanos, parseQuantity } from "../core/pod/quantity.ts";
import type { ResourceList } from "../core/pod/spec.ts";
import { npuNodes } from "./npu.ts";
import { portUser } from "./port-user.ts";

export interface FactsOptions {
  /** Kept back from pods: the policy's `systemReserved`. */
  readonly systemReserved: { readonly cpu: string; readonly memory: string };
  /** Where the kernel shows itself: `/proc`. */
  readonly proc?: string;
  /** Where the nodes of NPUs are. */
  readonly dev: string;
}

/** What this device has for pods, right now. What cannot be read counts as not there. */
export function readFacts(options: FactsOptions): Omit<NodeFacts, "pods" | "configMaps"> {
  const proc = options.proc ?? "/proc";
  return {
    allocatable: allocatable(proc, options),
    addresses: addresses(),
    listening: {
      tcp: localPorts(proc, ["tcp", "tcp6"], (state) => state === "0A"),
      // A UDP socket that is connected (01) is somebody's client; 07 is one that waits for anybody.
      udp: localPorts(proc, ["udp", "udp6"], (state) => state === "07"),
    },
    portUser: (protocol, port) => portUser(protocol, port, proc),
  };
}

function allocatable(proc: string, { systemReserved, dev }: FactsOptions): ResourceList {
  const cpus = [...read(join(proc, "stat")).matchAll(/^cpu\d+ /gm)].length;
  const kilobytes = /^MemTotal:\s+(\d+) kB$/m.exec(read(join(proc, "meminfo")))?.[1] ?? "0";
  const cpu = BigInt(cpus) * 1_000_000_000n - (parseQuantity(systemReserved.cpu) ?? 0n);
  const memory = BigInt(kilobytes) * 1024n - (parseQuantity(systemReserved.memory) ?? 0n) / 1_000_000_000n;
  const { resource, npus } = npuNodes(dev);
  return {
    cpu: cpu > 0n ? formatNanos(cpu) : "0",
    memory: memory > 0n ? formatBinary(memory) : "0",
    ...(npus.length === 0 ? {} : { [resource]: String(npus.length) }),
  };
}

function addresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.filter(({ family }) => family === "IPv4").map(({ address }) => address);
}

/** Local ports of sockets in a state, from tables whose lines read `sl local_address rem_address st …` in hexadecimal. */
function localPorts(proc: string, tables: readonly string[], counts: (state: string) => boolean): readonly number[] {
  const ports = new Set<number>();
  for (const table of tables) {
    const lines = read(join(proc, "net", table)).matchAll(
      /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /gm,
    );
    for (const [, port = "0", state = ""] of lines) if (counts(state)) ports.add(Number.parseInt(port, 16));
  }
  return [...ports].sort((a, b) => a - b);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
