import { availableParallelism, networkInterfaces, totalmem } from "node:os";
import { join } from "node:path";
import type { NodeFacts } from "../core/admission/node-facts.ts";
import { formatBinary, formatNanos, parseQuantity } from "../core/pod/quantity.ts";
import type { ResourceList } from "../core/pod/spec.ts";
import { readText } from "./files.ts";
import { npuNodes } from "./npu.ts";
import { portUser } from "./port-user.ts";
import { listeningSockets, type Protocol } from "./sockets.ts";

export interface FactsOptions {
  /** Kept back from pods: the policy's `systemReserved`. */
  readonly systemReserved: { readonly cpu: string; readonly memory: string };
  /** Where the kernel shows itself: `/proc`. */
  readonly proc?: string;
  /** Where the nodes of NPUs are. */
  readonly dev: string;
}

/** What this device has for pods, right now. Without /proc the kernel is asked for processors and memory; no port is known then. */
export function readFacts(options: FactsOptions): Omit<NodeFacts, "pods" | "configMaps"> {
  const proc = options.proc ?? "/proc";
  let known: readonly string[] | null = null;
  let listening: NodeFacts["listening"] | null = null;
  return {
    allocatable: allocatable(proc, options),
    /** Read when somebody asks, as few pods name an address of the host. */
    get addresses() {
      known ??= addresses();
      return known;
    },
    /** As addresses: the kernel walks all its sockets for it, and few pods have a port of the host. */
    get listening() {
      listening ??= { tcp: portsOf("TCP", proc), udp: portsOf("UDP", proc) };
      return listening;
    },
    portUser: (protocol, port) => portUser(protocol, port, proc),
  };
}

function allocatable(proc: string, { systemReserved, dev }: FactsOptions): ResourceList {
  const cpus = [...readText(join(proc, "stat")).matchAll(/^cpu\d+ /gm)].length || availableParallelism();
  const kilobytes = /^MemTotal:\s+(\d+) kB$/m.exec(readText(join(proc, "meminfo")))?.[1];
  const total = kilobytes === undefined ? BigInt(totalmem()) : BigInt(kilobytes) * 1024n;
  const cpu = BigInt(cpus) * 1_000_000_000n - (parseQuantity(systemReserved.cpu) ?? 0n);
  const memory = total - (parseQuantity(systemReserved.memory) ?? 0n) / 1_000_000_000n;
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

function portsOf(protocol: Protocol, proc: string): readonly number[] {
  return [...new Set(listeningSockets(protocol, proc).map(({ port }) => port))].sort((a, b) => a - b);
}
