// core/doctor: turns findings on a device into problems and what to do.

import { judgePressure } from "../node/pressure.ts";
import { formatTime, parseTime } from "../pod/time.ts";
import { certificateConcern } from "../protocol/certificate.ts";
import type { LinkError } from "../protocol/link-error.ts";
import type { DoctorInput, EngineInput } from "./doctor-input.ts";

/** What is looked at, in the order in which it is told. */
export type Check =
  | "program"
  | "configuration"
  | "agent"
  | "engine"
  | "cgroups"
  | "disk"
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

/** No clock that goes right says less: this program is younger. */
const leastWall = parseTime("2026-01-01T00:00:00Z");
/** What Kerberos and most others bear; certificates are judged by the clock, too. */
const mostOffMs = 300_000;

/** Judges all of it. Pure, so that every line can be shown by a test. */
export function examine(facts: DoctorInput): readonly Finding[] {
  const pressure = judgePressure([], facts.usage, facts.wall);
  const under = (type: string): Said[] => pressure.filter((condition) => condition.type === type).map(pressureSaid);
  const all: Readonly<Record<Check, readonly Said[]>> = {
    program:
      facts.program === null ? [] : [failure(facts.program, "Mend the system as it says: edge run cannot start")],
    configuration: configuration(facts),
    agent: agent(facts),
    engine: engine(facts.engine),
    cgroups: cgroups(facts),
    disk: [...under("DiskPressure"), ...folders(facts)],
    memory: under("MemoryPressure"),
    processes: under("PIDPressure"),
    clock: [clock(facts)],
    certificates: certificates(facts),
    center: facts.center === null ? [] : [center(facts.center)],
    npu: [npu(facts)],
  };
  return (Object.keys(all) as Check[]).flatMap((check) => all[check].map((said) => ({ check, ...said })));
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

function agent({ agentRuns }: DoctorInput): readonly Said[] {
  if (agentRuns === null) return [];
  if (agentRuns) return [ok("It runs")];
  return [warning("It does not run: nothing is done for the center", "Start it: systemctl start edge, or edge run")];
}

function configuration({ config }: DoctorInput): readonly Said[] {
  const { file, violations, warnings } = config;
  const mend = (one: string): string => {
    if (file === null) return "Write one, or run edge install";
    return /EACCES/.test(one) ? "Run this as root, or as a member of the group edge" : `Mend ${file}`;
  };
  const said = [
    ...violations.map((one) => failure(one, mend(one))),
    ...warnings.map((one) => warning(one, `Mend ${file}`)),
  ];
  return said.length === 0 ? [ok(`${file} is right`)] : said;
}

/** How the adapter ends its sentence about an engine of which no version of the API fits. */
const otherVersion = /; this program speaks \d/;

function engine(facts: EngineInput): readonly Said[] {
  // The engine runs, and starting it again would change nothing.
  if (!facts.ok && otherVersion.test(facts.message)) return [failure(facts.message, "Install Docker 18.09 to 28.5")];
  if (!facts.ok) {
    return [failure(`The engine at ${facts.socket} does not answer: ${facts.message}`, engineTodo(facts))];
  }
  const restore = warning(
    "live-restore is off: when the engine stops or is updated, every container ends with it",
    'Put "live-restore": true into /etc/docker/daemon.json and reload the engine',
  );
  const seccomp = warning(
    "The engine filters no system calls (no seccomp)",
    "Use a kernel and an engine that have it, and no --seccomp-profile=unconfined",
  );
  const bridge = warning(
    "The engine has no bridge network (bridge=none): only pods with hostNetwork start",
    'Take "bridge": "none" out of /etc/docker/daemon.json and restart the engine',
  );
  if (facts.product === "podman") return [podman(facts.version, facts.apiVersion)];
  return [
    ok(`Docker ${facts.version}, API ${facts.apiVersion}`),
    ...(facts.liveRestore ? [] : [restore]),
    ...(facts.bridge ? [] : [bridge]),
    ...(facts.seccomp ? [] : [seccomp]),
    ...facts.troubles.map((one) => failure(`Container ${one}`, containerTodo)),
    ...facts.warnings.filter((one) => !beside.test(one)).map(engineWarning),
  ];
}

const containerTodo =
  "Run docker unpause if somebody paused it; else let its containerd-shim go on (kill -CONT), or restart the engine";

function engineTodo({ silent, message }: Extract<EngineInput, { readonly ok: false }>): string {
  if (silent) return "Restart it (systemctl restart docker)";
  return /EACCES|permission denied/i.test(message)
    ? "Run this as root, or as a member of the socket's group"
    : "Start the engine (systemctl start docker), or name its socket in engine.socket";
}

function podman(version: string, apiVersion: string): Said {
  const lacks = "a new run of it, and changes by hand to capabilities and networks, go unseen";
  return warning(`Podman ${version}, API ${apiVersion}: ${lacks}`, "Install Docker 18.09 to 28.5 where that matters");
}

/** Limits that no pod is ever given. */
const beside = /kernel memory|oom kill disable|blkio|cpuset|cpu shares/i;

function engineWarning(text: string): Said {
  const message = `The engine warns: ${text.replace(/^WARNING:\s*/i, "")}`;
  if (/swap/i.test(text)) {
    return warning(message, "Boot with swapaccount=1, or without swap: a pod may swap beyond its limit");
  }
  if (/without encryption|accessible on/i.test(text)) {
    return warning(message, "Let it listen on its unix socket alone: whoever reaches it owns this device");
  }
  return warning(message, "See the engine's documentation");
}

function cgroups({ cgroups: { version, controllers } }: DoctorInput): readonly Said[] {
  if (version === null) {
    return [failure("No cgroups are mounted: pods cannot be limited", "Mount them at /sys/fs/cgroup, as systemd does")];
  }
  const lacks = (name: string): boolean => !controllers.includes(name);
  const said = [
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
  return said.length === 0 ? [ok(`Version ${version} limits memory, processor time and processes`)] : said;
}

function pressureSaid({ status, message }: { readonly status: string; readonly message: string }): Said {
  if (status === "False") return ok(message);
  if (status === "Unknown") return warning(message, "Ask as root, where the agent has run before");
  return failure(`There is ${message}: no new pod starts`, "Free some, or give the device more");
}

function folders({ folders: { data, dataIsOther, dataReadOnly, run, runInMemory } }: DoctorInput): readonly Said[] {
  return [
    ...(dataIsOther ? [failure(`${data} is no folder`, "Move it away, or name another folder in data.dir")] : []),
    ...(dataReadOnly
      ? [failure(`${data} is on a file system that is read-only`, "See dmesg for why, and mount it for writing")]
      : []),
    ...(runInMemory === false
      ? [warning(`${run} is on a disk, and is written up to once a second`, "Have data.runDir on a tmpfs, as /run is")]
      : []),
  ];
}

function clock({ wall, center: reached }: DoctorInput): Said {
  const says = `The clock says ${formatTime(wall)}`;
  const todo = "Set it, and have it kept (timedatectl set-ntp true): certificates are judged by it";
  if (wall < leastWall) return failure(`${says}, which is past`, todo);
  const theirs = reached?.ok === true ? reached.wall : null;
  if (theirs === null) return ok(`${says}; there is no center's to compare it with`);
  const off = wall - theirs;
  if (Math.abs(off) <= mostOffMs) return ok(`${says}, and so does the center's`);
  const seconds = Math.round(Math.abs(off) / 1_000);
  return warning(`${says}, ${seconds} s ${off < 0 ? "behind" : "ahead of"} the center's`, todo);
}

function certificates({ credentials, wall }: DoctorInput): readonly Said[] {
  if (credentials === null) return [];
  const { problem, certificates: all } = credentials;
  if (problem !== null) return [failure(problem, "Mend the files that center.tls and center.auth name")];
  if (all.length === 0) return [ok("None are configured")];
  return all.map((certificate) => {
    const concern = certificateConcern(certificate, wall);
    if (concern === null) return ok(`${certificate.file} is valid until ${formatTime(certificate.notAfter)}`);
    if (wall < certificate.notBefore) return failure(concern, "Set the clock, or put another certificate there");
    const todo = "Put a new certificate there; it is taken up within 5 s, without a restart";
    return wall >= certificate.notAfter ? failure(concern, todo) : warning(concern, todo);
  });
}

const reach = "Look at name, network and firewall between here and there; pods run on meanwhile";
const centerTodos: Readonly<Record<LinkError["code"], string>> = {
  unreachable: reach,
  timeout: reach,
  aborted: reach,
  refused: "Ask whoever runs the center",
  protocol: "See that center.url names a center and not something else",
  tls: "See that center.tls.ca holds the authority of the center's certificate, and center.tls.serverName its name",
  credentials: "See that center.tls.cert, center.tls.key and center.auth.file are what the center expects",
};

function center(facts: NonNullable<DoctorInput["center"]>): Said {
  if (facts.ok) return ok(`${facts.host} answers`);
  return failure(`${facts.host} is not reached: ${facts.error.message}`, centerTodos[facts.error.code]);
}

function npu({ npus: { names, missing } }: DoctorInput): Said {
  if (names.length === 0) return ok("This device has none");
  if (missing === null) return ok(`${names.length === 1 ? "There is" : "There are"} ${names.join(", ")}`);
  return failure(`${missing} is not there, and no NPU is of use without it`, "Load the NPU's driver (npu-smi info)");
}
