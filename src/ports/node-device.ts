import type { NodeFacts } from "../core/admission/node-facts.ts";
import type { Machine } from "../core/node/status.ts";
import type { NodeUsage } from "../core/node/usage.ts";

/** The box itself: what it is, and what it has. */
export interface NodeDevice {
  /** CPU, memory and NPUs, addresses, listening sockets, right now. `pods` and `configMaps` are the caller's to add. */
  nodeFacts(): Omit<NodeFacts, "pods" | "configMaps">;
  /** Name and pid of the process that listens on a port of the host: "nginx (pid 812)"; null if that cannot be told. */
  portUser(protocol: "TCP" | "UDP", port: number): string | null;
  /** The NPUs that are there, right now. */
  npus(): NpuNodes;
  /** Bytes free where the data folder is. */
  freeBytes(): number;
  /** What it is, apart from what it has for pods. */
  machine(): Machine;
  /** What is taken of memory, disks and processes; `engineRoot` is the engine's data folder, null while it is not known. */
  usage(engineRoot: string | null): NodeUsage;
  /** The address this device has toward the center: hostIP. */
  hostIp(): string;
  /** All the memory it has: what the kubelet calls its capacity. */
  memoryBytes(): number;
  /** Makes the kernel forget who sends to these UDP ports, so that a container just started hears them; never rejects. */
  forgetUdpSenders(ports: readonly number[]): Promise<void>;
}

/** One device node of this device, and where a container is to see it. */
export interface DeviceNode {
  readonly path: string;
  readonly target: string;
}

/** Who may open a device node: its owner, its group and the permission bits of its mode. */
export interface NodeAccess {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** Character devices; what is no such device is not there. */
export interface NpuNodes {
  /** One an NPU, by its name, lowest number first. */
  readonly npus: readonly { readonly name: string; readonly node: DeviceNode; readonly access?: NodeAccess }[];
  /** Of the manager's node, which every program with an NPU opens; absent where it is not known. */
  readonly managerAccess?: NodeAccess;
  /** What every container with an NPU needs beside it. */
  readonly shared: readonly DeviceNode[];
  /** Path of the node without which no NPU is of use, null when it is there. */
  readonly missing: string | null;
}
