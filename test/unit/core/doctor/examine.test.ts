import assert from "node:assert/strict";
import { test } from "node:test";
import type { DoctorInput } from "../../../../src/core/doctor/doctor-input.ts";
import { type Check, examine, type Finding } from "../../../../src/core/doctor/examine.ts";
import { parseTime } from "../../../../src/core/pod/time.ts";
import { negotiate } from "../../../../src/docker/connection.ts";

const wall = parseTime("2026-11-23T12:00:00Z");
const day = 86_400_000;
const disk = { totalBytes: 1000, freeBytes: 900, inodes: { total: 100, free: 90 } };
const engine = {
  ok: true,
  version: "26.1.5",
  apiVersion: "1.45",
  liveRestore: true,
  seccomp: true,
  product: "docker",
  bridge: true,
  rootless: false,
  remapsUsers: false,
  hasProxy: false,
  warnings: [],
  troubles: [],
} as const;
const certificate = { file: "/etc/edge/node.pem", notBefore: wall - day, notAfter: wall + 100 * day };

/** A device with nothing wrong. */
const well: DoctorInput = {
  wall,
  program: null,
  config: { file: "/etc/edge/edge.config.json", violations: [], warnings: [], isUnread: false },
  foldersKnown: true,
  agentRuns: true,
  engine,
  conntrack: false,
  cgroups: { version: 2, controllers: ["cpu", "memory", "pids"] },
  usage: {
    memory: { totalBytes: 2 ** 31, availableBytes: 2 ** 30 },
    dataDisk: disk,
    engineDisk: disk,
    processes: { running: 200, most: 4000 },
  },
  folders: { data: "/var/lib/edge", dataIsOther: false, dataReadOnly: false, run: "/run/edge", runInMemory: true },
  store: { state: "ok", message: "", freeBytes: 2 ** 30 },
  credentials: { problem: null, certificates: [certificate] },
  center: { ok: true, host: "center.example", wall: wall + 2_000 },
  proxy: null,
  npus: { names: ["davinci0"], missing: null },
};

/** Everything that is not ok, as `state check: message -> todo`. */
function troubles(changed: Partial<DoctorInput>): readonly string[] {
  const found = examine({ ...well, ...changed }).filter(({ state }) => state !== "ok");
  return found.map(({ state, check, message, todo }) => `${state} ${check}: ${message} -> ${todo}`);
}

test("edge doctor reports ok for every check of a healthy device", () => {
  const found = examine(well);
  const checks: readonly Check[] = [
    ...(["configuration", "agent", "engine", "cgroups", "disk", "store", "memory", "processes"] as const),
    ...(["clock", "certificates", "center", "npu"] as const),
  ];
  assert.deepEqual(
    found.map(({ check }) => check),
    checks,
  );
  assert.ok(found.every(({ state, todo }) => state === "ok" && todo === null));
});

const tooOld = negotiate({ least: "1.12", most: "1.38" });

const rows: readonly (readonly [what: string, changed: Partial<DoctorInput>, trouble: RegExp])[] = [
  ["native code", { program: "Cannot load SQLite: x" }, /^failure program: Cannot load SQLite/],
  [
    "no configuration",
    { config: { file: null, violations: ["No configuration"], warnings: [], isUnread: false } },
    /^failure configuration: No configuration -> Write one/,
  ],
  [
    "an invalid configuration",
    { config: { file: "/c.json", violations: ["center.url is 1"], warnings: [], isUnread: false } },
    /^failure configuration: center.url is 1 -> Fix \/c.json/,
  ],
  [
    "an unknown key",
    { config: { file: "/c.json", violations: [], warnings: ["x is not a key"], isUnread: false } },
    /^warning configuration: x is not a key -> Fix \/c.json/,
  ],
  [
    "no engine",
    { engine: { ok: false, socket: "/s", message: "connect ENOENT /s", silent: false } },
    /^failure engine: .*\/s.* -> Start/,
  ],
  [
    "an engine of another version",
    { engine: { ok: false, socket: "/s", message: tooOld.ok ? "" : tooOld.message, silent: false } },
    /^failure engine: .*The engine speaks API 1\.12 to 1\.38; this program speaks .* -> Install Docker 18\.09 to/,
  ],
  [
    "an engine without access for this user",
    { engine: { ok: false, socket: "/s", message: "connect EACCES /s", silent: false } },
    /^failure engine: .* -> Run this as root/,
  ],
  [
    "no live-restore",
    { engine: { ...engine, liveRestore: false } },
    /^warning engine: live-restore is off.*daemon\.json/,
  ],
  [
    "an engine that does not answer",
    { engine: { ok: false, socket: "/s", message: "no answer", silent: true } },
    /^failure engine: .* -> The engine hangs: restart it \(systemctl restart docker\)/,
  ],
  [
    "a damaged store",
    { store: { state: "corrupt", message: "store.db is damaged: file is not a database", freeBytes: 2 ** 30 } },
    /^failure store: store\.db is damaged.* -> Restart the agent/,
  ],
  [
    "a store of a newer version",
    { store: { state: "newer", message: "schema 9.0", freeBytes: 2 ** 30 } },
    /^failure store: schema 9.0 -> Install the newer version/,
  ],
  [
    "a database of another program",
    { store: { state: "foreign", message: "of some other program", freeBytes: 2 ** 30 } },
    /^failure store: of some other program -> Move the file away/,
  ],
  [
    "a full disk",
    { store: { state: "ok", message: "", freeBytes: 0 } },
    /^failure store: The disk of the store has 0 MiB free: no message is accepted -> Free space/,
  ],
  [
    "a store that was deleted below its agent",
    { store: { state: "missing", message: "There is no store in /d", freeBytes: 2 ** 30 } },
    /^failure store: There is no store in \/d -> .*restart the agent/,
  ],
  [
    "an agent whose folders cannot be known",
    { agentRuns: false, foldersKnown: false },
    /^warning agent: No agent runs in the default folders\..* -> Fix the configuration/,
  ],
  ["an agent that does not run", { agentRuns: false }, /^failure agent: The agent is not running.* -> Start it/],
  [
    "a file in place of the data folder",
    { folders: { ...well.folders, dataIsOther: true } },
    /^failure disk: \/var\/lib\/edge is not a folder -> Move it away/,
  ],
  [
    "a configuration that this user cannot read",
    { config: { file: "/c.json", violations: ["/c.json cannot be read: EACCES"], warnings: [], isUnread: false } },
    /^failure configuration: .* -> Run this as root, or as a member of the group edge/,
  ],
  ["no bridge", { engine: { ...engine, bridge: false } }, /^warning engine: .*bridge=none.* -> Remove .*daemon\.json/],
  [
    "a rootless engine",
    { engine: { ...engine, rootless: true } },
    /^warning engine: The engine is rootless: .* -> Run/,
  ],
  [
    "remapped user ids",
    { engine: { ...engine, remapsUsers: true } },
    /^warning engine: The engine remaps user ids .* do not start -> Remove "userns-remap"/,
  ],
  [
    "no conntrack on an engine that needs it",
    { engine: { ...engine, apiVersion: "1.41" } },
    /^warning engine: The program conntrack is missing: .* -> Install it/,
  ],
  ["podman", { engine: { ...engine, product: "podman" } }, /^warning engine: Podman 26.* -> Install Docker/],
  [
    "a container that the engine does not answer about",
    { engine: { ...engine, troubles: ["websocket/web/app: the engine does not answer about it"] } },
    /^failure engine: Container websocket\/web\/app: the engine does not answer about it -> Run docker unpause/,
  ],
  ["no seccomp", { engine: { ...engine, seccomp: false } }, /^warning engine: .*seccomp/],
  [
    "no swap limit",
    { engine: { ...engine, warnings: ["WARNING: No swap limit support"] } },
    /^warning engine: The engine warns: No swap limit support -> Boot with swapaccount=1/,
  ],
  [
    "an engine open to the network",
    { engine: { ...engine, warnings: ["WARNING: API is accessible on http://0.0.0.0:2375 without encryption."] } },
    /^warning engine: .*2375.* -> Let it listen only on its unix socket/,
  ],
  [
    "another warning",
    { engine: { ...engine, warnings: ["WARNING: devicemapper"] } },
    /^warning engine: .*devicemapper/,
  ],
  ["no cgroups", { cgroups: { version: null, controllers: [] } }, /^failure cgroups: No cgroups/],
  [
    "no memory limits",
    { cgroups: { version: 1, controllers: ["cpu", "pids"] } },
    /^failure cgroups: .*cgroup_enable=memory/,
  ],
  ["no cpu limits", { cgroups: { version: 1, controllers: ["memory", "pids"] } }, /^failure cgroups: .*processor time/],
  ["no process limits", { cgroups: { version: 2, controllers: ["cpu", "memory"] } }, /^warning cgroups: .*processes/],
  [
    "a full disk",
    { usage: { ...well.usage, engineDisk: { ...disk, freeBytes: 100 } } },
    /^failure disk: There is less than 15 % of the engine's disk left: no new pod starts -> Free some/,
  ],
  [
    "a disk that says nothing",
    { usage: { ...well.usage, dataDisk: null, engineDisk: null } },
    /^warning disk: .*cannot be read/,
  ],
  [
    "a read-only disk",
    { folders: { ...well.folders, dataReadOnly: true } },
    /^failure disk: \/var\/lib\/edge .*read-only/,
  ],
  ["a run folder on flash", { folders: { ...well.folders, runInMemory: false } }, /^warning disk: \/run\/edge .*tmpfs/],
  [
    "little memory",
    { usage: { ...well.usage, memory: { totalBytes: 2 ** 30, availableBytes: 2 ** 20 } } },
    /^failure memory: There is less than 100 MiB/,
  ],
  ["few process ids", { usage: { ...well.usage, processes: { running: 39, most: 40 } } }, /^failure processes: /],
  [
    "a clock without a battery",
    { wall: 60_000, center: null, credentials: null },
    /^failure clock: .*1970-01-01.* -> Set it/,
  ],
  [
    "a clock that is behind",
    { center: { ok: true, host: "c", wall: wall + 600_000 } },
    /^warning clock: .* 600 s behind the center's -> Set it/,
  ],
  [
    "a clock that is ahead",
    { center: { ok: true, host: "c", wall: wall - 600_000 } },
    /^warning clock: .* 600 s ahead of/,
  ],
  [
    "files that cannot be used",
    { credentials: { problem: "ENOENT: /ca.pem", certificates: [] } },
    /^failure certificates: ENOENT: \/ca.pem -> Fix/,
  ],
  [
    "an expired certificate",
    { credentials: { problem: null, certificates: [{ ...certificate, notAfter: wall }] } },
    /^failure certificates: .*expired.* -> Replace the certificate/,
  ],
  [
    "one that expires soon",
    { credentials: { problem: null, certificates: [{ ...certificate, notAfter: wall + 3 * day }] } },
    /^warning certificates: .*in 3 days.* -> Replace the certificate/,
  ],
  [
    "one of tomorrow",
    { credentials: { problem: null, certificates: [{ ...certificate, notBefore: wall + day }] } },
    /^failure certificates: .*not yet valid.* -> Set the clock/,
  ],
  [
    "no network",
    { center: { ok: false, host: "c:443", error: { code: "unreachable", message: "ENETUNREACH" } } },
    /^failure center: c:443 cannot be reached: ENETUNREACH -> Check the center's name, this device's network and any firewall/,
  ],
  [
    "a center of another authority",
    { center: { ok: false, host: "c", error: { code: "tls", message: "self-signed" } } },
    /^failure center: .* -> Check that center.tls.ca/,
  ],
  [
    "a wrong password",
    { center: { ok: false, host: "c", error: { code: "credentials", message: "The center answered 401" } } },
    /^failure center: .* -> Check that center.tls.cert, .*center.auth.file/,
  ],
  [
    "NPUs without their manager",
    { npus: { names: ["davinci0"], missing: "/dev/davinci_manager" } },
    /^failure npu: .*davinci_manager/,
  ],
];

for (const [what, changed, trouble] of rows) {
  test(`edge doctor reports ${what} in one line, with what to do`, () => {
    const found = troubles(changed);
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0] ?? "", trouble);
  });
}

test("edge doctor ignores limits that pods never get: kernel memory and block devices", () => {
  const warnings = [
    "WARNING: No kernel memory limit support",
    "WARNING: No oom kill disable support",
    "WARNING: No blkio throttle",
  ];
  assert.deepEqual(troubles({ engine: { ...engine, warnings } }), []);
});

test("edge doctor skips certificates and center without a configuration", () => {
  const checks = (found: readonly Finding[]) => new Set(found.map(({ check }) => check));
  const found = checks(examine({ ...well, credentials: null, center: null, npus: { names: [], missing: "/dev/x" } }));
  assert.equal(found.has("certificates"), false);
  assert.equal(found.has("center"), false);
  assert.ok(found.has("npu") && found.has("clock"));
});

test("edge doctor warns if the agent has a proxy and the engine has none", () => {
  const proxy = "proxy.example:3128";
  assert.deepEqual(troubles({ proxy }), [
    'warning engine: The agent has a proxy (proxy.example:3128) and the engine has none: pulls may fail -> Put "proxies" into /etc/docker/daemon.json and restart the engine, unless its registries need no proxy',
  ]);
  assert.deepEqual(troubles({ proxy, engine: { ...engine, hasProxy: true } }), []);
});
