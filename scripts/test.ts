// `npm test [-- PART... --name PATTERN]`: the checks, the build and every suite, against a private Docker engine. With parts
// of names only the files whose path holds one of them, without the checks; with a pattern only the tests that it fits.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { type Counts, check } from "./check.ts";
import { debianPackages, dockerOfRelease, executableRuntimes, install } from "./installer.ts";
import { type Need, needsOfTests, needsVariable } from "./packages.ts";
import { closeOnSignal, startTestEngine, type TestEngine } from "./private-engine.ts";
import { loadTestImages } from "./test-images.ts";

const suites = ["structure", "unit", "simulation", "contract", "system"] as const;
const say = (line: string): void => console.log(line);

async function main(parts: readonly string[], name: string | undefined): Promise<Counts> {
  const all = suites.flatMap(testFiles);
  const files = parts.length === 0 ? all : all.filter((file) => parts.some((part) => file.includes(part)));
  if (parts.length === 0) requireEverySuite(files);
  if (files.length === 0) {
    console.error(`No test file matches ${parts.join(" ")}`);
    process.exit(2);
  }
  const checks = parts.length === 0 && name === undefined;
  // The suite of the program tests what is built; with parts of names that may be an older one.
  const build = checks || (files.some(isIn("system")) && !existsSync("dist/SHA256SUMS"));
  say(
    `${files.length} test files${checks ? ", checks and build: about 12 minutes on two cores, once all is installed" : ""}`,
  );
  const needs = needsOfTests(files);
  prepare(files, needs, build);
  const needsEngine = files.some(isIn("contract", "system"));
  // The checks take one processor: what is built is built beside them, and only the tests wait for it.
  const built = build ? buildAll() : Promise.resolve(none);
  const env = { [needsVariable]: needs.join(" "), EDGE_TEST_NAME: name };
  const tested = built.then(() => (needsEngine ? runOnEngine(files, env) : runFiles(files, env)));
  return sum(await Promise.all([checks ? check() : none, built, tested]));
}

const none: Counts = { passed: 0, failed: 0 };

function isIn(...names: readonly (typeof suites)[number][]): (file: string) => boolean {
  return (file) => names.some((suite) => file.startsWith(`test/${suite}/`));
}

/** Installs all that follows needs: from within the engine's network nothing can be fetched. */
function prepare(files: readonly string[], needs: readonly Need[], build: boolean): void {
  const newer =
    needs.includes("engine") && files.some((file) => isIn("contract")(file) || file.endsWith("system/engines.test.ts"));
  install(
    [
      debianPackages(build ? [...new Set<Need>([...needs, "executables"])] : needs),
      ...(build ? [executableRuntimes()] : []),
      ...(newer ? [dockerOfRelease("trixie")] : []),
    ],
    say,
  );
}

function testFiles(suite: string): readonly string[] {
  const folder = join("test", suite);
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
  const files = names.filter((name) => name.endsWith(".test.ts")).sort();
  return files.map((name) => join(folder, name));
}

/** A suite that vanished would pass for ever. */
function requireEverySuite(files: readonly string[]): void {
  const missing = suites.filter((suite) => !files.some((file) => file.startsWith(`test/${suite}/`)));
  if (missing.length > 0) throw new Error(`No test file in ${missing.map((suite) => `test/${suite}`).join(", ")}`);
}

async function buildAll(): Promise<Counts> {
  const build = spawn(process.execPath, ["scripts/build.ts"], { stdio: "inherit" });
  const [code] = await once(build, "exit");
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

type Environment = Readonly<Record<string, string | undefined>>;

async function runOnEngine(files: readonly string[], given: Environment): Promise<Counts> {
  const engine = await startTestEngine(say);
  closeOnSignal(engine.close);
  try {
    await loadTestImages(engine.socket);
    return await runFiles(files, given, engine);
  } finally {
    await engine.close();
    say("The engine and everything on it was removed");
  }
}

/** The files run inside the engine's network, where the ports of its containers are. */
async function runFiles(files: readonly string[], given: Environment, engine?: TestEngine): Promise<Counts> {
  const line = [process.execPath, "scripts/run-suites.ts", ...files];
  const [program = "", ...args] = engine?.command(...line) ?? line;
  const place = { EDGE_TEST_SOCKET: engine?.socket, EDGE_TEST_FOLDER: engine?.folder };
  const env = { ...process.env, ...place, ...given };
  const runner = spawn(program, args, { stdio: ["ignore", "inherit", "inherit", "pipe"], env });
  const counts = await text(runner.stdio[3] as Readable);
  return counts === "" ? { passed: 0, failed: files.length } : (JSON.parse(counts) as Counts);
}

function sum(counts: readonly Counts[]): Counts {
  return counts.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }), none);
}

/** What was asked for; ends with one sentence where that makes no sense. */
function asked(): { readonly parts: readonly string[]; readonly name: string | undefined } {
  try {
    const { positionals, values } = parseArgs({ allowPositionals: true, options: { name: { type: "string" } } });
    return { parts: positionals, name: values.name };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(2);
  }
}

const { parts, name } = asked();
const { passed, failed } = await main(parts, name);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
if (passed + failed === 0) console.error(`No test is named like ${name}`);
console.log(`${passed} passed, ${failed} failed`);
