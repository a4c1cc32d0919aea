import assert from "node:assert/strict";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readFacts } from "../../../src/linux/node-facts.ts";
import { npuNodes } from "../../../src/linux/npu.ts";
import { type DeviceFolder, deviceFolder, mayMakeNodes } from "../../samples/device-nodes.ts";

const options = { skip: mayMakeNodes ? false : "only root makes device nodes" };

function folder(t: { after(done: () => void): void }, ...names: readonly string[]): DeviceFolder {
  const made = deviceFolder(...names);
  t.after(() => made.close());
  return made;
}

/** What a container with an NPU gets beside it, by the host's name and the container's. */
function shared({ path }: DeviceFolder): readonly string[] {
  return npuNodes(path).shared.map((node) => {
    assert.ok(node.path.startsWith(`${path}/`) && node.target.startsWith("/dev/"));
    const [host, own] = [node.path.slice(path.length + 1), node.target.slice("/dev/".length)];
    return host === own ? host : `${host} as ${own}`;
  });
}

test("NPUs are the character devices called davinci and a number, by number", options, (t) => {
  const dev = folder(t, "davinci10", "davinci2", "davinci0", "davinci_manager", "davinci", "xdavinci1", "vdavinci100");
  writeFileSync(join(dev.path, "davinci1"), "a file");
  symlinkSync("/dev/null", join(dev.path, "davinci3"));
  const { npus, missing } = npuNodes(dev.path);
  assert.deepEqual(
    npus.map(({ name }) => name),
    ["davinci0", "davinci2", "davinci10"],
  );
  assert.deepEqual(npus[1]?.node, { path: join(dev.path, "davinci2"), target: "/dev/davinci2" });
  assert.equal(missing, null);
});

test("a folder that is not there has no NPU", () => {
  const { npus, missing } = npuNodes("/no/such/folder");
  assert.deepEqual(npus, []);
  assert.equal(missing, "/no/such/folder/davinci_manager");
});

const kinds = [
  {
    name: "a card in a host",
    nodes: ["davinci_manager", "devmm_svm", "hisi_hdc", "svm0"],
    shared: ["davinci_manager", "devmm_svm", "hisi_hdc"],
    resource: "huawei.com/Ascend310",
  },
  {
    name: "a root complex of 310",
    nodes: ["davinci_manager", "hi_dvpp", "svm0", "log_drv", "vdec"],
    shared: ["davinci_manager", "svm0", "log_drv", "hi_dvpp"],
    resource: "huawei.com/Ascend310",
  },
  {
    name: "a 310P of Atlas 200I SoC",
    nodes: ["davinci_manager", "spi_smbus", "vpc", "xsmem_dev", "hdmi"],
    shared: ["davinci_manager", "vpc", "spi_smbus", "xsmem_dev"],
    resource: "huawei.com/Ascend310P",
  },
  {
    name: "a 310B, whose containers have a manager of their own",
    nodes: ["davinci_manager", "davinci_manager_docker", "dvpp_cmdlist", "hdmi", "spi_smbus"],
    shared: ["davinci_manager_docker as davinci_manager", "dvpp_cmdlist", "hdmi"],
    resource: "huawei.com/Ascend310B",
  },
];

for (const { name, nodes, shared: expected, resource } of kinds) {
  test(`${name} gives its containers its device nodes and names its NPUs`, options, (t) => {
    const dev = folder(t, "davinci0", ...nodes);
    assert.deepEqual(shared(dev), expected);
    const { allocatable } = readFacts({ dev: dev.path, systemReserved: { cpu: "0", memory: "0" } });
    assert.equal(allocatable[resource], "1");
  });
}

test("without a manager node no NPU is usable, and the path of the node is named", options, (t) => {
  const dev = folder(t, "davinci0");
  assert.equal(npuNodes(dev.path).missing, join(dev.path, "davinci_manager"));
});
