import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { playAll } from "./pool.ts";

/** A bug put in on purpose: a patch, and what it breaks in words. */
export interface Planted {
  readonly name: string;
  readonly title: string;
  readonly file: string;
}

/** How it was found. */
export interface Found {
  /** Lives that were played up to the one that failed; null when none did. */
  readonly lives: number | null;
  readonly failure: string;
}

/** The tree at hand. */
const here = resolve(import.meta.dirname, "../../..");
const folder = join(here, "test/simulation/planted");

export function plantedBugs(): readonly Planted[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".patch"));
  return files.sort().map((name) => {
    const file = join(folder, name);
    return { name: name.replace(".patch", ""), title: readFileSync(file, "utf8").split("\n")[0] ?? "", file };
  });
}

/** Throws when the patch does not fit the tree any more. */
export function checkApplies({ file }: Planted): void {
  execFileSync("git", ["apply", "--check", file], { cwd: here, stdio: "pipe" });
}

export interface Hunt {
  readonly steps: number;
  /** Lives at most. */
  readonly most: number;
  /** The tree that is to be sound without the bug; the one at hand without it. */
  readonly root?: string;
}

/** A copy of a tree that has the bug; whoever asks for it removes it. */
export function plant(root: string, { file }: Planted): string {
  const copy = mkdtempSync(join(tmpdir(), "edge-planted-"));
  try {
    for (const part of ["src", "test/simulation", "test/fakes", "test/samples", "package.json"]) {
      cpSync(join(root, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(here, "node_modules"), join(copy, "node_modules"));
    execFileSync("git", ["apply", file], { cwd: copy, stdio: "pipe" });
    return copy;
  } catch (error) {
    rmSync(copy, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Plays seeds from 1 on against a copy of the tree that has the bug, until one fails.
 * @throws when that one fails without the bug, too: it says nothing about the bug then, and is a bug of our own
 */
export async function findPlanted(bug: Planted, { steps, most, root = here }: Hunt): Promise<Found> {
  const copy = plant(root, bug);
  try {
    const found = await firstFailure(copy, { steps, first: 1, last: most });
    if (found === null) return { lives: null, failure: "" };
    const sound = await firstFailure(root, { steps, first: found.seed, last: found.seed });
    if (sound !== null) throw new Error(`Life ${sound.seed} fails without the planted bug, too: ${sound.failure}`);
    return { lives: found.seed, failure: found.failure };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

interface Lives {
  readonly steps: number;
  readonly first: number;
  readonly last: number;
}

/** One life after the other, so that the number is the same on every machine. */
async function firstFailure(tree: string, { steps, first, last }: Lives) {
  let seed = first - 1;
  let failed: { readonly seed: number; readonly failure: string } | null = null;
  await playAll({
    root: tree,
    steps,
    jobs: 1,
    next() {
      if (failed !== null || seed === last) return null;
      seed += 1;
      return { seed, aim: null };
    },
    done(result) {
      if (result.failure !== null) failed = { seed: result.seed, failure: result.failure };
    },
  });
  return failed as { readonly seed: number; readonly failure: string } | null;
}
