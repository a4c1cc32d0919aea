// `npm run soak:engines [NAME...]`: the engine's contract suite and a pod's whole life on every kind of engine, written as
// docs/engines.md. Takes minutes and needs root; fails where a test fails that no kind explains.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { dockerEngine } from "../src/docker/engine.ts";
import { type EngineKind, engineKinds } from "./engine-kinds.ts";
import { debianPackages, dockerOfRelease, install, podmanOfRelease } from "./installer.ts";
import { table } from "./table.ts";
import { loadTestImages } from "./test-images.ts";

const page = "docs/engines.md";
const mark = "<!-- Written by npm run soak:engines: do not edit below. -->";

interface Tried {
  readonly kind: EngineKind;
  readonly version: string;
  readonly apiVersion: string;
  /** Null where the suite was not run. */
  readonly contract: Result | null;
  readonly life: Result;
}

interface Result {
  readonly passed: number;
  readonly failures: readonly string[];
}

/** Of the contract suite, what runs against the engine that is handed in and no other. */
const contractFiles = ["docker", "docker-only"].map((name) => `test/contract/engine/${name}.test.ts`);

async function tryKind(kind: EngineKind): Promise<Tried> {
  const engine = await kind.open();
  try {
    const info = await dockerEngine({ socket: engine.socket }).info(AbortSignal.timeout(60_000));
    if (!info.ok) throw new Error(`${kind.name}: ${info.error.message}`);
    const { version, apiVersion } = info.value;
    await loadTestImages(engine.socket);
    const env = { EDGE_TEST_SOCKET: engine.socket, EDGE_TEST_FOLDER: engine.folder };
    const contract = kind.hasBridge ? await runTests(engine.command(...testCommand(contractFiles)), env) : null;
    const life = await runTests(testCommand(["test/system/engines.test.ts"]), { EDGE_ENGINES: kind.name });
    return { kind, version, apiVersion, contract, life };
  } finally {
    await engine.close();
  }
}

function testCommand(args: readonly string[]): readonly [string, ...string[]] {
  return [process.execPath, "--test", "--test-reporter=tap", "--test-timeout=120000", "--test-force-exit", ...args];
}

async function runTests([program, ...args]: readonly [string, ...string[]], env: Readonly<Record<string, string>>) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  const [said] = await Promise.all([text(child.stdout), once(child, "exit")]);
  const passed = Number(/^# pass (\d+)$/m.exec(said)?.[1] ?? 0);
  // A suite is not ok where one of its tests is not: only the innermost are named.
  const failures = [...said.matchAll(/^ {4,}not ok \d+ - (.*?)(?: # .*)?$/gm)].map(([, name = ""]) => name);
  return { passed, failures };
}

function resultWords(result: Result | null): string {
  if (result === null) return "not run: it needs a bridge";
  const { passed, failures } = result;
  return failures.length === 0 ? `${passed} of ${passed}` : `${passed} of ${passed + failures.length}`;
}

/** Why each test fails that does, as the kind explains it; a failure that nobody explains is named as such. */
function explained({ kind, contract, life }: Tried): readonly string[] {
  const failures = [...new Set([...(contract?.failures ?? []), ...life.failures])];
  return failures.map((name) => {
    const why = kind.failures?.find(({ test }) => name.includes(test))?.why;
    return why === undefined ? `NOT EXPLAINED: ${name}` : `"${name}" fails: ${why}`;
  });
}

const head = ["engine", "version", "API spoken", "image store", "contract suite", "a pod's life", "what differs"];

function rowOf(one: Tried): readonly string[] {
  return [
    one.kind.name,
    one.version,
    one.apiVersion,
    one.kind.store,
    resultWords(one.contract),
    resultWords(one.life),
    (one.kind.differs ?? []).join(". ") || "nothing",
  ];
}

/** A line for each test that fails: `- podman 4.3: "…" fails: …`. */
function failureLines(one: Tried): readonly string[] {
  return explained(one).map((line) => `- ${one.kind.name}: ${line}.`);
}

/** Writes table and failures anew; those of kinds that were not tried now stay. */
function writePage(tried: readonly Tried[]): void {
  const [text = "", former = ""] = readFileSync(page, "utf8").split(mark);
  const kept = former.split("\n").filter((line) => line.startsWith("| "));
  const known = kept.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const fresh = tried.map(rowOf);
  const rows = engineKinds.flatMap(({ name }) => {
    const row = [...fresh, ...known].find(([first]) => first === name);
    return row === undefined ? [] : [row];
  });
  const keptLines = former.split("\n").filter((line) => line.startsWith("- "));
  const lines = engineKinds.flatMap(({ name }) => {
    const now = tried.find(({ kind }) => kind.name === name);
    return now === undefined ? keptLines.filter((line) => line.startsWith(`- ${name}: `)) : failureLines(now);
  });
  const failures = lines.length === 0 ? "" : `\nTests that fail, and why:\n\n${lines.join("\n")}\n`;
  writeFileSync(page, `${text}${mark}\n\n${table(head, rows)}\n${failures}`);
}

const named = process.argv.slice(2);
const kinds = engineKinds.filter(({ name }) => named.length === 0 || named.includes(name));
const releases = [...new Set(kinds.flatMap(({ release }) => (release === undefined ? [] : [release])))];
const podmans = [...new Set(kinds.flatMap(({ podman }) => (podman === undefined ? [] : [podman])))];
const packages = debianPackages(["engine", "images", "registry", "podman"]);
install([packages, ...releases.map(dockerOfRelease), ...podmans.map(podmanOfRelease)], console.log);
const tried: Tried[] = [];
for (const kind of kinds) {
  const one = await tryKind(kind);
  tried.push(one);
  writePage(tried);
  console.log([kind.name, one.version, one.apiVersion, resultWords(one.contract), resultWords(one.life)].join("  "));
  for (const line of explained(one)) console.log(`  ${line}`);
}
process.exitCode = tried.flatMap(explained).some((line) => line.startsWith("NOT EXPLAINED")) ? 1 : 0;
