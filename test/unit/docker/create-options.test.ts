import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContainerSpec, PodSpec } from "../../../src/core/pod/spec.ts";
import {
  type BindMount,
  type CreatePayload,
  cpuShares,
  createOptions,
  type HostConfig,
  hostname,
} from "../../../src/docker/create-options.ts";
import { gate } from "../../../src/docker/gate.ts";
import type { CreateRequest, ImageInfo } from "../../../src/ports/engine.ts";
import { acceptedPod, createRequest, podOfTwo, sandboxRequest } from "../../contract/engine-requests.ts";

const image: ImageInfo = { id: `sha256:${"a".repeat(64)}`, user: "65534", architecture: "amd64", volumes: [] };

function payloadOf(
  container: Partial<ContainerSpec> = {},
  spec: Partial<PodSpec> = {},
  overrides: Partial<CreateRequest> = {},
): CreatePayload {
  const result = createOptions(createRequest(acceptedPod("web", container, spec), image, overrides));
  if (!result.ok) assert.fail(result.message);
  return result.payload;
}

function refusal(container: Partial<ContainerSpec>, overrides: Partial<CreateRequest>): string {
  const result = createOptions(createRequest(acceptedPod("web", container), image, overrides));
  assert.ok(!result.ok);
  return result.message;
}

const [strict] = acceptedPod("web").spec.containers;

const bindsOf = ({ Mounts }: HostConfig): readonly BindMount[] => Mounts.filter((mount) => mount.Type === "bind");

describe("createOptions", () => {
  it("writes exactly the secure defaults", () => {
    const request = createRequest(acceptedPod("web"), image);
    assert.deepEqual(payloadOf(), {
      Image: image.id,
      Env: [],
      Hostname: "web",
      User: "65534:65534",
      Labels: {
        "io.kubernetes.pod.name": "web",
        "io.kubernetes.pod.namespace": "websocket",
        "io.kubernetes.pod.uid": "11111111-2222-4333-8444-555555555555",
        "io.kubernetes.container.name": "app",
        "edge.install": "install-1",
        "edge.pod-hash": request.podHash,
        "edge.spec-hash": request.specHash,
        "edge.attempt": "0",
        "edge.generation": "0",
        "edge.restart-policy": "Always",
      },
      Healthcheck: { Test: ["NONE"] },
      HostConfig: {
        NetworkMode: "default",
        PidMode: "",
        IpcMode: "private",
        ShmSize: 67_108_864,
        RestartPolicy: { Name: "no" },
        Init: false,
        Privileged: false,
        ReadonlyRootfs: true,
        CapAdd: [],
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges"],
        Mounts: [],
        LogConfig: { Type: "json-file", Config: { "max-size": "5m", "max-file": "2" } },
        Memory: 67_108_864,
        MemorySwap: 67_108_864,
        CpuPeriod: 100_000,
        CpuQuota: 50_000,
        CpuShares: 256,
        OomScoreAdj: 0,
        PidsLimit: 1024,
      },
    });
  });

  it("writes command, arguments and environment as Kubernetes means them", () => {
    const env = [
      { name: "A", value: "1" },
      { name: "B", value: "$(A)-$(C)-$$(A)" },
      { name: "C", value: "late" },
    ];
    const words = payloadOf({ command: ["run", "$(B)"], args: ["$(A)", "$(NONE)", "$A", "100%"], env });
    assert.deepEqual(words.Entrypoint, ["run", "1-$(C)-$(A)"]);
    assert.deepEqual(words.Cmd, ["1", "$(NONE)", "$A", "100%"]);
    assert.deepEqual(words.Env, ["A=1", "B=1-$(C)-$(A)", "C=late"]);
    const argsOnly = payloadOf({ args: ["x"] });
    assert.deepEqual([argsOnly.Entrypoint, argsOnly.Cmd], [undefined, ["x"]]);
    const neither = payloadOf({ command: [], args: [] });
    assert.deepEqual([neither.Entrypoint, neither.Cmd], [undefined, undefined]);
  });

  it("publishes ports on their own address", () => {
    const ports = [
      { containerPort: 53, hostPort: 5353, protocol: "UDP", hostIP: "10.0.0.1" },
      { containerPort: 53, hostPort: 5354, protocol: "TCP", hostIP: "127.0.0.1" },
    ] as const;
    const { ExposedPorts, HostConfig } = payloadOf({ ports });
    assert.deepEqual(ExposedPorts, { "53/udp": {}, "53/tcp": {} });
    assert.deepEqual(HostConfig.PortBindings, {
      "53/udp": [{ HostIp: "10.0.0.1", HostPort: "5353" }],
      "53/tcp": [{ HostIp: "127.0.0.1", HostPort: "5354" }],
    });
  });

  it("uses the host's network and name, and publishes nothing then", () => {
    const ports = [{ containerPort: 80, hostPort: 80, protocol: "TCP", hostIP: "127.0.0.1" }] as const;
    const payload = payloadOf({ ports }, { hostNetwork: true, hostPID: true });
    assert.deepEqual([payload.HostConfig.NetworkMode, payload.HostConfig.PidMode], ["host", "host"]);
    assert.deepEqual(
      [payload.Hostname, payload.ExposedPorts, payload.HostConfig.PortBindings],
      [undefined, undefined, undefined],
    );
  });

  it("gives a sandbox exactly the ports and the name of its pod", () => {
    const own = { ...image, user: "65535:65535" };
    const port = (hostPort: number) => ({ containerPort: 80, hostPort, protocol: "TCP", hostIP: "127.0.0.1" }) as const;
    const request = sandboxRequest(podOfTwo("web", { ports: [port(8080)] }, { ports: [port(8081)] }), own);
    const result = createOptions(request);
    assert.ok(result.ok);
    const { Labels, ...payload } = result.payload;
    assert.equal(Labels["io.kubernetes.container.name"], "POD");
    assert.equal(Labels["edge.spec-hash"], Labels["edge.pod-hash"]);
    assert.deepEqual(payload, {
      Image: image.id,
      Env: [],
      Hostname: "web",
      User: "65535:65535",
      ExposedPorts: { "80/tcp": {} },
      Healthcheck: { Test: ["NONE"] },
      HostConfig: {
        NetworkMode: "default",
        PortBindings: {
          "80/tcp": [
            { HostIp: "127.0.0.1", HostPort: "8080" },
            { HostIp: "127.0.0.1", HostPort: "8081" },
          ],
        },
        PidMode: "",
        IpcMode: "shareable",
        ShmSize: 67_108_864,
        RestartPolicy: { Name: "no" },
        Init: false,
        Privileged: false,
        ReadonlyRootfs: true,
        CapAdd: [],
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges"],
        Mounts: [],
        LogConfig: { Type: "json-file", Config: { "max-size": "5m", "max-file": "2" } },
        Memory: 33_554_432,
        MemorySwap: 33_554_432,
        CpuShares: 2,
        OomScoreAdj: 0,
        PidsLimit: 32,
      },
    });
  });

  it("lets a container join its sandbox, without ports and name but with its own process namespace", () => {
    const sandboxId = "c".repeat(64);
    const ports = [{ containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "127.0.0.1" }] as const;
    const result = createOptions(createRequest(podOfTwo("web", { ports }), image, { sandboxId }));
    assert.ok(result.ok);
    const { Hostname, ExposedPorts, HostConfig } = result.payload;
    assert.deepEqual([Hostname, ExposedPorts, HostConfig.PortBindings], [undefined, undefined, undefined]);
    const { NetworkMode, IpcMode, PidMode } = HostConfig;
    assert.deepEqual([NetworkMode, IpcMode, PidMode], [`container:${sandboxId}`, `container:${sandboxId}`, ""]);
    assert.equal(HostConfig.UTSMode, undefined, "docker takes none, and has the host name with the network");
  });

  it("shares the UTS namespace of the sandbox on podman, and none for a pod of one container", () => {
    const sandboxId = "c".repeat(64);
    const podman = { apiVersion: "1.41", product: "podman" } as const;
    const request = createRequest(podOfTwo("web"), image, { sandboxId });
    const result = createOptions(request, podman);
    assert.ok(result.ok);
    assert.equal(result.payload.HostConfig.UTSMode, `container:${sandboxId}`);
    assert.deepEqual(gate({ ...result.payload }, request), { ok: true });
    const HostConfig = { ...result.payload.HostConfig, UTSMode: `container:${"d".repeat(64)}` };
    const refused = gate({ ...result.payload, HostConfig }, request);
    assert.equal(refused.ok ? "" : refused.field, "HostConfig.UTSMode");
    const lone = createOptions(createRequest(acceptedPod("web", {}), image), podman);
    assert.equal(lone.ok && lone.payload.HostConfig.UTSMode, undefined);
  });

  it("writes the privileges that the pod was granted", () => {
    assert.ok(strict);
    const payload = payloadOf({
      securityContext: {
        ...strict.securityContext,
        allowPrivilegeEscalation: true,
        capabilities: { add: ["NET_ADMIN"], drop: ["chown"] },
        privileged: true,
        readOnlyRootFilesystem: false,
        runAsUser: 1000,
        runAsGroup: 2000,
      },
    });
    const { Privileged, ReadonlyRootfs, CapAdd, CapDrop, SecurityOpt } = payload.HostConfig;
    assert.deepEqual(
      { Privileged, ReadonlyRootfs, CapAdd, CapDrop, SecurityOpt },
      {
        Privileged: true,
        ReadonlyRootfs: false,
        CapAdd: ["NET_ADMIN"],
        CapDrop: ["CHOWN"],
        SecurityOpt: [],
      },
    );
    assert.equal(payload.User, "1000:2000");
  });

  it("mounts volumes, covers for the VOLUMEs of the image, and resolv.conf", () => {
    const volumeMounts = [
      { name: "data", mountPath: "/data", readOnly: true },
      { name: "work", mountPath: "/work/", readOnly: false },
    ];
    const { HostConfig } = payloadOf(
      { volumeMounts },
      {},
      {
        image: { ...image, volumes: ["/data/", "/cache"] },
        volumePaths: { data: "/srv/a", work: "/srv/b" },
        coveredPaths: { "/cache": "/srv/empty" },
        resolvConf: "/srv/resolv.conf",
        terminationLog: "/srv/log",
      },
    );
    const bound = bindsOf(HostConfig).map((mount) => [mount.Source, mount.Target, mount.ReadOnly]);
    assert.deepEqual(bound, [
      ["/srv/a", "/data", true],
      ["/srv/b", "/work", false],
      ["/srv/empty", "/cache", true],
      ["/srv/resolv.conf", "/etc/resolv.conf", true],
      ["/srv/log", "/dev/termination-log", false],
    ]);
    assert.equal(HostConfig.Mounts.length, bound.length);
    for (const mount of bindsOf(HostConfig)) assert.deepEqual(mount.BindOptions, { Propagation: "rprivate" });
  });

  it("gives a VOLUME of the image a bounded tmpfs if the policy allows writing", () => {
    const { HostConfig } = payloadOf({}, {}, { image: { ...image, volumes: ["/cache"] }, scratchPaths: ["/cache"] });
    const TmpfsOptions = { SizeBytes: 67_108_864, Mode: 0o1777 };
    assert.deepEqual(HostConfig.Mounts, [{ Type: "tmpfs", Target: "/cache", TmpfsOptions }]);
  });

  it("makes a read-only mount recursive, and rejects it if the engine cannot", () => {
    const volumeMounts = [
      { name: "data", mountPath: "/data", readOnly: true },
      { name: "work", mountPath: "/work", readOnly: false },
    ];
    const volumePaths = { data: "/srv/a", work: "/srv/b" };
    const request = createRequest(acceptedPod("web", { volumeMounts }), image, {
      volumePaths,
      submounts: ["data", "work"],
    });
    for (const apiVersion of ["1.44", "1.45"]) {
      const made = createOptions(request, { apiVersion, product: "docker" });
      assert.ok(made.ok);
      assert.deepEqual(
        bindsOf(made.payload.HostConfig).map((mount) => mount.BindOptions),
        [{ Propagation: "rprivate", ReadOnlyForceRecursive: true }, { Propagation: "rprivate" }],
      );
      assert.deepEqual(gate({ ...made.payload }, request), { ok: true });
    }
    const before = createOptions(request, { apiVersion: "1.43", product: "docker" });
    assert.ok(!before.ok);
    assert.match(before.message, /^Volume data is read-only and something is mounted below \/srv\/a, .*API 1.44/);
    assert.ok(createOptions({ ...request, submounts: ["work"] }, { apiVersion: "1.43", product: "docker" }).ok);
  });

  it("mounts a config map read-only whatever the mount says", () => {
    const pod = acceptedPod(
      "web",
      { volumeMounts: [{ name: "settings", mountPath: "/etc/app", readOnly: false }] },
      { volumes: [{ name: "settings", configMap: { name: "app-settings", defaultMode: 420 } }] },
    );
    const request = createRequest(pod, image, { volumePaths: { settings: "/srv/settings" } });
    const result = createOptions(request);
    assert.ok(result.ok);
    const [mount] = bindsOf(result.payload.HostConfig);
    assert.deepEqual([mount?.Source, mount?.ReadOnly], ["/srv/settings", true]);
    const open = structuredClone(result.payload) as unknown as { HostConfig: { Mounts: { ReadOnly: boolean }[] } };
    for (const one of open.HostConfig.Mounts) one.ReadOnly = false;
    assert.deepEqual([gate({ ...result.payload }, request).ok, gate({ ...open }, request).ok], [true, false]);
  });

  it("rejects a request that Docker would not run as admitted", () => {
    const mount = { volumeMounts: [{ name: "toString", mountPath: "/data", readOnly: true }] };
    assert.equal(refusal(mount, {}), "Volume toString has no place on this device");
    assert.equal(
      refusal({}, { image: { ...image, volumes: ["/cache"] } }),
      "The image's VOLUME /cache has neither a mount nor a cover",
    );
    assert.match(
      refusal({}, { image: { ...image, user: "" } }),
      /^container has runAsNonRoot and image will run as root/,
    );
    assert.equal(refusal({}, { container: "none" }), "The pod has no container none");
  });

  /** limits and requests, then Memory, CpuQuota, CpuShares. */
  const resources: readonly (readonly [Record<string, string>, Record<string, string>, unknown[]])[] = [
    [{}, {}, [undefined, undefined, 2]],
    [{ memory: "1Ki" }, {}, [6_291_456, undefined, 2]],
    [{ memory: "1G", cpu: "2" }, {}, [1_000_000_000, 200_000, 2048]],
    [{ cpu: "2" }, { cpu: "1500m" }, [undefined, 200_000, 1536]],
    [{ cpu: "1m" }, { cpu: "1m" }, [undefined, 1000, 2]],
    [{ cpu: "0.0001" }, {}, [undefined, 1000, 2]],
  ];
  for (const [limits, requests, expected] of resources) {
    it(`translates limits ${JSON.stringify(limits)}, requests ${JSON.stringify(requests)}`, () => {
      const { Memory, MemorySwap, CpuQuota, CpuShares } = payloadOf({ resources: { limits, requests } }).HostConfig;
      assert.deepEqual([Memory, CpuQuota, CpuShares], expected);
      assert.equal(MemorySwap, Memory);
    });
  }

  it("keeps CPU shares within the kernel's range", () => {
    assert.deepEqual([0, 1, 1000, 1_000_000].map(cpuShares), [2, 2, 1024, 262_144]);
  });

  it("cuts a long pod name to a host name", () => {
    assert.equal(hostname({}, `${"a".repeat(62)}--tail`), "a".repeat(62));
    assert.equal(hostname({ hostname: "own" }, "web"), "own");
  });
});
