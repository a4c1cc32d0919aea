// The table of floors of docs/architecture.md as rules, and the few rules that no kept tool has.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cruise, type ICruiseOptions, type ICruiseResult, type IForbiddenRuleType } from "dependency-cruiser";

/** What one room of `src` may import: other rooms, packages, and whether Node's own modules. */
type Room = {
  readonly rooms: readonly string[];
  readonly packages: readonly string[];
  /** All of them, or the ones named. */
  readonly node: "all" | readonly string[];
};

const adapter = (room: string, ...packages: readonly string[]): Room => ({
  rooms: [room, "ports", "core"],
  packages,
  node: "all",
});

const rooms: Readonly<Record<string, Room>> = {
  core: { rooms: ["core"], packages: ["valibot", "ipaddr.js", "kubernetes-types"], node: ["crypto"] },
  ports: { rooms: ["ports", "core"], packages: ["kubernetes-types"], node: [] },
  agent: { rooms: ["agent", "ports", "core"], packages: ["kubernetes-types"], node: [] },
  docker: adapter("docker", "dockerode", "kubernetes-types"),
  sqlite: adapter("sqlite", "better-sqlite3"),
  websocket: adapter("websocket", "ws", "proxy-from-env"),
  linux: adapter("linux", "tar-stream", "yaml"),
  center: { rooms: ["center", "websocket", "core"], packages: ["ws"], node: "all" },
  cli: {
    rooms: ["cli", "agent", "center", "docker", "sqlite", "websocket", "linux", "ports", "core"],
    packages: ["commander", "yaml", "valibot", "kubernetes-types"],
    node: "all",
  },
  "main.ts": { rooms: ["main.ts", "cli"], packages: [], node: "all" },
};

/** Imports between folders of one room, by room: what each folder or file directly below it may import beside itself. */
export const subRooms: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  core: {
    base: [],
    pod: ["base"],
    node: ["base", "pod"],
    image: ["base", "pod", "node"],
    protocol: ["base", "pod", "node"],
    admission: ["base", "pod", "node", "image", "protocol"],
    config: ["base", "pod", "node", "image", "protocol", "admission"],
    doctor: ["base", "pod", "node", "image", "protocol", "admission"],
    "status-document.ts": ["base", "pod", "node", "image", "protocol"],
  },
  agent: {
    loop: [],
    "event-recorder.ts": ["loop"],
    engine: ["loop", "event-recorder.ts"],
    images: ["loop", "event-recorder.ts"],
    probes: ["loop", "event-recorder.ts"],
    pods: ["loop", "event-recorder.ts", "engine", "images", "probes"],
    node: ["loop", "event-recorder.ts", "engine", "images"],
    local: ["loop", "event-recorder.ts", "messages"],
    messages: ["loop", "event-recorder.ts", "engine", "pods"],
    uplink: ["loop", "event-recorder.ts", "messages"],
    "heartbeat.ts": ["loop", "pods"],
    "status-publisher.ts": ["loop"],
    "status-snapshot.ts": ["loop", "engine", "images", "node", "pods", "local", "uplink"],
    "agent.ts": [
      ...["loop", "event-recorder.ts", "engine", "images", "probes", "pods", "node", "messages", "local", "uplink"],
      ...["heartbeat.ts", "status-publisher.ts", "status-snapshot.ts"],
    ],
  },
};

const folders = ["src", "scripts", "test"] as const;

/** Everything in the tree that breaks the architecture, one line each; none when all is well. */
export async function checkStructure(): Promise<readonly string[]> {
  const files = folders.flatMap(sourceFiles);
  const each = files.flatMap((file) => [
    ...checkModuleState(file),
    ...checkInstalls(file),
    ...checkArchives(file),
    ...checkObjectSpreads(file),
  ]);
  return [...(await checkImports(files)), ...checkRooms(files), ...each];
}

async function checkImports(files: readonly string[]): Promise<readonly string[]> {
  const options: ICruiseOptions = {
    validate: true,
    ruleSet: { forbidden: [...Object.entries(rooms).map(floorRule), ...subFloorRules(), ...generalRules] },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "(^|/)node_modules/" },
    moduleSystems: ["es6", "cjs", "tsd"],
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "require", "node", "types"] },
  };
  const { output } = await cruise([...folders], options);
  const { modules, summary } = output as ICruiseResult;
  const seen = new Set(modules.map(({ source }) => source));
  const unseen = files.filter((file) => !seen.has(file)).map((file) => `unseen: ${file} was not checked`);
  return [...unseen, ...summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} imports ${to}`)];
}

function floorRule([room, { rooms: others, packages, node }]: readonly [string, Room]): IForbiddenRuleType {
  const path = (name: string): string => (name.endsWith(".ts") ? `^src/${name}$` : `^src/${name}/`);
  const pathNot = [
    ...others.map(path),
    ...packages.map((name) => `(^|/)node_modules/(@types/)?${name}/`),
    ...(node === "all" ? [] : node.map((name) => `^(node:)?${name}$`)),
  ];
  const to = node === "all" ? { pathNot, dependencyTypesNot: ["core" as const] } : { pathNot };
  return { name: `floor-${room}`, severity: "error", from: { path: path(room) }, to };
}

function subFloorRules(): readonly IForbiddenRuleType[] {
  return Object.entries(subRooms).flatMap(([room, inside]) =>
    Object.entries(inside).map(([name, others]): IForbiddenRuleType => {
      const path = (entry: string): string => `^src/${room}/${entry}${entry.endsWith(".ts") ? "$" : "/"}`;
      const pathNot = [name, ...others].map(path);
      return {
        name: `floor-${room}/${name}`,
        severity: "error",
        from: { path: path(name) },
        to: { path: `^src/${room}/`, pathNot },
      };
    }),
  );
}

/** The one file that installs anything. */
const installer = "scripts/installer.ts";

const generalRules: readonly IForbiddenRuleType[] = [
  {
    // Tests run within an engine's network, where nothing can be fetched; what they need is there before they begin.
    name: "no-install-in-tests",
    severity: "error",
    from: { path: "^test/" },
    to: { path: `^${installer}$`, reachable: true },
  },
  { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
  { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
];

/** A file that stands in no room would be bound by no rule. */
function checkRooms(files: readonly string[]): readonly string[] {
  const outside = files.filter((file) => {
    const [top, room = "", inside = ""] = file.split("/");
    if (top !== "src") return false;
    const entries = Object.hasOwn(subRooms, room) ? subRooms[room] : undefined;
    return !Object.hasOwn(rooms, room) || (entries !== undefined && !Object.hasOwn(entries, inside));
  });
  return outside.map((file) => `rooms: ${file} stands in no room`);
}

/** Members are written out: an object that exists only to be spread saves a line and costs its reader a minute. */
function checkObjectSpreads(file: string): readonly string[] {
  const lines = readFileSync(file, "utf8").split("\n");
  const found = lines.flatMap((line, index) => (/\.\.\.\(?\{/.test(line) ? [index + 1] : []));
  return found.map((line) => `object-spread: ${file}:${line} spreads an object literal; write its members out`);
}

/** State of a module is shared by everything in the process, tests too; it belongs into a closure. */
function checkModuleState(file: string): readonly string[] {
  if (!file.startsWith("src/")) return [];
  const state =
    /^(?:export )?(?:let|var) .*|^(?:export )?const (?![^=]*[Rr]eadonly)[^=]*= (?:new (?:Weak)?(?:Map|Set)(?:<.*>)?\(\)|\[\]|\{\});/gm;
  const found = readFileSync(file, "utf8").match(state) ?? [];
  return found.map((line) => `module-state: ${file}: ${line}`);
}

/** Programs that install are run by the one file whose business it is, and the npm of the runtimes' own lock file. */
function checkInstalls(file: string): readonly string[] {
  // The second one installs a package into systems that it makes for that.
  if (file === installer || file === "scripts/try-package.ts") return [];
  const calls =
    /\b(?:spawn|exec|execFile|fork|run|tool)(?:Sync)?\(\s*["'`](?:apt|apt-get|dpkg|snap|pip)\b(?!-deb\b).*/g;
  const found = readFileSync(file, "utf8").match(calls) ?? [];
  return found.map((line) => `installs: ${file}: ${line}`);
}

/** Where packages come from is this machine's configuration, of apt and of npm. */
function checkArchives(file: string): readonly string[] {
  const hosts = /\b[\w.-]+\.(?:debian|ubuntu|npmjs|nodesource)\.(?:org|com)\b/g;
  const found = readFileSync(file, "utf8").match(hosts) ?? [];
  return found.map((host) => `archives: ${file} names the archive ${host}`);
}

function sourceFiles(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".ts"));
  return files.map((entry) => join(entry.parentPath, entry.name)).sort();
}
