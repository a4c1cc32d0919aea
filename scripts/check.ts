// `npm run check [STEP...]`: everything that can be said of the code without running it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { checkRecordLookups } from "./record-lookups.ts";
import { checkStructure } from "./structure.ts";

type Step = () => readonly string[] | Promise<readonly string[]>;

/** What a tool said that could not be run, or that found something. */
type Failure = { readonly message: string; readonly stdout?: string; readonly stderr?: string };

/** How many went well and how many did not. */
export type Counts = { readonly passed: number; readonly failed: number };

const steps: Readonly<Record<string, Step>> = {
  types: () => tool("tsc", "-p", "."),
  "core-types": () => tool("tsc", "-p", "tsconfig.core.json"),
  lint: () => tool("biome", "check", "--error-on-warnings", "--diagnostic-level=warn", "--max-diagnostics=50", "."),
  structure: checkStructure,
  lookups: checkRecordLookups,
  dead: () => tool("knip", "--no-progress"),
};

/** Runs the named steps, all without names, and prints what is wrong. */
export async function check(names: readonly string[] = []): Promise<Counts> {
  const unknown = names.filter((name) => !(name in steps));
  if (unknown.length > 0) throw new Error(`Unknown step ${unknown.join()}, there are ${Object.keys(steps).join(", ")}`);
  const chosen = Object.entries(steps).filter(([name]) => names.length === 0 || names.includes(name));
  let failed = 0;
  for (const [name, step] of chosen) {
    const problems = await step();
    if (problems.length > 0) failed += 1;
    console.log([`${problems.length === 0 ? "ok" : "FAILED"}  ${name}`, ...problems].join("\n"));
  }
  return { passed: chosen.length - failed, failed };
}

async function tool(program: string, ...args: readonly string[]): Promise<readonly string[]> {
  try {
    await promisify(execFile)(program, args, { maxBuffer: 1 << 26 });
    return [];
  } catch (error) {
    const { message, stdout, stderr } = error as Failure;
    const said = [stdout, stderr].map((text) => text?.trim() ?? "").filter(Boolean);
    return said.length > 0 ? said : [message];
  }
}

if (import.meta.main) process.exitCode = (await check(process.argv.slice(2))).failed === 0 ? 0 : 1;
