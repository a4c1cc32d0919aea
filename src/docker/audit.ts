import type { ContainerAudit, Difference } from "../ports/engine.ts";
import { at, keysAt, listAt, numberAt, textAt, textsAt } from "./answer.ts";
import type { CreatePayload } from "./create-options.ts";

/** What is compared, each as words: how a new container would have it, and how this one has it. */
interface Compared {
  readonly field: string;
  readonly wanted: (payload: CreatePayload, shown: Shown) => string;
  readonly found: (answer: unknown, shown: Shown) => string;
}

/** What a place of the agent's own shows of this device; any other path is itself. */
type Shown = (source: string) => string;

const host = (answer: unknown): unknown => at(answer, "HostConfig");

/** A number in which Docker writes 0 or nothing for "no limit". */
const amount = (field: "Memory" | "CpuQuota" | "PidsLimit"): Compared => ({
  field,
  wanted: ({ HostConfig }) => String(HostConfig[field] ?? 0),
  found: (answer) => String(numberAt(host(answer), field)),
});

const flag = (field: "Privileged" | "ReadonlyRootfs"): Compared => ({
  field,
  wanted: ({ HostConfig }) => String(HostConfig[field]),
  found: (answer) => String(at(host(answer), field) === true),
});

const capabilities = (field: "CapAdd" | "CapDrop"): Compared => ({
  field,
  wanted: ({ HostConfig }) => sorted(HostConfig[field].map(bareCapability)),
  found: (answer) => sorted(textsAt(host(answer), field).map(bareCapability)),
});

const rows: readonly Compared[] = [
  { field: "Image", wanted: ({ Image }) => Image, found: (answer) => textAt(answer, "Image") },
  { field: "User", wanted: ({ User }) => User, found: (answer) => textAt(answer, "Config", "User") },
  flag("Privileged"),
  flag("ReadonlyRootfs"),
  capabilities("CapAdd"),
  capabilities("CapDrop"),
  {
    field: "SecurityOpt",
    wanted: ({ HostConfig }) => sorted(HostConfig.SecurityOpt),
    found: (answer) => sorted(textsAt(host(answer), "SecurityOpt").filter((option) => !isEnginesOwn(option, answer))),
  },
  {
    field: "NetworkMode",
    wanted: ({ HostConfig }) => networkName(HostConfig.NetworkMode),
    found: (answer) => networkName(textAt(host(answer), "NetworkMode")),
  },
  {
    // `docker network connect` adds one to a container that runs.
    field: "Networks",
    // A container that has joined a sandbox's has none of its own.
    wanted: ({ HostConfig: { NetworkMode: mode } }) => (mode.startsWith("container:") ? "" : networkName(mode)),
    found: (answer) => sorted(keysAt(answer, "NetworkSettings", "Networks").map(networkName)),
  },
  {
    field: "PidMode",
    wanted: ({ HostConfig }) => HostConfig.PidMode || "private",
    found: (answer) => textAt(host(answer), "PidMode") || "private",
  },
  {
    field: "IpcMode",
    wanted: ({ HostConfig }) => HostConfig.IpcMode,
    found: (answer) => textAt(host(answer), "IpcMode"),
  },
  {
    field: "RestartPolicy",
    wanted: ({ HostConfig }) => HostConfig.RestartPolicy.Name,
    found: (answer) => textAt(host(answer), "RestartPolicy", "Name") || "no",
  },
  {
    field: "Mounts",
    wanted: ({ HostConfig }, shown) =>
      sorted(
        HostConfig.Mounts.map((mount) =>
          mount.Type === "tmpfs"
            ? mountWords("tmpfs", "", mount.Target, false)
            : mountWords("bind", shown(mount.Source), mount.Target, mount.ReadOnly),
        ),
      ),
    found: (answer, shown) =>
      sorted(
        listAt(answer, "Mounts").map((mount) =>
          mountWords(
            textAt(mount, "Type"),
            shown(textAt(mount, "Source")),
            textAt(mount, "Destination"),
            at(mount, "RW") !== true,
          ),
        ),
      ),
  },
  {
    field: "Devices",
    wanted: ({ HostConfig }) => sorted((HostConfig.Devices ?? []).map(deviceWords)),
    found: (answer) => sorted(listAt(host(answer), "Devices").map(deviceWords)),
  },
  {
    field: "PortBindings",
    wanted: ({ HostConfig }) => portWords(HostConfig.PortBindings ?? {}),
    found: (answer) => portWords(at(host(answer), "PortBindings")),
  },
  amount("Memory"),
  amount("CpuQuota"),
  amount("PidsLimit"),
];

/** Ways out of a container that this program never takes. */
const neverUsed = [
  ...["Binds", "VolumesFrom", "DeviceRequests", "DeviceCgroupRules", "GroupAdd", "UTSMode", "UsernsMode"],
  ...["CgroupParent", "Links", "ExtraHosts", "Sysctls", "Tmpfs", "PublishAllPorts", "NanoCpus"],
] as const;

/**
 * Compares what the engine says of a container with the payload that would make it. What only the engine decides (its
 * runtime, its defaults) is left out: an upgrade of the engine is no drift.
 * @param shown what the places of host paths show: a container that was made with the path itself has the same mount
 */
export function audited(
  answer: unknown,
  payload: CreatePayload,
  shown: ReadonlyMap<string, string> = new Map(),
): ContainerAudit {
  const running = at(answer, "State", "Running") === true;
  const pid = numberAt(answer, "State", "Pid");
  return {
    pid: running && pid > 0 ? pid : null,
    differences: [...differing(answer, payload, (source) => shown.get(source) ?? source), ...used(answer)],
  };
}

/**
 * Podman writes these otherwise than it was asked, for every container: of a change by hand they tell nothing. What it
 * writes under Binds is compared as Mounts.
 */
const podmansOwn = ["Binds", "CapDrop", "Networks", "IpcMode", "UTSMode", "Tmpfs", "NanoCpus"];

/** What an audit found on podman, without what podman itself has written otherwise. */
export function withoutPodmansOwn({ pid, differences }: ContainerAudit, payload: CreatePayload): ContainerAudit {
  // A privileged container has all capabilities and podman names none; podman 5 adds an option "unmask=all".
  const own = payload.HostConfig.Privileged ? [...podmansOwn, "CapAdd", "SecurityOpt"] : podmansOwn;
  return { pid, differences: differences.filter(({ field }) => !own.includes(field)) };
}

function differing(answer: unknown, payload: CreatePayload, shown: Shown): readonly Difference[] {
  return rows.flatMap(({ field, wanted, found }) => {
    const difference = { field, expected: wanted(payload, shown) || "none", found: found(answer, shown) || "none" };
    return difference.expected === difference.found ? [] : [difference];
  });
}

function used(answer: unknown): readonly Difference[] {
  return neverUsed.flatMap((field) => {
    const found = at(host(answer), field);
    return isEmpty(found) ? [] : [{ field, expected: "none", found: JSON.stringify(found).slice(0, 256) }];
  });
}

function isEmpty(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return !value;
}

/** Docker adds it by itself where the host's processes are to be seen (generateSecurityOpt in daemon/create.go). */
function isEnginesOwn(option: string, answer: unknown): boolean {
  return (
    option === "label=disable" && (at(host(answer), "PidMode") === "host" || at(host(answer), "Privileged") === true)
  );
}

/** Later engines write CAP_CHOWN for what was sent as CHOWN. */
function bareCapability(name: string): string {
  return name.toUpperCase().replace(/^CAP_/, "");
}

/** Later engines write bridge for what was sent as default. */
function networkName(mode: string): string {
  return mode === "default" ? "bridge" : mode;
}

function mountWords(type: string, source: string, target: string, readOnly: boolean): string {
  return `${type} ${source} at ${target} ${readOnly ? "read-only" : "writable"}`;
}

function deviceWords(device: unknown): string {
  const [path, target, may] = ["PathOnHost", "PathInContainer", "CgroupPermissions"].map((name) =>
    textAt(device, name),
  );
  return `${path} at ${target} ${may}`;
}

function portWords(bindings: unknown): string {
  return sorted(
    keysAt(bindings).flatMap((port) =>
      listAt(bindings, port).map((binding) => `${port} at ${textAt(binding, "HostIp")}:${textAt(binding, "HostPort")}`),
    ),
  );
}

function sorted(words: readonly string[]): string {
  return [...words].sort().join(", ");
}
