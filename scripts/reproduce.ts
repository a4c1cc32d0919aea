// `npm run reproduce`: two builds of the same commit, each from a fresh clone in a folder of its own, and what differs.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

function run(cwd: string, program: string, ...args: readonly string[]): void {
  const { status, error, stderr } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed: ${error?.message ?? stderr}`);
}

/** Clones, builds, and gives what SHA256SUMS says. */
function sumsOf(folder: string): readonly string[] {
  run(".", "git", "clone", "--quiet", "--no-hardlinks", ".", folder);
  run(folder, "npm", "run", "build");
  return readFileSync(join(folder, "dist/SHA256SUMS"), "utf8").trimEnd().split("\n");
}

const work = mkdtempSync(join(tmpdir(), "edge-reproduce-"));
try {
  // Names of different lengths: a path that went into a file would show.
  const [first, second] = [sumsOf(join(work, "one")), sumsOf(join(work, "the-other"))];
  const differing = first.filter((line) => !second.includes(line));
  for (const line of first) console.log(`${differing.includes(line) ? "DIFFERS" : "same   "}  ${line}`);
  process.exitCode = differing.length === 0 && first.length === second.length ? 0 : 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
