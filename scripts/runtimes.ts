import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readText } from "./processes.ts";

/** What executables are made for. */
export const architectures = ["x64", "arm64"] as const;

export type Architecture = (typeof architectures)[number];

/** Has a lock file of its own. */
export const runtimesFolder = "scripts/runtimes";

/** Whether they are as the lock file says. */
export function runtimesInstalled(): boolean {
  const lock = readFileSync(join(runtimesFolder, "package-lock.json"), "utf8");
  return readText(join(runtimesFolder, "node_modules/.lock-installed")) === lock;
}

/**
 * Installs the Node of both architectures as its own lock file says, each package checked against its sha512. They are
 * not in the project's own lock: npm would put the foreign one first in PATH. Throws when npm fails.
 */
export function installRuntimes(): void {
  // The lock keeps two builds in one tree from installing over each other. `force` in .npmrc: one of them is foreign.
  const script = `
    cmp -s package-lock.json node_modules/.lock-installed && exit
    npm ci --ignore-scripts --no-audit --no-fund
    cp package-lock.json node_modules/.lock-installed`;
  const run = spawnSync("flock", ["package-lock.json", "sh", "-euc", script], {
    cwd: runtimesFolder,
    encoding: "utf8",
  });
  if (run.status !== 0) throw new Error(`Cannot install the runtimes: ${run.error?.message ?? run.stderr}`);
}

/** The Node of an architecture, once installed. */
export function runtimeOf(architecture: Architecture): string {
  return join(runtimesFolder, `node_modules/node-linux-${architecture}/bin/node`);
}
