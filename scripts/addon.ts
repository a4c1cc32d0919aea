import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { isNewer, newestVersions } from "./elf.ts";
import { requirePackages } from "./packages.ts";
import type { Architecture } from "./runtimes.ts";

/** What every device has on which Node starts: glibc 2.28, and the libstdc++ of GCC 7. */
export const oldestLibraries = { GLIBC: "2.28", GLIBCXX: "3.4.24", CXXABI: "1.3.11" } as const;

const compilers = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" } as const;

const sqlite = "node_modules/better-sqlite3";
const shims = "scripts/addon";
const headers = [`${sqlite}/deps/sqlite3`, "node_modules/node-addon-api"];
const nodeHeaders = `node_modules/node-linux-${process.arch}/include/node`;

/** As the package's own binding.gyp and Node's common.gypi have it, but for size: the store waits for the disk. */
const common = ["-Os", "-w", "-fPIC", "-pthread", "-fvisibility=hidden", "-DNDEBUG"];
const languages = {
  c: ["-std=c99"],
  "c++": [
    ...["-std=c++20", "-fno-exceptions", "-fno-rtti", "-fvisibility-inlines-hidden", "-DBUILDING_NODE_EXTENSION"],
    ...["-DNAPI_VERSION=10", "-DNAPI_DISABLE_CPP_EXCEPTIONS", "-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
  ],
} as const;
const linking = ["-shared", "-pthread", "-s", "-Wl,-Bsymbolic", "-Wl,--build-id=none", "-Wl,-z,relro,-z,now"];

const run = promisify(execFile);

/** The addon as its package brings it, which needs glibc 2.34. It lives outside of what the package exports. */
export function packagedAddon(architecture: Architecture): string {
  return `${sqlite}/prebuilds/linux-${architecture}.node`;
}

/**
 * SQLite's native code for an architecture, compiled from its package's sources so that it asks for nothing newer than
 * {@link oldestLibraries}. Kept under a hash of all that goes in; the same input gives the same bytes. Takes a minute.
 * Throws with what the compiler said.
 * @param onCompile told before it compiles; not where it is kept already
 */
export async function builtAddon(architecture: Architecture, onCompile: () => void = () => {}): Promise<string> {
  requirePackages("executables");
  const compiler = compilers[architecture];
  const { stdout: version } = await run(`${compiler}-g++`, ["--version"]);
  const key = hashOf([version, JSON.stringify([common, languages, linking])]);
  const cache = "node_modules/.cache/addon";
  const file = join(cache, `linux-${architecture}-${key}.node`);
  if (existsSync(file)) return file;
  onCompile();
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "work-"));
  try {
    await compile(compiler, folder);
    await requireOldLibraries(join(folder, "addon.node"));
    // Put in its place when it is whole.
    renameSync(join(folder, "addon.node"), file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return file;
}

async function compile(compiler: string, folder: string): Promise<void> {
  const pinned = ["-include", `${shims}/glibc-2.28.h`];
  const included = [...headers, nodeHeaders].map((path) => `-I${path}`);
  const object = (name: string): string => join(folder, `${name}.o`);
  const steps = [
    ["gcc", ...common, ...languages.c, ...pinned, ...sqliteDefines(), "-c", `${sqlite}/deps/sqlite3/sqlite3.c`],
    ["g++", ...common, ...languages["c++"], ...pinned, ...included, "-c", `${sqlite}/src/better_sqlite3.cpp`],
    ["gcc", ...common, "-Wall", "-Wextra", "-Werror", "-c", `${shims}/glibc-2.28.c`],
  ];
  const names = ["sqlite", "addon", "shims"];
  for (const [index, [program, ...args]] of steps.entries()) {
    await run(`${compiler}-${program}`, [...args, "-o", object(names[index] ?? "")]);
  }
  await run(`${compiler}-g++`, [...linking, ...names.map(object), "-lm", "-o", join(folder, "addon.node")]);
}

async function requireOldLibraries(file: string): Promise<void> {
  for (const [library, version] of Object.entries(await newestVersions(file))) {
    const oldest = Object.hasOwn(oldestLibraries, library) ? Reflect.get(oldestLibraries, library) : "";
    if (isNewer(version, oldest))
      throw new Error(`SQLite's addon needs ${library}_${version}, of ${library} a device may have ${oldest}`);
  }
}

/** The package's options for SQLite, from a file of which nothing else is text between quotes. */
function sqliteDefines(): readonly string[] {
  const text = readFileSync(`${sqlite}/deps/defines.gypi`, "utf8");
  return [...text.matchAll(/'((?:HAVE|SQLITE)_\w+(?:=-?\w+)?)'/g)].map(([, define]) => `-D${define}`);
}

function hashOf(texts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${text}\0`);
  const nodeApi = readdirSync(nodeHeaders).filter((name) => /^(js_native|node)_api/.test(name));
  const files = [
    ...[shims, `${sqlite}/deps`, `${sqlite}/src`, "node_modules/node-addon-api"].flatMap(filesBelow),
    ...nodeApi.map((name) => join(nodeHeaders, name)),
  ];
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

function filesBelow(folder: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  return names.map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
}
