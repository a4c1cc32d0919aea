import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ContainerPort, ContainerSecurity, ContainerSpec, PodSpec } from "../../../src/core/pod/spec.ts";
import { createOptions } from "../../../src/docker/create-options.ts";
import { gate } from "../../../src/docker/gate.ts";
import type { CreateRequest, ImageInfo } from "../../../src/ports/engine.ts";
import { acceptedPod, createRequest, podOfTwo, sandboxRequest } from "../../contract/engine-requests.ts";

type Fields = Record<string, unknown>;

const image: ImageInfo = { id: `sha256:${"a".repeat(64)}`, user: "65534", architecture: "amd64", volumes: ["/cache"] };
const port: ContainerPort = { containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "127.0.0.1" };
const container: Partial<ContainerSpec> = {
  ports: [port],
  volumeMounts: [{ name: "data", mountPath: "/data", readOnly: true }],
};
const places: Partial<CreateRequest> = {
  volumePaths: { data: "/srv/data", other: "/srv/other" },
  coveredPaths: { "/cache": "/srv/empty" },
  resolvConf: "/srv/resolv.conf",
  terminationLog: "/srv/log",
  oomScoreAdj: 500,
};
const strict = createRequest(acceptedPod("web", container), image, places);

function payloadOf(request: CreateRequest): Fields & { HostConfig: Fields } {
  const result = createOptions(request);
  if (!result.ok) assert.fail(result.message);
  return structuredClone(result.payload) as unknown as Fields & { HostConfig: Fields };
}

function mount(changes: Fields): Fields {
  const BindOptions = { Propagation: "rprivate" };
  return { Type: "bind", Source: "/srv/data", Target: "/data", ReadOnly: true, BindOptions, ...changes };
}

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

describe("gate, for a pod with a sandbox", () => {
  it("lets through the sandbox and who joins it", () => {
    for (const request of [sandbox, member]) assert.deepEqual(gate(payloadOf(request), request), { ok: true });
  });

  for (const [request, path, ...values] of widerInPod) {
    for (const value of values) {
      it(`refuses ${request.container} ${path} ${JSON.stringify(value)}`, () => {
        const payload = payloadOf(request);
        const [first = "", second] = path.split(".");
        if (second === undefined) payload[first] = value;
        else payload.HostConfig[second] = value;
        const result = gate(payload, request);
        assert.ok(!result.ok && result.field === path, JSON.stringify(result));
      });
    }
  }

  it("lets nobody join what is named and not given by its whole id, nor a lone container have a sandbox", () => {
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

describe("gate", () => {
  it("lets through what was made from the admitted pod", () => {
    assert.deepEqual(gate(payloadOf(strict), strict), { ok: true });
  });

  for (const [path, ...values] of wider) {
    for (const value of values) {
      it(`refuses ${path} ${JSON.stringify(value)}`, () => {
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

  it("refuses the host's own places whatever the request says", () => {
    for (const source of ["/", "/proc", "/sys/fs", "/dev/mem", "/srv/../etc", "srv"]) {
      const request = { ...strict, volumePaths: { data: source } };
      const result = gate(payloadOf(request), request);
      assert.ok(!result.ok && result.field === "HostConfig.Mounts", source);
    }
  });

  it("lets through a negative OOM score of a sandbox, and of a container whose cpu and memory are limited", () => {
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

  it("lets through memory for a VOLUME of the image and nothing wider, and no mount below which one stays writable", () => {
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

  it("refuses published ports beside the host's network", () => {
    const request = createRequest(acceptedPod("web", container, { hostNetwork: true }), image, places);
    const payload = payloadOf(request);
    payload.HostConfig["PortBindings"] = { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] };
    const result = gate(payload, request);
    assert.ok(!result.ok && result.field === "HostConfig.PortBindings");
  });

  it("lets through whatever is made from any accepted pod", () => {
    fc.assert(
      fc.property(requests, (request) => {
        const options = createOptions(request);
        // Only a root or named image user, which the generator makes too, is a reason.
        if (!options.ok) return assert.match(options.message, /runAsNonRoot|non-root policy/);
        assert.deepEqual(gate({ ...options.payload }, request), { ok: true });
      }),
      { numRuns: 2000 },
    );
  });

  it("lets nothing of a freer pod through for a stricter one", () => {
    fc.assert(
      fc.property(requests, requests, (made, granted) => {
        const options = createOptions(made);
        if (!options.ok) return;
        const request = { ...granted, image: made.image };
        const result = gate({ ...options.payload, Labels: payloadLabels(request) }, request);
        if (!result.ok) return;
        const [asked, allowed] = [made.pod.spec, request.pod.spec];
        const [from, to] = [asked.containers[0]?.securityContext, allowed.containers[0]?.securityContext];
        assert.ok(from && to);
        assert.ok(!from.privileged || to.privileged);
        assert.ok(!from.allowPrivilegeEscalation || to.allowPrivilegeEscalation);
        assert.ok(from.readOnlyRootFilesystem || !to.readOnlyRootFilesystem);
        assert.ok(!asked.hostNetwork || allowed.hostNetwork);
        assert.ok(!asked.hostPID || allowed.hostPID);
        assert.ok((from.capabilities.add ?? []).every((name) => to.capabilities.add?.includes(name)));
      }),
      { numRuns: 2000 },
    );
  });
});

function payloadLabels(request: CreateRequest): unknown {
  const user = { ...request, image: { ...request.image, user: "1000" } };
  const options = createOptions(user);
  return options.ok ? options.payload.Labels : {};
}

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const defined = <T extends object>(value: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
const capability = fc.constantFrom("NET_ADMIN", "CHOWN", "SYS_TIME", "ALL");

const security: fc.Arbitrary<ContainerSecurity> = fc
  .record({
    allowPrivilegeEscalation: fc.boolean(),
    capabilities: fc
      .record({ add: optional(fc.uniqueArray(capability)), drop: optional(fc.constantFrom(["All"], ["chown"], [])) })
      .map((each) => defined<ContainerSecurity["capabilities"]>(each)),
    privileged: fc.boolean(),
    readOnlyRootFilesystem: fc.boolean(),
    runAsNonRoot: fc.boolean(),
    runAsUser: optional(fc.integer({ min: 0, max: 65_535 })),
    runAsGroup: optional(fc.integer({ min: 0, max: 65_535 })),
    seccompProfile: fc.constant({ type: "RuntimeDefault" as const }),
  })
  .map((each) => defined<ContainerSecurity>(each));

const ports: fc.Arbitrary<readonly ContainerPort[]> = fc.uniqueArray(
  fc.record({
    containerPort: fc.integer({ min: 1, max: 65_535 }),
    hostPort: fc.integer({ min: 1024, max: 65_535 }),
    protocol: fc.constantFrom("TCP" as const, "UDP" as const),
    hostIP: fc.constantFrom("127.0.0.1", "10.0.0.1"),
  }),
  { maxLength: 4 },
);

const containers: fc.Arbitrary<Partial<ContainerSpec>> = fc
  .record({
    command: optional(fc.array(fc.string(), { maxLength: 3 })),
    args: optional(fc.array(fc.string(), { maxLength: 3 })),
    env: optional(
      fc.array(fc.record({ name: fc.stringMatching(/^[A-Z]{1,3}$/), value: fc.string() }), { maxLength: 4 }),
    ),
    ports: optional(ports),
    resources: fc.record({
      limits: fc.constantFrom<Record<string, string>>(
        ...[{}, { cpu: "1", memory: "64Mi" }, { memory: "1Ki" }, { cpu: "1m" }, { cpu: "0.0015", memory: "1e8" }],
        ...[
          { cpu: "2500m", memory: "1.5Gi" },
          { cpu: "100u", memory: "7340033" },
          { cpu: "16", memory: "100M" },
        ],
      ),
      requests: fc.constantFrom<Record<string, string>>({}, { cpu: "500m" }, { memory: "1Mi" }, { cpu: "0.3335" }),
    }),
    volumeMounts: fc.subarray([
      { name: "data", mountPath: "/data", readOnly: true },
      { name: "other", mountPath: "/work", readOnly: false },
      { name: "other", mountPath: "/cache", readOnly: true },
    ]),
    securityContext: security,
  })
  .map((each) => defined<Partial<ContainerSpec>>(each));

const specs: fc.Arbitrary<Partial<PodSpec>> = fc
  .record({
    restartPolicy: fc.constantFrom("Always" as const, "OnFailure" as const, "Never" as const),
    hostNetwork: optional(fc.boolean()),
    hostPID: optional(fc.boolean()),
    hostname: optional(fc.constantFrom("own-name")),
  })
  .map((each) => defined<Partial<PodSpec>>(each));

const requests: fc.Arbitrary<CreateRequest> = fc
  .record({
    container: containers,
    spec: specs,
    user: fc.constantFrom("", "0", "1000", "1000:100", "007", "root", "app:app"),
    attempt: fc.nat(1000),
    resolvConf: fc.constantFrom(null, "/srv/resolv.conf"),
  })
  .map(({ container: each, spec, user, attempt, resolvConf }) =>
    createRequest(acceptedPod("web", each, spec), { ...image, user }, { ...places, attempt, resolvConf }),
  );
