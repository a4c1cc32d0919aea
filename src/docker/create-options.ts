import { cleanPath } from "../core/admission/path.ts";
import { ownValue } from "../core/base/own-value.ts";
import { expand, expandedEnv } from "../core/pod/expansion.ts";
import { containerLabels, hasSandbox, sandboxName } from "../core/pod/identity.ts";
import { bytes, milliCpu } from "../core/pod/quantity.ts";
import type { ContainerSpec, PodSpec } from "../core/pod/spec.ts";
import { runAsUser } from "../core/pod/user.ts";
import type { CreateRequest } from "../ports/engine.ts";
import type { EngineSpoken } from "./connection.ts";

/** Body of `POST /containers/create`, as much of it as this program ever sends. */
export interface CreatePayload {
  readonly Image: string;
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env: readonly string[];
  readonly Hostname?: string;
  readonly User: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly ExposedPorts?: Readonly<Record<string, Readonly<Record<string, never>>>>;
  readonly Healthcheck: { readonly Test: readonly ["NONE"] };
  readonly HostConfig: HostConfig;
}

export interface HostConfig {
  readonly NetworkMode: "default" | "host" | `container:${string}`;
  /** Podman's alone: docker takes none. */
  readonly UTSMode?: `container:${string}`;
  readonly PidMode: "" | "host";
  readonly IpcMode: "private" | "shareable" | `container:${string}`;
  readonly RestartPolicy: { readonly Name: "no" };
  readonly Init: false;
  readonly Privileged: boolean;
  readonly ReadonlyRootfs: boolean;
  readonly CapAdd: readonly string[];
  readonly CapDrop: readonly string[];
  readonly SecurityOpt: readonly string[];
  readonly Mounts: readonly (BindMount | MemoryMount)[];
  readonly Devices?: readonly DeviceMapping[];
  readonly PortBindings?: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[]>>;
  readonly LogConfig: { readonly Type: "json-file"; readonly Config: Readonly<Record<string, string>> };
  readonly Memory?: number;
  readonly MemorySwap?: number;
  readonly CpuPeriod?: number;
  readonly CpuQuota?: number;
  readonly CpuShares: number;
  readonly OomScoreAdj: number;
  readonly PidsLimit: number;
  readonly ShmSize?: number;
}

export interface DeviceMapping {
  readonly PathOnHost: string;
  readonly PathInContainer: string;
  readonly CgroupPermissions: "rw";
}

export interface BindMount {
  readonly Type: "bind";
  readonly Source: string;
  readonly Target: string;
  readonly ReadOnly: boolean;
  readonly BindOptions: { readonly Propagation: "rprivate"; readonly ReadOnlyForceRecursive?: true };
}

/** Docker makes it without exec, set-user-id and devices; what lies in it counts as the container's memory. */
export interface MemoryMount {
  readonly Type: "tmpfs";
  readonly Target: string;
  readonly TmpfsOptions: { readonly SizeBytes: number; readonly Mode: number };
}

export type CreateOptionsResult =
  | { readonly ok: true; readonly payload: CreatePayload }
  | { readonly ok: false; readonly message: string };

const dockerBefore25: EngineSpoken = { apiVersion: "1.41", product: "docker" };

/** A fork bomb must not take the device along; the kubelet has no limit of its own, Kubernetes advises one. */
const podPids = 1024;
/** Docker refuses less ("Minimum memory limit allowed is 6MB"). */
const leastMemoryBytes = 6 * 1024 * 1024;
const cpuPeriodMicros = 100_000;
const logConfig: HostConfig["LogConfig"] = { Type: "json-file", Config: { "max-size": "5m", "max-file": "2" } };
/** /dev/shm as the kubelet has it, whatever the engine's default is; it counts as the memory of who writes to it. */
const shmBytes = 64 * 1024 * 1024;
/** A VOLUME path of the image that is to be writable: as much as /dev/shm, which it is like. */
const scratchBytes = 64 * 1024 * 1024;
/** Everybody may write, nobody may remove another's: like /tmp. */
const scratchMode = 0o1777;
/** The program takes 8 KiB; runc, which starts it, runs in the same control group and is what this is for. */
const sandboxMemoryBytes = 32 * 1024 * 1024;
const sandboxPids = 32;

/**
 * An admitted container in the words of an engine. Fails when the request leaves out what the pod needs (the
 * place of a volume, a cover for a VOLUME path of the image), when the image would run as a user that the pod may not be,
 * and when that version cannot make a mount as read-only as it was admitted.
 */
export function createOptions(request: CreateRequest, engine: EngineSpoken = dockerBefore25): CreateOptionsResult {
  const { sandboxId } = request;
  const { spec } = request.pod;
  const misplaced = sandboxProblem(request);
  if (misplaced !== null) return { ok: false, message: misplaced };
  if (request.container === sandboxName) return { ok: true, payload: sandboxPayload(request) };
  const container = spec.containers.find(({ name }) => name === request.container);
  if (container === undefined) return { ok: false, message: `The pod has no container ${request.container}` };
  const user = runAsUser(container, request.image, request.pod.id);
  if (!user.ok) return user;
  const mounts = mountsOf(request, container, engine);
  if (!mounts.ok) return mounts;

  const env = expandedEnv(container.env ?? []);
  const payload: CreatePayload = {
    Image: request.image.id,
    ...programOf(container, env),
    Env: [...env].map(([name, value]) => `${name}=${value}`),
    ...identityIn(request),
    User: user.user,
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      ...(sandboxId === null ? ownNetwork(spec) : joinedNetwork(sandboxId, engine)),
      PidMode: spec.hostPID === true ? "host" : "",
      ...(sandboxId === null ? { IpcMode: "private", ShmSize: shmBytes } : { IpcMode: `container:${sandboxId}` }),
      RestartPolicy: { Name: "no" },
      Init: false,
      ...securityOf(container),
      Mounts: mounts.mounts,
      ...devicesOf(request),
      LogConfig: logConfig,
      ...resourcesOf(container),
      OomScoreAdj: request.oomScoreAdj,
      PidsLimit: podPids,
    },
  };
  return { ok: true, payload };
}

/** A pod of several containers has a sandbox, which each of them joins; a lone container joins nothing. */
function sandboxProblem({ container, sandboxId, pod }: CreateRequest): string | null {
  const shared = hasSandbox(pod.spec);
  if (container === sandboxName && (!shared || sandboxId !== null)) return "A lone container needs no sandbox";
  if (container === sandboxName) return null;
  if (shared && sandboxId === null) return "A container of several needs the pod's sandbox";
  return shared || sandboxId === null ? null : "A lone container joins no sandbox";
}

/** What the pod's containers share: the network with all their ports, the host name and the IPC namespace; nothing else. */
function sandboxPayload(request: CreateRequest): CreatePayload {
  return {
    Image: request.image.id,
    Env: [],
    ...identityIn(request),
    User: request.image.user,
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      ...ownNetwork(request.pod.spec),
      PidMode: "",
      IpcMode: "shareable",
      ShmSize: shmBytes,
      RestartPolicy: { Name: "no" },
      Init: false,
      Privileged: false,
      ReadonlyRootfs: true,
      CapAdd: [],
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Mounts: [],
      LogConfig: logConfig,
      Memory: sandboxMemoryBytes,
      MemorySwap: sandboxMemoryBytes,
      CpuShares: cpuShares(0),
      OomScoreAdj: request.oomScoreAdj,
      PidsLimit: sandboxPids,
    },
  };
}

/** Labels, and what belongs to a network of one's own: whoever joins another's may bring neither name nor ports. */
function identityIn(request: CreateRequest): Pick<CreatePayload, "Hostname" | "Labels" | "ExposedPorts"> {
  const { pod, sandboxId } = request;
  const labels = containerLabels({ ...request, pod: pod.id, restartPolicy: pod.spec.restartPolicy });
  // With the host's network the name is the host's too, as in the kubelet.
  if (sandboxId !== null || pod.spec.hostNetwork === true) return { Labels: labels };
  const { exposed } = portsOf(pod.spec.containers);
  return {
    Hostname: hostname(pod.spec, pod.id.name),
    Labels: labels,
    ...(exposed === undefined ? {} : { ExposedPorts: exposed }),
  };
}

function ownNetwork(spec: PodSpec): Pick<HostConfig, "NetworkMode" | "PortBindings"> {
  if (spec.hostNetwork === true) return { NetworkMode: "host" };
  const { bindings } = portsOf(spec.containers);
  return { NetworkMode: "default", ...(bindings === undefined ? {} : { PortBindings: bindings }) };
}

/** On docker a container has the host name of the network that it joins; podman has to be asked for it, in words of its own. */
function joinedNetwork(sandboxId: string, { product }: EngineSpoken): Pick<HostConfig, "NetworkMode" | "UTSMode"> {
  const joins = `container:${sandboxId}` as const;
  return product === "podman" ? { NetworkMode: joins, UTSMode: joins } : { NetworkMode: joins };
}

/** `spec.hostname`, else the pod's name as far as a host name may be long (kubelet: truncatePodHostnameIfNeeded). */
export function hostname(spec: Pick<PodSpec, "hostname">, podName: string): string {
  if (spec.hostname !== undefined) return spec.hostname;
  let name = podName.slice(0, 63);
  while (name.endsWith("-") || name.endsWith(".")) name = name.slice(0, -1);
  return name;
}

/** Relative weight: kubelet's MilliCPUToShares (cm/helpers_linux.go), between the kernel's least and most. */
export function cpuShares(milli: number): number {
  return Math.min(Math.max(Math.floor((milli * 1024) / 1000), 2), 262_144);
}

/**
 * `command` replaces the image's entrypoint and its arguments with it (Docker forgets the image's Cmd once an Entrypoint
 * is given), `args` alone replaces the arguments: the table of Kubernetes' "Define a Command and Arguments".
 */
function programOf(
  container: ContainerSpec,
  env: ReadonlyMap<string, string>,
): { readonly Entrypoint?: readonly string[]; readonly Cmd?: readonly string[] } {
  const expanded = (words: readonly string[] = []) => words.map((word) => expand(word, env));
  const command = expanded(container.command);
  const args = expanded(container.args);
  return { ...(command.length > 0 ? { Entrypoint: command } : {}), ...(args.length > 0 ? { Cmd: args } : {}) };
}

function securityOf(
  container: ContainerSpec,
): Pick<HostConfig, "Privileged" | "ReadonlyRootfs" | "CapAdd" | "CapDrop" | "SecurityOpt"> {
  const security = container.securityContext;
  return {
    Privileged: security.privileged,
    ReadonlyRootfs: security.readOnlyRootFilesystem,
    CapAdd: security.capabilities.add ?? [],
    // Kubernetes writes "All", Docker "ALL".
    CapDrop: (security.capabilities.drop ?? []).map((name) => name.toUpperCase()),
    // No seccomp option: that is the engine's default profile, which is what RuntimeDefault means.
    SecurityOpt: security.allowPrivilegeEscalation ? [] : ["no-new-privileges"],
  };
}

function resourcesOf(
  container: ContainerSpec,
): Pick<HostConfig, "Memory" | "MemorySwap" | "CpuPeriod" | "CpuQuota" | "CpuShares"> {
  const { limits, requests } = container.resources;
  const memory = bytes(limits["memory"] ?? "0");
  const cpuLimit = milliCpu(limits["cpu"] ?? "0");
  const cpuRequest = milliCpu(requests["cpu"] ?? "0");
  const memoryBytes = Math.max(memory, leastMemoryBytes);
  return {
    // Docker's MemorySwap is memory and swap together: equal means no swap.
    ...(memory > 0 ? { Memory: memoryBytes, MemorySwap: memoryBytes } : {}),
    // The kernel takes no quota below 1 ms (kubelet: MilliCPUToQuota).
    ...(cpuLimit > 0
      ? { CpuPeriod: cpuPeriodMicros, CpuQuota: Math.max(Math.floor((cpuLimit * cpuPeriodMicros) / 1000), 1000) }
      : {}),
    CpuShares: cpuShares(cpuRequest > 0 ? cpuRequest : cpuLimit),
  };
}

function portsOf(containers: readonly ContainerSpec[]): {
  readonly exposed?: NonNullable<CreatePayload["ExposedPorts"]>;
  readonly bindings?: NonNullable<HostConfig["PortBindings"]>;
} {
  const ports = containers.flatMap((container) => container.ports ?? []);
  if (ports.length === 0) return {};
  const bindings = new Map<string, { HostIp: string; HostPort: string }[]>();
  for (const port of ports) {
    const key = `${port.containerPort}/${port.protocol.toLowerCase()}`;
    bindings.set(key, [...(bindings.get(key) ?? []), { HostIp: port.hostIP, HostPort: String(port.hostPort) }]);
  }
  const exposed = Object.fromEntries([...bindings.keys()].map((key) => [key, {}]));
  return { exposed, bindings: Object.fromEntries(bindings) };
}

/**
 * The pod's mounts, a cover for what the image would otherwise get an anonymous volume for, the resolv.conf and the file
 * for its last words. Never Binds: those make a missing source on the host, as root.
 */
function mountsOf(
  request: CreateRequest,
  container: ContainerSpec,
  { apiVersion, product }: EngineSpoken,
): { readonly ok: true; readonly mounts: HostConfig["Mounts"] } | { readonly ok: false; readonly message: string } {
  const mounts: HostConfig["Mounts"][number][] = [];
  // Written by the agent alone, whatever the mount says (kubelet `IsReadOnly`); all else is as it was admitted.
  const kept = new Set(
    (request.pod.spec.volumes ?? []).filter((volume) => volume.configMap !== undefined).map(({ name }) => name),
  );
  for (const { name, mountPath, readOnly } of container.volumeMounts ?? []) {
    const source = ownValue(request.volumePaths, name);
    if (source === undefined) return { ok: false, message: `Volume ${name} has no place on this device` };
    const sealed = readOnly && request.submounts.includes(name);
    // Before API 1.44 read-only holds for the folder alone: what is mounted below it stays writable. Podman shows nothing of it.
    if (sealed && (product === "podman" || !reaches(apiVersion, 44))) {
      const message = `Volume ${name} is read-only and something is mounted below ${ownValue(request.hostPaths, name) ?? source}, which this engine cannot make read-only; it takes API 1.44 of Docker 25, the engine is ${product} with API ${apiVersion}`;
      return { ok: false, message };
    }
    // The engine cleans it too (volume/mounts, linuxParser), and what was made is compared with this.
    const mount = bind(source, cleanPath(mountPath), readOnly || kept.has(name));
    mounts.push(sealed ? { ...mount, BindOptions: { ...mount.BindOptions, ReadOnlyForceRecursive: true } } : mount);
  }
  const mounted = new Set(mounts.map((mount) => mount.Target));
  for (const path of request.image.volumes) {
    if (mounted.has(cleanPath(path))) continue;
    if (request.scratchPaths.includes(path)) {
      mounted.add(cleanPath(path));
      mounts.push({ Type: "tmpfs", Target: path, TmpfsOptions: { SizeBytes: scratchBytes, Mode: scratchMode } });
      continue;
    }
    const cover = ownValue(request.coveredPaths, path);
    if (cover === undefined)
      return { ok: false, message: `The image's VOLUME ${path} has neither a mount nor a cover` };
    mounted.add(cleanPath(path));
    mounts.push(bind(cover, path, true));
  }
  if (request.resolvConf !== null && !mounted.has("/etc/resolv.conf")) {
    mounts.push(bind(request.resolvConf, "/etc/resolv.conf", true));
  }
  const { terminationMessagePath } = container;
  if (request.terminationLog !== null && !mounted.has(terminationMessagePath)) {
    mounts.push(bind(request.terminationLog, terminationMessagePath, false));
  }
  return { ok: true, mounts };
}

/** Read and written, never made anew: `m` would let the container make nodes of its own. */
function devicesOf({ devices }: CreateRequest): Pick<HostConfig, "Devices"> {
  if (devices.length === 0) return {};
  return {
    Devices: devices.map(({ path, target }) => ({
      PathOnHost: path,
      PathInContainer: target,
      CgroupPermissions: "rw",
    })),
  };
}

function bind(source: string, target: string, readOnly: boolean): BindMount {
  return { Type: "bind", Source: source, Target: target, ReadOnly: readOnly, BindOptions: { Propagation: "rprivate" } };
}

function reaches(apiVersion: string, minor: number): boolean {
  return Number(apiVersion.split(".")[1]) >= minor;
}
