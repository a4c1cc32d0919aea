// core/doctor: turns findings on a device into problems and what to do.

import { judgePressure } from "../node/pressure.ts";
import { formatTime } from "../pod/time.ts";
import { certificateConcern } from "../protocol/certificate.ts";
import { linkTodo } from "../protocol/link-advice.ts";
import { clockConcern, clockTodo } from "./clock-concern.ts";
import { unreadConfigTodo } from "./config-advice.ts";
import type { DoctorInput, EngineInput, StoreInput } from "./doctor-input.ts";
import { engineTodo } from "./engine-advice.ts";

/** What is looked at, in the order in which it is told. */
export type Check =
  | "program"
  | "configuration"
  | "agent"
  | "engine"
  | "cgroups"
  | "disk"
  | "store"
  | "memory"
  | "processes"
  | "clock"
  | "certificates"
  | "center"
  | "npu";

/** One line of `edge doctor`. A check may have several, and none where there is nothing to judge. */
export interface Finding {
  readonly check: Check;
  readonly state: "ok" | "warning" | "failure";
  readonly message: string;
  /** What to do about it; null where nothing is to be done. */
  readonly todo: string | null;
}

type Said = Omit<Finding, "check">;

/** What Kerberos and most others bear; certificates are judged by the clock, too. */
const mostOffMs = 300_000;

/** Judges all of it. Pure, so that every line can be shown by a test. */
export function examine(facts: DoctorInput): readonly Finding[] {
  const pressure = judgePressure([], facts.usage, facts.wall);
  const under = (type: string): Said[] => pressure.filter((condition) => condition.type === type).map(pressureSaid);
  const all: Readonly<Record<Check, readonly Said[]>> = {
    program:
      facts.program === null
        ? []
        : [failure(facts.program, "Fix the system as the message says; edge run does not start before")],
    configuration: configuration(facts),
    agent: agent(facts),
    engine: [...engine(facts.engine, facts.conntrack), ...engineProxy(facts)],
    cgroups: cgroups(facts),
    disk: [...under("DiskPressure"), ...folders(facts)],
    store: facts.store === null ? [] : [store(facts.store, facts.agentRuns === true)],
    memory: under("MemoryPressure"),
    processes: under("PIDPressure"),
    clock: [clock(facts)],
    certificates: certificates(facts),
    center: facts.center === null ? [] : [center(facts.center)],
    npu: [npu(facts)],
  };
  return (Object.keys(all) as Check[]).flatMap((check) => all[check].map((findings) => ({ check, ...findings })));
}

function ok(message: string): Said {
  return { state: "ok", message, todo: null };
}

function warning(message: string, todo: string): Said {
  return { state: "warning", message, todo };
}

function failure(message: string, todo: string): Said {
  return { state: "failure", message, todo };
}

function agent({ agentRuns, foldersKnown }: DoctorInput): readonly Said[] {
  if (agentRuns === null) return [];
  if (agentRuns) return [ok("The agent is running")];
  if (!foldersKnown) {
    const unknown = "No agent runs in the default folders. Only the configuration could name others";
    return [warning(unknown, "Fix the configuration and run edge doctor again; pgrep -af 'edge run' lists agents")];
  }
  const message = "The agent is not running: it starts, restarts and reports no pods";
  return [failure(message, "Start it: systemctl start edge, or edge run; journalctl -u edge shows why it stopped")];
}

function configuration({ config }: DoctorInput): readonly Said[] {
  const { file, violations, warnings, isUnread } = config;
  const mend = (problem: string): string => {
    if (file === null) return "Write one, or run edge install";
    return /EACCES/.test(problem) ? "Run this as root, or as a member of the group edge" : `Fix ${file}`;
  };
  const findings = [
    ...violations.map((violation) => failure(violation, mend(violation))),
    ...warnings.map((text) => warning(text, `Fix ${file}`)),
    ...(isUnread ? [warning(`${file} has changed since the agent read it`, unreadConfigTodo)] : []),
  ];
  return findings.length === 0 ? [ok(`${file} is valid`)] : findings;
}

function engine(facts: EngineInput, conntrack: boolean): readonly Said[] {
  if (!facts.ok) {
    return [failure(`The engine at ${facts.socket} cannot be used: ${facts.message}`, engineTodo(facts))];
  }
  const restore = warning(
    "live-restore is off: when the engine stops or is updated, every container ends with it",
    'Put "live-restore": true into /etc/docker/daemon.json and reload the engine',
  );
  const seccomp = warning(
    "The engine filters no system calls (no seccomp)",
    "Use a kernel and an engine with seccomp, without --seccomp-profile=unconfined",
  );
  const bridge = warning(
    "The engine has no bridge network (bridge=none): only pods with hostNetwork start",
    'Remove "bridge": "none" from /etc/docker/daemon.json and restart the engine',
  );
  const isDocker = facts.product === "docker";
  const forgets = isDocker && Number(facts.apiVersion.split(".")[1]) < firstThatForgetsSenders;
  return [
    isDocker ? ok(`Docker ${facts.version}, API ${facts.apiVersion}`) : podman(facts.version, facts.apiVersion),
    ...(facts.liveRestore || !isDocker ? [] : [restore]),
    ...(facts.bridge ? [] : [bridge]),
    ...(facts.rootless ? [rootless] : []),
    ...(facts.remapsUsers ? [remapsUsers] : []),
    ...(forgets && !conntrack ? [senders] : []),
    ...(facts.seccomp ? [] : [seccomp]),
    ...facts.troubles.map((trouble) => failure(`Container ${trouble}`, containerTodo)),
    ...facts.warnings.filter((text) => !beside.test(text)).map(engineWarning),
  ];
}

/** A site that lets the agent out through a proxy alone mostly lets the engine out no other way. */
function engineProxy({ engine: facts, proxy }: DoctorInput): readonly Said[] {
  if (proxy === null || !facts.ok || facts.product !== "docker" || facts.hasProxy) return [];
  return [
    warning(
      `The agent has a proxy (${proxy}) and the engine has none: pulls may fail`,
      'Put "proxies" into /etc/docker/daemon.json and restart the engine, unless its registries need no proxy',
    ),
  ];
}

/** The minor version of Docker 23's API (moby#8795). */
const firstThatForgetsSenders = 42;
const senders = warning(
  "The program conntrack is missing: after a restart, a container gets nothing from a UDP sender that never pauses",
  "Install it (apt-get install conntrack), or install Docker 23 or later",
);
const rootless = warning(
  "The engine is rootless: this was not tested, and without cgroup version 2 it limits no pod",
  "Run the engine as root (systemctl start docker)",
);
const remapsUsers = warning(
  "The engine remaps user ids (userns-remap): privileged pods and pods with hostNetwork or hostPID do not start",
  'Remove "userns-remap" from /etc/docker/daemon.json if such a pod is needed, and restart the engine',
);

const containerTodo =
  "Run docker unpause if it was paused by hand; else resume its containerd-shim (kill -CONT), or restart the engine";

function podman(version: string, apiVersion: string): Said {
  const lacks =
    "it does not report out-of-memory kills before 5.0, and hides manual changes to capabilities and networks";
  return warning(`Podman ${version}, API ${apiVersion}: ${lacks}`, "Install Docker 18.09 to 28.5 if that matters");
}

/** Limits that no pod is ever given. */
const beside = /kernel memory|oom kill disable|blkio|cpuset|cpu shares/i;

function engineWarning(text: string): Said {
  const message = `The engine warns: ${text.replace(/^WARNING:\s*/i, "")}`;
  if (/swap/i.test(text)) {
    return warning(message, "Boot with swapaccount=1, or without swap: a pod may swap beyond its limit");
  }
  if (/without encryption|accessible on/i.test(text)) {
    return warning(message, "Let it listen only on its unix socket: every client controls this device");
  }
  return warning(message, "See the engine's documentation");
}

function cgroups({ cgroups: { version, controllers } }: DoctorInput): readonly Said[] {
  if (version === null) {
    return [failure("No cgroups are mounted: pods cannot be limited", "Mount them at /sys/fs/cgroup, as systemd does")];
  }
  const lacks = (name: string): boolean => !controllers.includes(name);
  const findings = [
    ...(lacks("memory")
      ? [failure("The kernel limits no memory: a pod may take all of it", "Boot with cgroup_enable=memory")]
      : []),
    ...(lacks("cpu")
      ? [failure("The kernel limits no processor time: a pod may take all of it", "Use a kernel with CFS_BANDWIDTH")]
      : []),
    ...(lacks("pids")
      ? [warning("The kernel limits no processes: a pod may take every process id", "Use a kernel with CGROUP_PIDS")]
      : []),
  ];
  return findings.length === 0 ? [ok(`Version ${version} limits memory, processor time and processes`)] : findings;
}

function pressureSaid({ status, message }: { readonly status: string; readonly message: string }): Said {
  if (status === "False") return ok(message);
  if (status === "Unknown") return warning(message, "Run this as root on a device where the agent has run before");
  return failure(`There is ${message}: no new pod starts`, "Free some, or give the device more");
}

/** Below this no message is stored (lifecycle.md: what a message needs is kept free for what runs). */
const leastFreeBytes = 50 * 1024 * 1024;

function store({ state, message, freeBytes }: StoreInput, agentRuns: boolean): Said {
  switch (state) {
    case "ok":
    case "missing":
      if (freeBytes !== null && freeBytes < leastFreeBytes) {
        const full = `The disk of the store has ${Math.floor(freeBytes / 1024 / 1024)} MiB free: no message is accepted`;
        return failure(full, "Free space on it (at least 50 MiB); the agent then continues by itself");
      }
      if (state === "ok") return ok("The store is readable, and its version fits");
      if (!agentRuns) return ok("There is no store yet; the agent creates it");
      return failure(message, "The store was deleted while the agent runs: restart the agent (systemctl restart edge)");
    case "corrupt":
      return failure(message, "Restart the agent: it puts the file aside, restores its pods and starts a new store");
    case "newer":
      return failure(message, "Install the newer version of edge again: this version would lose data of the newer one");
    case "foreign":
      return failure(message, "Move the file away, or name another folder in data.dir");
    case "full":
      return failure(
        message,
        "Free space on the disk of data.dir: the agent waits for room and then continues by itself",
      );
    case "unusable":
      return failure(
        message,
        "Run this as root, or as a member of the group edge; check the disk if that does not help",
      );
    default:
      return state satisfies never;
  }
}

function folders({ folders: { data, dataIsOther, dataReadOnly, run, runInMemory } }: DoctorInput): readonly Said[] {
  return [
    ...(dataIsOther ? [failure(`${data} is not a folder`, "Move it away, or name another folder in data.dir")] : []),
    ...(dataReadOnly
      ? [failure(`${data} is on a read-only file system`, "Look for the cause in dmesg, and mount it read-write")]
      : []),
    ...(runInMemory === false
      ? [warning(`${run} is on a disk, and is written up to once a second`, "Put data.runDir on a tmpfs such as /run")]
      : []),
  ];
}

function clock({ wall, center: reached }: DoctorInput): Said {
  const says = `The clock says ${formatTime(wall)}`;
  const concern = clockConcern(wall);
  if (concern !== null) return failure(concern.message, concern.todo);
  const theirs = reached?.ok === true ? reached.wall : null;
  if (theirs === null) return ok(`${says}; there is no center to compare it with`);
  const off = wall - theirs;
  if (Math.abs(off) <= mostOffMs) return ok(`${says}, like the center's`);
  const seconds = Math.round(Math.abs(off) / 1_000);
  return warning(`${says}, ${seconds} s ${off < 0 ? "behind" : "ahead of"} the center's`, clockTodo);
}

function certificates({ credentials, wall }: DoctorInput): readonly Said[] {
  if (credentials === null) return [];
  const { problem, certificates: all } = credentials;
  if (problem !== null)
    return [failure(problem, "Fix the files that center.tls, center.auth and center.proxyAuth name")];
  if (all.length === 0) return [ok("None are configured")];
  return all.map((certificate) => {
    const concern = certificateConcern(certificate, wall);
    if (concern === null) return ok(`${certificate.file} is valid until ${formatTime(certificate.notAfter)}`);
    if (wall < certificate.notBefore) return failure(concern, "Set the clock, or replace the certificate");
    const todo = "Replace the certificate; the agent uses the new one within 5 s, without a restart";
    return wall >= certificate.notAfter ? failure(concern, todo) : warning(concern, todo);
  });
}

function center(facts: NonNullable<DoctorInput["center"]>): Said {
  if (facts.ok) return ok(`${facts.host} answers`);
  return failure(`${facts.host} cannot be reached: ${facts.error.message}`, linkTodo(facts.error));
}

function npu({ npus: { names, missing } }: DoctorInput): Said {
  if (names.length === 0) return ok("This device has none");
  if (missing === null) return ok(`${names.length === 1 ? "There is" : "There are"} ${names.join(", ")}`);
  return failure(
    `${missing} is missing, and no NPU works without it`,
    "Load the NPU driver, and check it with npu-smi info",
  );
}
