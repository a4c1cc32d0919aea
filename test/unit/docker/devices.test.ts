import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerSpec } from "../../../src/core/pod/spec.ts";
import { audited } from "../../../src/docker/audit.ts";
import { type CreatePayload, createOptions } from "../../../src/docker/create-options.ts";
import { gate } from "../../../src/docker/gate.ts";
import { observedContainer } from "../../../src/docker/inspect.ts";
import type { CreateRequest } from "../../../src/ports/engine.ts";
import { acceptedPod, createRequest, podOfTwo, sandboxRequest } from "../../contract/engine-requests.ts";

const image = { id: `sha256:${"a".repeat(64)}`, user: "65534", architecture: "amd64", volumes: [] };
const npu = { path: "/dev/davinci1", target: "/dev/davinci1" };
const manager = { path: "/dev/davinci_manager_docker", target: "/dev/davinci_manager" };
const npus = (count: string): Partial<ContainerSpec> => ({
  resources: { limits: { cpu: "500m", memory: "64Mi", "huawei.com/Ascend310B": count }, requests: {} },
});
const request = createRequest(acceptedPod("web", npus("1")), image, { devices: [npu, manager] });

function payloadOf(of: CreateRequest): CreatePayload {
  const result = createOptions(of);
  assert.ok(result.ok);
  return result.payload;
}

const mapped = (path: string, target: string, may = "rw") => ({
  PathOnHost: path,
  PathInContainer: target,
  CgroupPermissions: may,
});
const granted = [mapped(npu.path, npu.target), mapped(manager.path, manager.target)];

test("the nodes of an NPU are passed readable and writable under their usual names", () => {
  const payload = payloadOf(request);
  assert.deepEqual(payload.HostConfig.Devices, granted);
  assert.deepEqual(gate({ ...payload }, request), { ok: true });
});

test("a container without an NPU gets no device", () => {
  assert.equal("Devices" in payloadOf(createRequest(acceptedPod("web"), image)).HostConfig, false);
});

const other: readonly (readonly [what: string, devices: unknown])[] = [
  ["no device", []],
  ["a missing list of devices", undefined],
  ["one device of two", granted.slice(0, 1)],
  ["a third device", [...granted, mapped("/dev/davinci0", "/dev/davinci0")]],
  ["another NPU in place of the granted one", [mapped("/dev/davinci0", "/dev/davinci1"), granted[1]]],
  ["the same device twice", [granted[0], granted[0]]],
  ["the permission to create device nodes", [mapped(npu.path, npu.target, "rwm"), granted[1]]],
  ["another path in the container", [mapped(npu.path, "/dev/sda"), granted[1]]],
  ["a device with an additional field", [{ ...granted[0], Extra: 1 }, granted[1]]],
  ["an object instead of a list", { 0: granted[0], 1: granted[1] }],
];

for (const [what, devices] of other) {
  test(`the gate rejects ${what}`, () => {
    const payload = payloadOf(request);
    const verdict = gate({ ...payload, HostConfig: { ...payload.HostConfig, Devices: devices } }, request);
    assert.ok(!verdict.ok);
    assert.equal(verdict.field, "HostConfig.Devices");
  });
}

test("the gate accepts exactly the admitted number of NPUs, and no manager node without one", () => {
  const wrong: readonly CreateRequest[] = [
    createRequest(acceptedPod("web", npus("2")), image, { devices: [npu, manager] }),
    createRequest(acceptedPod("web", npus("0.5")), image, { devices: [npu, manager] }),
    createRequest(acceptedPod("web", npus("1")), image, { devices: [manager] }),
    createRequest(acceptedPod("web"), image, { devices: [npu, manager] }),
    createRequest(acceptedPod("web"), image, { devices: [manager] }),
    { ...sandboxRequest(podOfTwo("web", npus("1")), { ...image, user: "65535:65535" }), devices: [npu, manager] },
    createRequest(acceptedPod("web", npus("1")), image, { devices: [{ path: "/dev/../dev/sda", target: npu.target }] }),
    createRequest(acceptedPod("web", npus("1")), image, { devices: [npu, { path: "/dev/mem", target: "/dev/../x" }] }),
  ];
  for (const one of wrong) {
    const verdict = gate({ ...payloadOf(one) }, one);
    assert.ok(!verdict.ok);
    assert.equal(verdict.field, "HostConfig.Devices");
  }
});

test("an NPU that was taken from a container or given to it is a difference", () => {
  const payload = payloadOf(request);
  const answer = (devices: unknown) => ({ HostConfig: { ...payload.HostConfig, Devices: devices } });
  const devices = (found: unknown) =>
    audited(answer(found), payload).differences.filter(({ field }) => field === "Devices");
  assert.deepEqual(devices(granted.toReversed()), []);
  const expected = "/dev/davinci1 at /dev/davinci1 rw, /dev/davinci_manager_docker at /dev/davinci_manager rw";
  assert.deepEqual(devices(granted.slice(1)), [
    { field: "Devices", expected, found: "/dev/davinci_manager_docker at /dev/davinci_manager rw" },
  ]);
});

test("the NPUs of a container are read from the host's names of its devices", () => {
  const { Labels } = payloadOf(request);
  const answer = (devices: unknown) => ({
    Id: "c".repeat(64),
    Name: `/edge_app_web_websocket_${request.pod.id.uid}_0`,
    Config: { Labels },
    State: { Running: true, StartedAt: "2026-11-22T12:00:00Z" },
    HostConfig: { Devices: devices },
  });
  const disk = mapped("/dev/sda", "/dev/davinci7");
  const deep = mapped("/tmp/dev/davinci10", "/dev/davinci10");
  assert.deepEqual(observedContainer(answer([...granted, deep, disk]))?.npus, ["davinci1", "davinci10"]);
  for (const none of [null, [], [disk], "x"]) assert.equal(observedContainer(answer(none))?.npus, undefined);
});
