import { ownValue } from "../core/base/own-value.ts";
import type { ContainerSpec } from "../core/pod/spec.ts";
import type { CreateRequest } from "../ports/engine.ts";
import { mostMemory, mostQuota, mostShares } from "./granted-amounts.ts";

/**
 * The second gate: looks at the finished payload, whoever made it, and at what the admitted pod grants, and knows nothing
 * of how one becomes the other. It shares no code with the translation on purpose, so that no slip there widens what
 * was admitted. A field that it does not know is a breach: Docker has a hundred ways to let a container out.
 */
export type GateResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly field: string; readonly message: string };

type Grant = {
  readonly request: CreateRequest;
  readonly container: ContainerSpec;
  /** Whether this is the sandbox itself, and which one it must join if it is not. */
  readonly isSandbox: boolean;
  readonly joins: string | null;
};
/** Whether the pod grants this value. */
type Rule = (value: unknown, grant: Grant) => boolean;

/** The program of a pod's container is the pod's to choose, that of a sandbox is the image's. */
const program: Rule = (_, { isSandbox }) => !isSandbox;
const only =
  (...allowed: readonly unknown[]): Rule =>
  (value) =>
    allowed.includes(value);

const topLevel: Readonly<Record<string, Rule>> = {
  // Without a program of its own choosing a container would be no container: these grant nothing.
  Entrypoint: program,
  Cmd: program,
  Env: (value, { isSandbox }) => !isSandbox || listOf(value).length === 0,
  Hostname: (value, { joins }) => typeof value === "string" && joins === null,
  Image: (value, { request }) => value === request.image.id,
  User: userGranted,
  Labels: labelsGranted,
  ExposedPorts: (value, grant) => keysOf(value).every((key) => portsOf(grant).some((port) => portKey(port) === key)),
  Healthcheck: (value) => JSON.stringify(value) === '{"Test":["NONE"]}',
  HostConfig: (value) => isRecord(value),
};

const hostConfig: Readonly<Record<string, Rule>> = {
  NetworkMode: (value, { request, joins }) =>
    joins !== null
      ? value === joins
      : value === "default" || (value === "host" && request.pod.spec.hostNetwork === true),
  UTSMode: (value, { joins }) => joins !== null && value === joins,
  PidMode: (value, { request, isSandbox }) =>
    value === "" || (value === "host" && request.pod.spec.hostPID === true && !isSandbox),
  IpcMode: (value, { isSandbox, joins }) => value === (isSandbox ? "shareable" : (joins ?? "private")),
  RestartPolicy: (value) => JSON.stringify(value) === '{"Name":"no"}',
  Init: only(false),
  Privileged: (value, { container }) =>
    value === false || (value === true && container.securityContext.privileged === true),
  ReadonlyRootfs: (value, { container }) =>
    value === true || (value === false && container.securityContext.readOnlyRootFilesystem === false),
  CapAdd: (value, { container }) => {
    const granted = container.securityContext.capabilities.add ?? [];
    return listOf(value).every((name) => typeof name === "string" && granted.includes(name));
  },
  CapDrop: (value, { container }) => {
    const dropped = listOf(value).map((name) => String(name).toLowerCase());
    return (container.securityContext.capabilities.drop ?? []).every((name) => dropped.includes(name.toLowerCase()));
  },
  SecurityOpt: (value, { container }) => {
    const held = JSON.stringify(value) === '["no-new-privileges"]';
    return held || (listOf(value).length === 0 && container.securityContext.allowPrivilegeEscalation === true);
  },
  Mounts: (value, grant) => Array.isArray(value) && value.every((mount) => mountGranted(mount, grant)),
  Devices: (value, grant) => listOf(value).length > 0 && devicesGranted(value, grant),
  PortBindings: portBindingsGranted,
  LogConfig: logGranted,
  Memory: (value, { container }) => isMost(value, mostMemory(container.resources)),
  // Equal to Memory, which is compared below.
  MemorySwap: (value) => isPositive(value),
  CpuPeriod: only(100_000),
  CpuQuota: (value, { container }) => isMost(value, mostQuota(container.resources)),
  CpuShares: (value, { container }) => isMost(value, mostShares(container.resources)),
  OomScoreAdj: oomScoreGranted,
  PidsLimit: (value, { isSandbox }) => isMost(value, isSandbox ? 32 : 1024),
  // A container that has joined a sandbox's has none of its own.
  ShmSize: (value, { joins }) => value === 64 * 1024 * 1024 && joins === null,
};

const optionalHostConfig: readonly string[] = [
  ...["UTSMode", "PortBindings", "Devices", "ShmSize"],
  ...["Memory", "MemorySwap", "CpuPeriod", "CpuQuota"],
];
/** Left out, these would be the engine's or the image's choice. */
const neededTopLevel = ["Image", "User", "Labels", "Healthcheck", "HostConfig"];
const neededHostConfig = Object.keys(hostConfig).filter((field) => !optionalHostConfig.includes(field));

/** Says which field of the payload asks for more than the admitted pod grants, if any does. */
export function gate(payload: Readonly<Record<string, unknown>>, request: CreateRequest): GateResult {
  const isSandbox = request.container === "POD";
  const containers = isSandbox ? [sandboxGrant(request)] : request.pod.spec.containers;
  const container = containers.find(({ name }) => name === request.container);
  if (container === undefined) return breach("Labels", `the pod has no container ${request.container}`);
  const shares = request.pod.spec.containers.length > 1;
  if (isSandbox && (!shares || request.sandboxId !== null)) return breach("Labels", "a lone container has no sandbox");
  const grant: Grant = { request, container, isSandbox, joins: shares && !isSandbox ? joined(request) : null };
  const host = isRecord(payload["HostConfig"]) ? payload["HostConfig"] : {};
  const levels = [
    { prefix: "", fields: payload, rules: topLevel, needed: neededTopLevel },
    { prefix: "HostConfig.", fields: host, rules: hostConfig, needed: neededHostConfig },
  ];
  for (const { prefix, fields, rules, needed } of levels) {
    for (const [field, value] of Object.entries(fields)) {
      const rule = ownValue(rules, field);
      if (rule === undefined) return breach(prefix + field, "the field is not one that this program sends");
      if (!rule(value, grant)) return breach(prefix + field, "the admitted pod does not grant it");
    }
    const missing = needed.find((field) => ownValue(fields, field) === undefined);
    if (missing !== undefined) return breach(prefix + missing, "it is missing");
  }
  // None at all is as wrong as another one: the program in it would find no NPU.
  if (!devicesGranted(host["Devices"] ?? [], grant)) return breach("HostConfig.Devices", "the pod's NPUs are missing");
  return limitsHeld(host, container);
}

/** What a pod grants its sandbox: its ports, and not one thing more than the strictest container has. */
function sandboxGrant({ pod }: CreateRequest): ContainerSpec {
  return {
    name: "POD",
    image: "",
    imagePullPolicy: "IfNotPresent",
    ports: pod.spec.containers.flatMap((container) => container.ports ?? []),
    resources: { limits: { memory: "32Mi" }, requests: {} },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["All"] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    },
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  };
}

/** A name would do for Docker, and could be anybody's: only a whole id is one of ours. Without one nothing is granted. */
function joined({ sandboxId }: CreateRequest): string {
  return sandboxId !== null && /^[0-9a-f]{64}$/.test(sandboxId) ? `container:${sandboxId}` : "nothing";
}

function limitsHeld(host: Readonly<Record<string, unknown>>, container: ContainerSpec): GateResult {
  if (container.resources.limits["memory"] !== undefined && host["Memory"] === undefined) {
    return breach("HostConfig.Memory", "the pod's limit is missing");
  }
  if (host["Memory"] !== host["MemorySwap"]) return breach("HostConfig.MemorySwap", "it allows swap");
  if (container.resources.limits["cpu"] !== undefined && host["CpuQuota"] === undefined) {
    return breach("HostConfig.CpuQuota", "the pod's limit is missing");
  }
  return { ok: true };
}

/** What `verifyRunAsNonRoot` was asked, once more: a number above 0, and nobody's but the pod's or the image's. */
function userGranted(value: unknown, { request, container }: Grant): boolean {
  const { runAsUser: uid, runAsGroup: gid, runAsNonRoot } = container.securityContext;
  if (typeof value !== "string") return false;
  const [user = "", group, ...more] = value.split(":");
  if (more.length > 0) return false;
  if (runAsNonRoot && !(/^[0-9]+$/.test(user) && Number(user) > 0)) return false;
  // Without a group the engine would take the image's word for it, and 0 where that says nothing.
  if (runAsNonRoot && (group === undefined || (Number(group) === 0 && gid !== 0))) return false;
  const ownGroup = gid ?? (runAsNonRoot ? uid : undefined);
  if (uid !== undefined) return user === String(uid) && group === (ownGroup === undefined ? undefined : `${ownGroup}`);
  const [ofImage = "0", groupOfImage = ofImage] = request.image.user.split(":");
  if (gid === undefined && !runAsNonRoot) return value === request.image.user;
  if (gid === undefined) return Number(user) === Number(ofImage) && Number(group) === Number(groupOfImage);
  const sameUser =
    user === ofImage ||
    (/^[0-9]+$/.test(ofImage) && Number(user) === Number(ofImage)) ||
    (ofImage === "" && user === "0");
  return sameUser && group === String(gid);
}

/** The pod's own name and nobody else's: by these a device knows later what it may remove. */
function labelsGranted(value: unknown, { request }: Grant): boolean {
  const { pod, ...own } = request;
  const expected: Readonly<Record<string, string>> = {
    "io.kubernetes.pod.name": pod.id.name,
    "io.kubernetes.pod.namespace": pod.id.namespace,
    "io.kubernetes.pod.uid": pod.id.uid,
    "io.kubernetes.container.name": own.container,
    "edge.install": own.installId,
    "edge.pod-hash": own.podHash,
    "edge.spec-hash": own.specHash,
    "edge.attempt": `${own.attempt}`,
    "edge.generation": `${own.generation}`,
    "edge.restart-policy": pod.spec.restartPolicy,
  };
  if (!isRecord(value) || keysOf(value).length !== Object.keys(expected).length) return false;
  return Object.entries(expected).every(([name, text]) => ownValue(value, name) === text);
}

/** The kernel spares nobody but a Guaranteed container, and what holds the pod's network, more than the engine itself. */
function oomScoreGranted(value: unknown, { request, container, isSandbox }: Grant): boolean {
  if (typeof value !== "number" || !Number.isInteger(value) || value !== request.oomScoreAdj) return false;
  const limited = ["cpu", "memory"].every((name) => ownValue(container.resources.limits, name) !== undefined);
  return value <= 1000 && value >= (isSandbox ? -998 : limited ? -997 : 0);
}

const forbiddenSources = /^(?:\/|\/(?:proc|sys|dev)(?:\/.*)?)$/;
const mountFields = ["Type", "Source", "Target", "ReadOnly", "BindOptions"];

function mountGranted(mount: unknown, grant: Grant): boolean {
  const { request, container, isSandbox } = grant;
  if (isRecord(mount) && mount["Type"] === "tmpfs") return !isSandbox && memoryGranted(mount, grant);
  if (!isRecord(mount) || !keysOf(mount).every((key) => mountFields.includes(key))) return false;
  const { Type: type, Source: source, Target: target, ReadOnly: readOnly, BindOptions: options } = mount;
  if (type !== "bind") return false;
  const sealed = JSON.stringify(options) === '{"Propagation":"rprivate","ReadOnlyForceRecursive":true}';
  if (!sealed && JSON.stringify(options) !== '{"Propagation":"rprivate"}') return false;
  if (typeof source !== "string" || typeof target !== "string" || forbiddenSources.test(source)) return false;
  if (source.split("/").includes("..") || !source.startsWith("/")) return false;
  const asked = (container.volumeMounts ?? []).filter((each) => asMounted(each.mountPath) === target);
  if (asked.length > 0) {
    return asked.some(
      (each) =>
        ownValue(request.volumePaths, each.name) === source &&
        !forbiddenSources.test(ownValue(request.hostPaths, each.name) ?? "") &&
        (readOnly === true ? sealed || !request.submounts.includes(each.name) : writable(each, request)),
    );
  }
  if (target === "/dev/termination-log") return !isSandbox && source === request.terminationLog;
  if (readOnly !== true) return false;
  if (request.image.volumes.includes(target) && ownValue(request.coveredPaths, target) === source) return true;
  return target === "/etc/resolv.conf" && source === request.resolvConf;
}

/** What the image would otherwise get a folder on the disk for, without a bound. */
function memoryGranted(mount: Readonly<Record<string, unknown>>, { request, container }: Grant): boolean {
  const { Type: _, Target: target, TmpfsOptions: options, ...more } = mount;
  if (keysOf(more).length > 0 || typeof target !== "string" || !request.image.volumes.includes(target)) return false;
  if ((container.volumeMounts ?? []).some(({ mountPath }) => mountPath === target)) return false;
  return request.scratchPaths.includes(target) && JSON.stringify(options) === '{"SizeBytes":67108864,"Mode":1023}';
}

function asMounted(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return `/${parts.join("/")}`;
}

function writable(asked: { readonly name: string; readonly readOnly: boolean }, { pod }: CreateRequest): boolean {
  if (asked.readOnly !== false) return false;
  return pod.spec.volumes?.some(({ name, configMap }) => name === asked.name && configMap !== undefined) !== true;
}

/** Exactly the nodes of the request, and among them as many NPUs as the admitted container has: none, and no node at all. */
function devicesGranted(value: unknown, { request, container, isSandbox }: Grant): boolean {
  const limits = isSandbox ? [] : Object.entries(container.resources.limits);
  const amounts = limits.filter(([name]) => name === "npu" || name.startsWith("huawei.com/"));
  const admitted = amounts.reduce((sum, [, amount]) => sum + Number(amount), 0);
  const wanted = request.devices.map(({ path, target }) => `${path} ${target}`);
  if (request.devices.filter(({ target }) => /^\/dev\/davinci[0-9]+$/.test(target)).length !== admitted) return false;
  if (admitted === 0 && wanted.length > 0) return false;
  const found = listOf(value).map((device) => {
    if (!isRecord(device) || keysOf(device).length !== 3 || device["CgroupPermissions"] !== "rw") return "";
    const { PathOnHost: path, PathInContainer: target } = device;
    const named = typeof target === "string" && /^\/dev\/[a-z][a-z0-9_]*$/.test(target);
    return named && String(path).startsWith("/") && !String(path).includes("..") ? `${path} ${target}` : "";
  });
  return (
    found.length === wanted.length &&
    new Set(found).size === found.length &&
    found.every((device) => wanted.includes(device))
  );
}

function portBindingsGranted(value: unknown, grant: Grant): boolean {
  if (!isRecord(value)) return false;
  return Object.entries(value).every(([key, bindings]) =>
    listOf(bindings).every((binding) => {
      if (!isRecord(binding) || keysOf(binding).some((field) => field !== "HostIp" && field !== "HostPort"))
        return false;
      return portsOf(grant).some(
        (port) =>
          portKey(port) === key && binding["HostIp"] === port.hostIP && binding["HostPort"] === `${port.hostPort}`,
      );
    }),
  );
}

/** Without a bound a container would fill the disk with what it prints. */
function logGranted(value: unknown): boolean {
  return JSON.stringify(value) === '{"Type":"json-file","Config":{"max-size":"5m","max-file":"2"}}';
}

/** None with the host's network or another's: there is nothing to publish, and a binding would be a second way out. */
function portsOf({ request, container, joins }: Grant): NonNullable<ContainerSpec["ports"]> {
  return request.pod.spec.hostNetwork === true || joins !== null ? [] : (container.ports ?? []);
}

function portKey(port: { readonly containerPort: number; readonly protocol: "TCP" | "UDP" }): string {
  return `${port.containerPort}/${port.protocol === "UDP" ? "udp" : "tcp"}`;
}

function breach(field: string, why: string): GateResult {
  return { ok: false, field, message: `${field} is refused: ${why}` };
}

function isMost(value: unknown, most: number): boolean {
  return isPositive(value) && Number(value) <= most;
}

function isPositive(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keysOf(value: unknown): readonly string[] {
  return isRecord(value) ? Object.keys(value) : ["not an object"];
}

/** A value that should be a list; anything else becomes a list that no rule grants. */
function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [null];
}
