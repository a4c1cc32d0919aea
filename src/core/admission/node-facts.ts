import type { DeviceOrigin, ResourceList } from "../pod/spec.ts";

/** What admission knows of the device: the shape of `edge validate --node FACTS` (contracts.md). */
export interface NodeFacts {
  /** What pods may use: the system's reserve is already taken off. Quantities as text. */
  readonly allocatable: ResourceList;
  /** IPv4 addresses of the device's interfaces, 127.0.0.1 included. */
  readonly addresses: readonly string[];
  /** Ports in use by processes that are none of our pods. */
  readonly listening: { readonly tcp: readonly number[]; readonly udp: readonly number[] };
  /** Name and pid of the process that listens on a port, null if it cannot be told; looked up only for a refusal. */
  readonly portUser?: (protocol: "TCP" | "UDP", port: number) => string | null;
  /** Pods accepted so far, those being deleted left out. */
  readonly pods: readonly NodePod[];
  readonly configMaps: readonly string[];
}

/** As much of an accepted pod as quota, ports, host paths and restarts ask about; every part may be missing in a hand-written file. */
export interface NodePod {
  /** Absent for a pod of the center. */
  readonly origin?: DeviceOrigin;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
  readonly spec: {
    readonly restartPolicy?: string;
    readonly volumes?: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[];
    readonly containers: readonly {
      readonly name: string;
      readonly volumeMounts?: readonly { readonly name: string; readonly readOnly?: boolean }[];
      readonly ports?: readonly { readonly hostPort: number; readonly hostIP: string; readonly protocol: string }[];
      readonly resources?: { readonly limits?: ResourceList; readonly requests?: ResourceList };
    }[];
  };
}
