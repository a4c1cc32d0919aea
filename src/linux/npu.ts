import { lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { byNumber, npuNode } from "../core/pod/npu.ts";
import type { DeviceNode, NodeAccess, NpuNodes } from "../ports/node-device.ts";

/** One kind of device, told by a node that only it has; the first that fits counts. Names are those of the driver's device nodes. */
interface Kind {
  readonly resource: string;
  /** null fits always. */
  readonly toldBy: string | null;
  /** The host's node behind /dev/davinci_manager in a container. */
  readonly manager: string;
  /** Passed through where they are there. */
  readonly others: readonly string[];
}

const always = ["devmm_svm", "hisi_hdc"];
const kinds: readonly Kind[] = [
  {
    resource: "huawei.com/Ascend310B",
    // Its driver keeps davinci_manager for the host, and has this one for containers.
    toldBy: "davinci_manager_docker",
    manager: "davinci_manager_docker",
    others: [
      ...[...always, "dvpp_cmdlist", "pngd", "venc", "upgrade", "sys", "svm0", "vdec", "vpc", "ts_aisle", "log_drv"],
      ...["acodec", "ai", "ao", "vo", "hdmi"],
    ],
  },
  {
    // Atlas 200I SoC.
    resource: "huawei.com/Ascend310P",
    toldBy: "spi_smbus",
    manager: "davinci_manager",
    others: [
      ...[...always, "vpc", "vdec", "sys", "spi_smbus", "user_config", "ts_aisle", "svm0", "log_drv"],
      ...["memory_bandwidth", "upgrade", "event_sched", "xsmem_dev"],
    ],
  },
  {
    // Atlas 200 as root complex.
    resource: "huawei.com/Ascend310",
    toldBy: "hi_dvpp",
    manager: "davinci_manager",
    others: [...[...always, "svm0", "log_drv", "event_sched", "upgrade", "hi_dvpp", "memory_bandwidth", "ts_aisle"]],
  },
  // A card in a host: 310 and 310P look alike.
  { resource: "huawei.com/Ascend310", toldBy: null, manager: "davinci_manager", others: always },
];

/**
 * The Ascend NPUs whose nodes are in a folder, `/dev` but in tests. What is no character device is not there, nor is
 * anything in a folder that cannot be read.
 */
export function npuNodes(dev: string): NpuNodes & { readonly resource: string } {
  const there = (name: string): boolean => isCharacterDevice(join(dev, name));
  const names = entries(dev).filter((name) => npuNode.test(name) && there(name));
  const kind = kinds.find(({ toldBy }) => toldBy === null || there(toldBy)) as Kind;
  const node = (name: string, as = name): DeviceNode => ({ path: join(dev, name), target: `/dev/${as}` });
  const manager = accessOf(join(dev, kind.manager));
  return {
    resource: kind.resource,
    npus: names.sort(byNumber).map((name) => withAccess(name, node(name))),
    ...(manager === undefined ? {} : { managerAccess: manager }),
    shared: [node(kind.manager, "davinci_manager"), ...kind.others.filter(there).map((name) => node(name))],
    missing: there(kind.manager) ? null : join(dev, kind.manager),
  };
}

function withAccess(name: string, node: DeviceNode): NpuNodes["npus"][number] {
  const access = accessOf(node.path);
  return access === undefined ? { name, node } : { name, node, access };
}

function accessOf(path: string): NodeAccess | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && { uid: found.uid, gid: found.gid, mode: found.mode & 0o777 };
}

function isCharacterDevice(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isCharacterDevice() === true;
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
