import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gate } from "../../../src/docker/gate.ts";
import type { CreateRequest } from "../../../src/ports/engine.ts";
import { createRequest, podOfTwo, sandboxRequest } from "../../contract/engine-requests.ts";
import { container, image, mount, payloadOf, places, strict } from "./gate-requests.ts";

const pair = podOfTwo("web", container);
const sandbox = sandboxRequest(pair, { ...image, user: "65535:65535", volumes: [] });
const member = createRequest(pair, image, { ...places, sandboxId: "c".repeat(64) });

/** What neither the sandbox nor who joins it may have. */
const widerInPod: readonly (readonly [request: CreateRequest, field: string, ...values: readonly unknown[]])[] = [
  [sandbox, "Entrypoint", ["/bin/sh"]],
  [sandbox, "Cmd", ["x"]],
  [sandbox, "Env", ["A=1"]],
  [sandbox, "User", "0:0", "65535", "1000", ""],
  [sandbox, "ExposedPorts", { "81/tcp": {} }],
  [sandbox, "HostConfig.PortBindings", { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "22" }] }],
  [sandbox, "HostConfig.NetworkMode", "host", `container:${"c".repeat(64)}`, "bridge"],
  [sandbox, "HostConfig.IpcMode", "private", "host"],
  [sandbox, "HostConfig.PidMode", "host"],
  [sandbox, "HostConfig.ReadonlyRootfs", false],
  [sandbox, "HostConfig.Privileged", true],
  [sandbox, "HostConfig.CapAdd", ["NET_ADMIN"]],
  [sandbox, "HostConfig.CapDrop", []],
  [sandbox, "HostConfig.SecurityOpt", []],
  [sandbox, "HostConfig.Mounts", [mount({})]],
  [sandbox, "HostConfig.Mounts", [mount({ Source: "/srv/log", Target: "/dev/termination-log", ReadOnly: false })]],
  [sandbox, "HostConfig.Memory", undefined, 64 << 20],
  [sandbox, "HostConfig.PidsLimit", 33],
  [sandbox, "HostConfig.CpuShares", 3],
  [member, "Hostname", "other"],
  [member, "ExposedPorts", { "80/tcp": {} }],
  [member, "HostConfig.PortBindings", { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] }],
  [member, "HostConfig.NetworkMode", "default", "host", `container:${"d".repeat(64)}`, "container:redis"],
  [member, "HostConfig.IpcMode", "private", "shareable", "host", `container:${"d".repeat(64)}`],
  [member, "HostConfig.ShmSize", 67_108_864],
  [member, "HostConfig.PidMode", "host", `container:${"c".repeat(64)}`],
];

describe("gate for a pod with a sandbox", () => {
  it("accepts a sandbox and a container that joins it", () => {
    for (const request of [sandbox, member]) assert.deepEqual(gate(payloadOf(request), request), { ok: true });
  });

  for (const [request, path, ...values] of widerInPod) {
    for (const value of values) {
      it(`rejects ${request.container} ${path} ${JSON.stringify(value)}`, () => {
        const payload = payloadOf(request);
        const [first = "", second] = path.split(".");
        if (second === undefined) payload[first] = value;
        else payload.HostConfig[second] = value;
        const result = gate(payload, request);
        assert.ok(!result.ok && result.field === path, JSON.stringify(result));
      });
    }
  }

  it("rejects joining a sandbox by name or short id, and a sandbox for a pod of one container", () => {
    for (const sandboxId of ["redis", "c".repeat(12), `${"c".repeat(64)}0`]) {
      const request = { ...member, sandboxId };
      const result = gate(payloadOf(request), request);
      assert.ok(!result.ok && result.field === "HostConfig.NetworkMode", sandboxId);
    }
    const alone = { ...strict, container: "POD" };
    assert.ok(!gate(payloadOf(sandbox), alone).ok);
    const joining = { ...strict, sandboxId: "c".repeat(64) };
    assert.equal(gate(payloadOf(member), joining).ok, false);
  });
});
