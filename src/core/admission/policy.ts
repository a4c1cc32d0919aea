/** The device owner's switches (contracts.md, `policy`). Everything is off by default. */
export interface Policy {
  /**
   * Cleaned paths; an entry that ends in `/**` allows every path below it (decisions.md 20: no link may lead out of
   * what is allowed).
   */
  readonly hostPaths: readonly string[];
  readonly writableHostPaths: readonly string[];
  readonly writableEmptyDir: boolean;
  readonly memoryEmptyDir: boolean;
  /** Names without `CAP_`, upper case; `ALL` allows every one. */
  readonly capabilities: readonly string[];
  readonly privileged: boolean;
  readonly allowPrivilegeEscalation: boolean;
  readonly allowReadWriteRootFs: boolean;
  readonly runAsRoot: boolean;
  readonly useHostNetwork: boolean;
  readonly hostPid: boolean;
  /** HTTP probes may ask addresses that are neither the device's loopback nor published by the pod. */
  readonly probeOtherHosts: boolean;
  readonly useDefaultContainerCap: boolean;
  readonly maxContainerNumber: number;
  readonly systemReserved: { readonly cpu: string; readonly memory: string };
}

/** What judges without a configuration. */
export const defaultPolicy: Policy = {
  hostPaths: [],
  writableHostPaths: [],
  writableEmptyDir: false,
  memoryEmptyDir: false,
  capabilities: [],
  privileged: false,
  allowPrivilegeEscalation: false,
  allowReadWriteRootFs: false,
  runAsRoot: false,
  useHostNetwork: false,
  hostPid: false,
  probeOtherHosts: false,
  useDefaultContainerCap: false,
  maxContainerNumber: 20,
  systemReserved: { cpu: "1", memory: "1024Mi" },
};
