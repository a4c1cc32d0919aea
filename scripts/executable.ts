import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { builtAddon } from "./addon.ts";
import { requirePackages } from "./packages.ts";
import { type Architecture, runtimeOf } from "./runtimes.ts";

/**
 * Given to Node whenever the executable starts, for its memory; benchmarks.md, The executable, says what came of it and what it
 * costs. None of these changes the code that V8 makes: with one that does, Node's own code cache is of no use, and each start
 * takes 20 ms of processor time more.
 */
const execArgv = ["--max-semi-space-size=1", "--max-old-space-size=64", "--v8-pool-size=1"];

/** Which of V8's compilers make machine code. */
export const compilerOptions = {
  /** 8 MB of compilers are never touched. */
  none: ["--no-turbofan", "--no-maglev", "--no-sparkplug"],
  baseline: ["--no-turbofan", "--no-maglev", "--sparkplug"],
  all: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Set by the agent itself once it is loaded (src/linux/heap.ts); commands that end in a moment go without. */
export function agentOptions(compilers: keyof typeof compilerOptions = "none"): readonly string[] {
  return [
    // By itself V8 lets the old space grow by 8 MB at least before it collects there again; for size it is 2.
    "--optimize-for-size",
    // Code that two collections found unused goes: most of it ran at the start alone.
    "--bytecode-old-age=2",
    "--expose-gc",
    ...compilerOptions[compilers],
  ];
}

/** By this mark Node knows that something was put into it; the number is Node's own. */
const fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

const strips = { x64: "x86_64-linux-gnu-strip", arm64: "aarch64-linux-gnu-strip" } as const;

export function executableFile(architecture: Architecture): string {
  return `dist/edge-linux-${architecture}`;
}

/**
 * One file from Node, the program and SQLite's native code: a single executable application. Has to be run by the same
 * version of Node as the one that goes into it. Throws with what a tool said.
 * @param script the program as CommonJS
 */
export async function makeExecutable(architecture: Architecture, script: string, output: string): Promise<void> {
  requirePackages("executables");
  const addon = resolve(await builtAddon(architecture));
  const folder = mkdtempSync(join(tmpdir(), "edge-executable-"));
  try {
    // Names without a folder: Node keeps the script's, and every build has another folder.
    copyFileSync(script, join(folder, "edge.cjs"));
    writeFileSync(join(folder, "sea.json"), JSON.stringify(configOf(architecture, addon)));
    // V8 believes a code cache of its own flags only; without a fixed seed it has other bytes each time.
    tool(folder, process.execPath, ...execArgv, "--random-seed=1", "--experimental-sea-config", "sea.json");
    copyFileSync(runtimeOf(architecture), output);
    // First: afterwards it would take out what was put in.
    tool(".", strips[architecture], "--strip-all", output);
    tool(".", "postject", output, "NODE_SEA_BLOB", join(folder, "blob"), "--sentinel-fuse", fuse);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function configOf(architecture: Architecture, addon: string): object {
  return {
    main: "edge.cjs",
    mainFormat: "commonjs",
    output: "blob",
    disableExperimentalSEAWarning: true,
    // A third less to do at each start. V8 makes one for the architecture that it runs on, and for no other.
    useCodeCache: architecture === process.arch,
    // NODE_OPTIONS of whoever starts it would change what runs.
    execArgvExtension: "none",
    execArgv,
    assets: { "sqlite.node": addon },
  };
}

function tool(cwd: string, program: string, ...args: readonly string[]): void {
  const run = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (run.status !== 0) throw new Error(`${program} failed: ${run.error?.message ?? run.stdout + run.stderr}`);
}
