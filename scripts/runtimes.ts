import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** What executables are made for. */
export const architectures = ["x64", "arm64"] as const;

export type Architecture = (typeof architectures)[number];

const folder = "scripts/runtimes";

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
  const run = spawnSync("flock", ["package-lock.json", "sh", "-euc", script], { cwd: folder, encoding: "utf8" });
  if (run.status !== 0) throw new Error(`Cannot install the runtimes: ${run.error?.message ?? run.stderr}`);
}

/** The Node of an architecture, once installed. */
export function runtimeOf(architecture: Architecture): string {
  return join(folder, `node_modules/node-linux-${architecture}/bin/node`);
}
