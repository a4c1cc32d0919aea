import type { NodeUsage } from "../../src/core/node/usage.ts";
import type { NodeDevice } from "../../src/ports/node-device.ts";
import type { PodFiles, TerminationLog } from "../../src/ports/pod-files.ts";

export interface FakeDevice {
  readonly device: NodeDevice;
  readonly podFiles: PodFiles;
  /** Host paths that are there. */
  readonly hostPaths: Set<string>;
  /** uids of pods that have folders. */
  readonly folders: Set<string>;
  /** What stands in the config map volumes, by `uid/volume`. */
  readonly configMaps: Map<string, Readonly<Record<string, string>>>;
  /** Places of config maps that went with the data folder: containers that run have nothing there any more. */
  readonly lost: ReadonlySet<string>;
  /** Somebody has deleted the data folder. */
  loseData(): void;
  /** NPUs that are there from now on; none at the start. */
  npus(names: readonly string[]): void;
  /** Ports with a TCP socket that listens, whenever somebody looks; none at the start. */
  listening(tcp: () => readonly number[]): void;
  freeBytes(bytes: number): void;
  /** Changes what is taken; the rest stays as it is. */
  usage(change: Partial<NodeUsage>): void;
}

const gigabyte = 1024 ** 3;
/** Half of everything is free. */
export const roomy: NodeUsage = {
  memory: { totalBytes: 8 * gigabyte, availableBytes: 4 * gigabyte },
  dataDisk: { totalBytes: 32 * gigabyte, freeBytes: 16 * gigabyte, inodes: { total: 2_000_000, free: 1_000_000 } },
  engineDisk: { totalBytes: 32 * gigabyte, freeBytes: 16 * gigabyte, inodes: { total: 2_000_000, free: 1_000_000 } },
  processes: { running: 200, most: 32_768 },
};

/** A box with four cores, 8 GiB and one address. */
export function fakeDevice(): FakeDevice {
  const hostPaths = new Set<string>();
  const lastWords = new Map<string, string>();
  const keyOf = ({ uid, container, attempt }: TerminationLog): string =>
    `/pods/${uid}/termination/${container}/${attempt}`;
  const folders = new Set<string>();
  const mounted: FakeDevice["configMaps"] = new Map();
  const lost = new Set<string>();
  let free = gigabyte;
  let usage = roomy;
  let npus: readonly string[] = [];
  let listening = (): readonly number[] => [];
  const device: NodeDevice = {
    nodeFacts: () => ({
      allocatable: {
        cpu: "4",
        memory: "8192Mi",
        ...(npus.length === 0 ? {} : { "huawei.com/Ascend310": String(npus.length) }),
      },
      addresses: ["127.0.0.1"],
      listening: { tcp: listening(), udp: [] },
    }),
    portUser: () => null,
    npus: () => ({
      npus: npus.map((name) => ({ name, node: { path: `/dev/${name}`, target: `/dev/${name}` } })),
      shared: [{ path: "/dev/davinci_manager", target: "/dev/davinci_manager" }],
      missing: null,
    }),
    freeBytes: () => free,
    machine: () => ({
      cpus: 4,
      memoryBytes: 9 * gigabyte,
      osImage: "Edge Linux 1",
      kernelVersion: "6.1.0",
      architecture: "amd64",
    }),
    forgetUdpSenders: async () => undefined,
    usage: (engineRoot) => (engineRoot === null ? { ...usage, engineDisk: null } : usage),
    hostIp: () => "127.0.0.1",
    memoryBytes: () => 8 * 1024 ** 3,
  };
  const podFiles: PodFiles = {
    terminationLogs: {
      path: keyOf,
      create: (log) => {
        lastWords.set(keyOf(log), "");
        return null;
      },
      read: (log, most) => (lastWords.get(keyOf(log)) ?? "").slice(-most),
      trim: () => {},
    },
    async prepareVolumes(pod, covered, configMaps) {
      const volumePaths: Record<string, string> = {};
      const realPaths: Record<string, string> = {};
      for (const { name, hostPath, configMap } of pod.spec.volumes ?? []) {
        if (configMap !== undefined) {
          const place = `${pod.id.uid}/${name}`;
          const data = configMaps.get(configMap.name) ?? mounted.get(place);
          if (data === undefined) return { ok: false, message: `configmap "${configMap.name}" not found` };
          mounted.set(place, data);
        }
        if (hostPath !== undefined && !hostPaths.has(hostPath.path)) {
          return { ok: false, message: `hostPath ${hostPath.path} does not exist on this device; create it` };
        }
        if (hostPath !== undefined) realPaths[name] = hostPath.path;
        volumePaths[name] = hostPath?.path ?? `/pods/${pod.id.uid}/${name}`;
      }
      folders.add(pod.id.uid);
      const coveredPaths = Object.fromEntries(
        covered.map((path, index) => [path, `/pods/${pod.id.uid}/covered/${index}`]),
      );
      return {
        ok: true,
        volumePaths,
        hostPaths: realPaths,
        coveredPaths,
        scratchPaths: [],
        submounts: [],
        resolvConf: "/dns/pod-network",
      };
    },
    refreshConfigMaps(pod, configMaps) {
      for (const { name, configMap } of pod.spec.volumes ?? []) {
        const data = configMap === undefined ? undefined : configMaps.get(configMap.name);
        const place = `${pod.id.uid}/${name}`;
        if (data !== undefined && mounted.has(place)) mounted.set(place, data);
      }
      return [];
    },
    removeVolumes(uid) {
      folders.delete(uid);
      for (const key of lastWords.keys()) if (key.startsWith(`/pods/${uid}/`)) lastWords.delete(key);
      for (const place of mounted.keys()) if (place.startsWith(`${uid}/`)) mounted.delete(place);
    },
    refreshResolvConf: () => {},
    podFolders: () => [...folders],
    mountedElsewhere: () => ({ kind: "same" }),
    groupsOf: () => null,
    savePod: (pod) => void folders.add(pod.id.uid),
    forgetPod: () => {},
  };
  return {
    device,
    podFiles,
    hostPaths,
    folders,
    configMaps: mounted,
    lost,
    loseData() {
      for (const place of mounted.keys()) lost.add(place);
      folders.clear();
      mounted.clear();
    },
    npus(names) {
      npus = names;
    },
    listening(tcp) {
      listening = tcp;
    },
    freeBytes(bytes) {
      free = bytes;
    },
    usage(change) {
      usage = { ...usage, ...change };
    },
  };
}
