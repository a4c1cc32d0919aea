import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ContainerSpec } from "../../../src/core/pod/spec.ts";
import { audited, withoutPodmansOwn } from "../../../src/docker/audit.ts";
import { createOptions } from "../../../src/docker/create-options.ts";
import { acceptedPod, createRequest } from "../../contract/engine-requests.ts";

type Fields = Record<string, unknown>;
type Answer = Fields & { HostConfig: Fields; Config: Fields; State: Fields; Mounts: Fields[] };

const image = { id: `sha256:${"a".repeat(64)}`, user: "65534", architecture: "amd64", volumes: [] };
const container: Partial<ContainerSpec> = {
  ports: [{ containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "127.0.0.1" }],
  volumeMounts: [{ name: "data", mountPath: "/data", readOnly: true }],
};
const request = createRequest(acceptedPod("web", container), image, { volumePaths: { data: "/srv/data" } });
const created = createOptions(request);
assert.ok(created.ok);
const { payload } = created;

/** What the engine says of a container made from that payload, as an engine of 2022 or of 2025 words it. */
function answer(later = false): Answer {
  const { Image, User, HostConfig } = structuredClone(payload);
  const host = later
    ? { ...HostConfig, NetworkMode: "bridge" }
    : { ...HostConfig, NanoCpus: 0, Devices: [], Binds: null };
  return {
    Image,
    Config: { User },
    State: { Running: true, Pid: 4711 },
    HostConfig: { ...host, CapAdd: null, RestartPolicy: { Name: "no", MaximumRetryCount: 0 } },
    NetworkSettings: { Networks: { bridge: {} } },
    Mounts: HostConfig.Mounts.map((mount) =>
      mount.Type === "tmpfs"
        ? { Type: "tmpfs", Source: "", Destination: mount.Target, RW: true }
        : { Type: "bind", Source: mount.Source, Destination: mount.Target, RW: !mount.ReadOnly },
    ),
  };
}

test("an unchanged container has no difference on any engine", () => {
  for (const later of [false, true]) assert.deepEqual(audited(answer(later), payload), { pid: 4711, differences: [] });
});

test("the audit of a stopped container names no process", () => {
  assert.equal(audited({ ...answer(), State: { Running: false, Pid: 0 } }, payload).pid, null);
  const made = { ...answer(), Mounts: [{ Type: "bind", Source: "/srv/real", Destination: "/data", RW: false }] };
  const shown = new Map([["/srv/data", "/srv/real"]]);
  assert.deepEqual(audited(made, payload, shown).differences, [], "made with the path that the place shows");
});

describe("the audit names the admitted and the actual value of", () => {
  const change = (field: string, value: unknown): Answer => {
    const changed = answer();
    changed.HostConfig[field] = value;
    return changed;
  };
  const other = { Type: "bind", Source: "/etc", Destination: "/host", RW: true };
  const selinuxOff = ["label=disable", "no-new-privileges"];
  const disk = { PathOnHost: "/dev/sda", PathInContainer: "/dev/x", CgroupPermissions: "rwm" };
  const mount = "bind /srv/data at /data read-only";
  const cases: readonly (readonly [field: string, expected: string, found: string, answer: Answer])[] = [
    ["Image", image.id, "sha256:b", { ...answer(), Image: "sha256:b" }],
    ["User", "65534:65534", "none", { ...answer(), Config: { User: "" } }],
    ["Privileged", "false", "true", change("Privileged", true)],
    ["ReadonlyRootfs", "true", "false", change("ReadonlyRootfs", false)],
    ["CapAdd", "none", "NET_ADMIN, SYS_ADMIN", change("CapAdd", ["CAP_SYS_ADMIN", "net_admin"])],
    ["CapDrop", "ALL", "none", change("CapDrop", null)],
    ["SecurityOpt", "no-new-privileges", "seccomp=unconfined", change("SecurityOpt", ["seccomp=unconfined"])],
    ["NetworkMode", "bridge", "host", change("NetworkMode", "host")],
    ["Networks", "bridge", "bridge, other", { ...answer(), NetworkSettings: { Networks: { other: {}, bridge: {} } } }],
    ["SecurityOpt", "no-new-privileges", "label=disable, no-new-privileges", change("SecurityOpt", selinuxOff)],
    ["PidMode", "private", "host", change("PidMode", "host")],
    ["IpcMode", "private", "host", change("IpcMode", "host")],
    ["RestartPolicy", "no", "always", change("RestartPolicy", { Name: "always" })],
    ["Mounts", mount, `bind /etc at /host writable, ${mount}`, { ...answer(), Mounts: [...answer().Mounts, other] }],
    ["PortBindings", "80/tcp at 127.0.0.1:8080", "none", change("PortBindings", {})],
    ["Memory", "67108864", "134217728", change("Memory", 134_217_728)],
    ["CpuQuota", "50000", "0", change("CpuQuota", 0)],
    ["PidsLimit", "1024", "0", change("PidsLimit", null)],
    ["Binds", "none", '["/:/host"]', change("Binds", ["/:/host"])],
    ["Devices", "none", "/dev/sda at /dev/x rwm", change("Devices", [disk])],
    ["UsernsMode", "none", '"host"', change("UsernsMode", "host")],
    ["PublishAllPorts", "none", "true", change("PublishAllPorts", true)],
    ["NanoCpus", "none", "1000000000", change("NanoCpus", 1e9)],
  ];
  for (const [field, expected, found, changed] of cases) {
    test(field, () => {
      assert.deepEqual(audited(changed, payload).differences, [{ field, expected, found }]);
    });
  }
});

test("an empty answer differs in every audited field and does not throw", () => {
  for (const nothing of [null, undefined, {}, [], "x", { HostConfig: null, Mounts: "x" }]) {
    const { pid, differences } = audited(nothing, payload);
    assert.equal(pid, null);
    assert.ok(differences.some(({ field }) => field === "User"));
  }
});

test("the audit ignores only fields that podman always writes differently", () => {
  const field = (name: string) => ({ field: name, expected: "a", found: "b" });
  const names = ["Binds", "CapAdd", "CapDrop", "Privileged", "SecurityOpt", "Tmpfs"];
  const found = { pid: 7, differences: names.map(field) };
  const left = (Privileged: boolean) =>
    withoutPodmansOwn(found, { ...payload, HostConfig: { ...payload.HostConfig, Privileged } });
  assert.deepEqual(left(false), { pid: 7, differences: ["CapAdd", "Privileged", "SecurityOpt"].map(field) });
  assert.deepEqual(left(true), { pid: 7, differences: [field("Privileged")] });
});
