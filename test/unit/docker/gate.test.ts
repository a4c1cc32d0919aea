import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createOptions } from "../../../src/docker/create-options.ts";
import { gate } from "../../../src/docker/gate.ts";
import type { CreateRequest } from "../../../src/ports/engine.ts";
import { acceptedPod, createRequest, podOfTwo, sandboxRequest } from "../../contract/engine-requests.ts";
import { container, type Fields, image, mount, payloadOf, places, strict } from "./gate-requests.ts";

const labels = payloadOf(strict)["Labels"] as Fields;

const hostConfig = payloadOf(strict).HostConfig as Record<"Memory" | "CpuQuota" | "CpuShares", number>;

/** Fields of the payload and of its HostConfig, each wider than what was admitted. */
const wider: readonly (readonly [field: string, ...values: readonly unknown[]])[] = [
  ["Image", `sha256:${"b".repeat(64)}`, "busybox", undefined],
  ["User", "", "0", "root", "65534", "65534:0", "65534:27", "1000", "0:0", "65534:65534:0", undefined, 0],
  [
    "Labels",
    {},
    { ...labels, extra: "1" },
    { ...labels, "edge.install": "other" },
    { ...labels, "edge.attempt": "1" },
    undefined,
  ],
  ["ExposedPorts", { "81/tcp": {} }, { "80/udp": {} }, "80/tcp"],
  ["Healthcheck", { Test: ["CMD", "x"] }, {}, undefined],
  ["HostConfig", undefined, [], "x"],
  ["Volumes", { "/x": {} }],
  ["NetworkingConfig", { EndpointsConfig: { other: {} } }],
  ["OnBuild", []],
  ["HostConfig.NetworkMode", "host", "bridge", "container:abc", "none", undefined],
  ["HostConfig.PidMode", "host", "container:abc", undefined],
  ["HostConfig.IpcMode", "host", "shareable", "container:abc", "", undefined],
  ["HostConfig.UTSMode", "host"],
  ["HostConfig.UsernsMode", "host"],
  ["HostConfig.CgroupnsMode", "host"],
  ["HostConfig.CgroupParent", "/"],
  ["HostConfig.RestartPolicy", { Name: "always" }, { Name: "no", MaximumRetryCount: 1 }, undefined],
  ["HostConfig.Init", true, undefined],
  ["HostConfig.Privileged", true, undefined, "true", 1],
  ["HostConfig.ReadonlyRootfs", false, undefined, 0],
  ["HostConfig.CapAdd", ["NET_ADMIN"], ["ALL"], "ALL", undefined],
  ["HostConfig.CapDrop", [], ["CHOWN"], undefined, null],
  [
    "HostConfig.SecurityOpt",
    [],
    ["seccomp=unconfined"],
    ["no-new-privileges", "apparmor=unconfined"],
    ["no-new-privileges:false"],
    undefined,
  ],
  [
    "HostConfig.Mounts",
    [mount({ ReadOnly: false })],
    [mount({ ReadOnly: undefined })],
    [mount({ Source: "/srv/other" })],
  ],
  [
    "HostConfig.Mounts",
    [mount({ Target: "/etc" })],
    [mount({ Type: "volume" })],
    [mount({ Type: "tmpfs" })],
    [mount({ Consistency: "x" })],
  ],
  ["HostConfig.Mounts", [mount({ BindOptions: { Propagation: "rshared" } })], [mount({ BindOptions: undefined })]],
  [
    "HostConfig.Mounts",
    [mount({ BindOptions: { Propagation: "rprivate", CreateMountpoint: true } })],
    [null],
    {},
    undefined,
  ],
  [
    "HostConfig.Mounts",
    [mount({ Source: "/srv/empty", Target: "/cache", ReadOnly: false })],
    [mount({ Source: "/srv/data", Target: "/cache" })],
  ],
  ["HostConfig.Mounts", [mount({ Source: "/etc/resolv.conf", Target: "/etc/resolv.conf" })]],
  ["HostConfig.Mounts", [mount({ Source: "/srv/other", Target: "/dev/termination-log", ReadOnly: false })]],
  ["HostConfig.Mounts", [mount({ Source: "/srv/log", Target: "/dev/log", ReadOnly: false })]],
  ["HostConfig.Mounts", [mount({ BindOptions: { Propagation: "rprivate", ReadOnlyForceRecursive: false } })]],
  ["HostConfig.Mounts", [{ Type: "tmpfs", Target: "/cache", TmpfsOptions: { SizeBytes: 67_108_864, Mode: 0o1777 } }]],
  ["HostConfig.ShmSize", 0, 67_108_865, "64m", null],
  ["HostConfig.Binds", ["/:/host"], []],
  ["HostConfig.VolumesFrom", ["other"]],
  ["HostConfig.Tmpfs", { "/run": "" }],
  ["HostConfig.Devices", [{ PathOnHost: "/dev/mem", PathInContainer: "/dev/mem", CgroupPermissions: "rwm" }], []],
  ["HostConfig.DeviceRequests", [{ Count: -1 }]],
  ["HostConfig.DeviceCgroupRules", ["a *:* rwm"]],
  ["HostConfig.GroupAdd", ["docker"]],
  ["HostConfig.Sysctls", { "net.ipv4.ip_forward": "1" }],
  ["HostConfig.MaskedPaths", []],
  ["HostConfig.ReadonlyPaths", []],
  ["HostConfig.ExtraHosts", ["a:1.2.3.4"]],
  ["HostConfig.Runtime", "other"],
  ["HostConfig.PublishAllPorts", true],
  ["HostConfig.AutoRemove", true],
  [
    "HostConfig.PortBindings",
    { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }] },
    { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "22" }] },
  ],
  [
    "HostConfig.PortBindings",
    { "80/udp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] },
    { "80/tcp": [{ HostPort: "8080" }] },
    { "80/tcp": null },
  ],
  ["HostConfig.PortBindings", { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080", Extra: 1 }] }],
  ["HostConfig.LogConfig", { Type: "syslog", Config: {} }, { Type: "json-file", Config: { tag: "x" } }, undefined],
  ["HostConfig.LogConfig", { Type: "json-file", Config: {} }, { Type: "json-file", Config: { "max-size": "5m" } }],
  ["HostConfig.LogConfig", { Type: "json-file", Config: { "max-size": "5g", "max-file": "2" } }],
  ["HostConfig.Memory", undefined, 0, -1, "64m", hostConfig["Memory"] * 1000, hostConfig["Memory"] + 1],
  ["HostConfig.MemorySwap", undefined, -1, 1_000_000_000],
  ["HostConfig.CpuQuota", undefined, 0, -1, hostConfig["CpuQuota"] * 1000, hostConfig["CpuQuota"] + 1],
  ["HostConfig.CpuPeriod", 1_000, 99_999, 0],
  ["HostConfig.CpuShares", undefined, 0, hostConfig["CpuShares"] * 1000, hostConfig["CpuShares"] + 1],
  ["HostConfig.OomScoreAdj", -1000, -1, 499, 1001, undefined],
  ["HostConfig.PidsLimit", -1, 0, 1_025, undefined],
  ["HostConfig.OomKillDisable", true],
];

const pair = podOfTwo("web", container);
const sandbox = sandboxRequest(pair, { ...image, user: "65535:65535", volumes: [] });

describe("gate", () => {
  it("accepts the payload of the admitted pod", () => {
    assert.deepEqual(gate(payloadOf(strict), strict), { ok: true });
  });

  for (const [path, ...values] of wider) {
    for (const value of values) {
      it(`rejects ${path} ${JSON.stringify(value)}`, () => {
        const payload = payloadOf(strict);
        const [first = "", second] = path.split(".");
        if (second === undefined) payload[first] = value;
        else payload.HostConfig[second] = value;
        const result = gate(payload, strict);
        assert.ok(!result.ok);
        const swap = path === "HostConfig.Memory" || path === "HostConfig.MemorySwap";
        if (swap) assert.match(result.field, /^HostConfig\.Memory(Swap)?$/);
        else if (path !== "HostConfig") assert.equal(result.field, path);
        assert.ok(result.message.includes(result.field));
      });
    }
  }

  it("rejects mounts of the host's own folders whatever the request says", () => {
    for (const source of ["/", "/proc", "/sys/fs", "/dev/mem", "/srv/../etc", "srv"]) {
      const request = { ...strict, volumePaths: { data: source } };
      const result = gate(payloadOf(request), request);
      assert.ok(!result.ok && result.field === "HostConfig.Mounts", source);
    }
  });

  it("accepts a negative OOM score for a sandbox and for a container with limits", () => {
    const of = (request: CreateRequest, score: number): boolean => {
      const scored = { ...request, oomScoreAdj: score };
      return gate(payloadOf(scored), scored).ok;
    };
    const unlimited = createRequest(acceptedPod("web", { resources: { limits: {}, requests: {} } }), image, {
      coveredPaths: { "/cache": "/srv/empty" },
    });
    assert.deepEqual(
      [-998, -999].map((score) => of(sandbox, score)),
      [true, false],
    );
    assert.deepEqual(
      [-997, -998].map((score) => of(strict, score)),
      [true, false],
    );
    assert.deepEqual(
      [1000, 0, -1].map((score) => of(unlimited, score)),
      [true, true, false],
    );
  });

  it("accepts a tmpfs for a VOLUME of the image but nothing wider, and no read-only mount with a writable submount", () => {
    const scratch = { ...strict, coveredPaths: {}, scratchPaths: ["/cache", "/etc"] };
    const of = (request: CreateRequest, ...Mounts: readonly Fields[]): boolean => {
      const payload = payloadOf(request);
      payload.HostConfig["Mounts"] = Mounts;
      return gate(payload, request).ok;
    };
    const memory = (changes: Fields = {}, options: Fields = {}): Fields => {
      const TmpfsOptions = { SizeBytes: 67_108_864, Mode: 0o1777, ...options };
      return { Type: "tmpfs", Target: "/cache", TmpfsOptions, ...changes };
    };
    assert.ok(of(scratch, memory()));
    for (const wide of [
      ...[
        memory({ Target: "/etc" }),
        memory({ Target: "/data" }),
        memory({ Source: "/srv" }),
        memory({ ReadOnly: false }),
      ],
      ...[memory({}, { SizeBytes: 67_108_865 }), memory({}, { Mode: 0o4777 }), memory({}, { Options: [["exec"]] })],
      memory({ TmpfsOptions: undefined }),
    ]) {
      assert.ok(!of(scratch, wide), JSON.stringify(wide));
    }
    const sealed = mount({ BindOptions: { Propagation: "rprivate", ReadOnlyForceRecursive: true } });
    const above = { ...strict, submounts: ["data"] };
    const made = createOptions(above, { apiVersion: "1.44", product: "docker" });
    assert.ok(made.ok);
    const payload = structuredClone(made.payload) as unknown as Fields & { HostConfig: Fields };
    payload.HostConfig["Mounts"] = [sealed];
    assert.ok(gate(payload, above).ok);
    payload.HostConfig["Mounts"] = [mount({})];
    assert.ok(!gate(payload, above).ok);
  });

  it("rejects published ports with the host's network", () => {
    const request = createRequest(acceptedPod("web", container, { hostNetwork: true }), image, places);
    const payload = payloadOf(request);
    payload.HostConfig["PortBindings"] = { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] };
    const result = gate(payload, request);
    assert.ok(!result.ok && result.field === "HostConfig.PortBindings");
  });
});
