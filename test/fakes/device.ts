import type { Device } from "../../src/ports/device.ts";

export interface FakeDevice {
  readonly device: Device;
  /** Host paths that are there. */
  readonly hostPaths: Set<string>;
  /** uids of pods that have folders. */
  readonly folders: Set<string>;
  freeBytes(bytes: number): void;
}

/** A box with four cores, 8 GiB and one address. */
export function fakeDevice(): FakeDevice {
  const hostPaths = new Set<string>();
  const folders = new Set<string>();
  let free = 1024 ** 3;
  const device: Device = {
    facts: () => ({
      allocatable: { cpu: "4", memory: "8192Mi" },
      addresses: ["127.0.0.1"],
      listening: { tcp: [], udp: [] },
    }),
    freeBytes: () => free,
    hostIp: () => "127.0.0.1",
    prepareVolumes(pod, covered) {
      const volumePaths: Record<string, string> = {};
      for (const { name, hostPath } of pod.spec.volumes ?? []) {
        if (hostPath !== undefined && !hostPaths.has(hostPath.path)) {
          return { ok: false, message: `hostPath ${hostPath.path} cannot be used on this device: ENOENT` };
        }
        volumePaths[name] = hostPath?.path ?? `/pods/${pod.id.uid}/${name}`;
      }
      folders.add(pod.id.uid);
      const coveredPaths = Object.fromEntries(
        covered.map((path, index) => [path, `/pods/${pod.id.uid}/covered/${index}`]),
      );
      return { ok: true, volumePaths, coveredPaths, resolvConf: null };
    },
    mountedElsewhere: () => null,
    removeVolumes: (uid) => void folders.delete(uid),
    savePod: (pod) => void folders.add(pod.id.uid),
  };
  return {
    device,
    hostPaths,
    folders,
    freeBytes(bytes) {
      free = bytes;
    },
  };
}
