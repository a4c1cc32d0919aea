// `node run-suites.ts FILE...`: runs test files, several at a time, says how far it is, and writes how many tests passed and
// failed to file descriptor 3.
import { writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import type { Counts } from "./check.ts";
import { inOrder, nextFile } from "./schedule.ts";

/** For a test that names no limit of its own; a soak takes as long as it takes. */
const testTimeoutMs = Number(process.env["EDGE_FILE_SECONDS"] ?? 240) * 1_000;

/** The runner ends a test that is late, but not a file that hangs outside of its tests. */
const fileTimeoutMs = 8 * testTimeoutMs;

/** A test file at work is named this often, so that a long one is not taken for one that hangs. */
const reminderMs = 60_000;

type Result = Counts & { readonly output: string };

async function main(files: readonly string[]): Promise<void> {
  const began = performance.now();
  const waiting = new Set(inOrder(files));
  const atWork = new Set<string>();
  const results: Result[] = [];
  const say = (line: string): void => console.log(`${clock(performance.now() - began)}  ${line}`);
  const reminder = setInterval(() => say(`still running: ${[...atWork].join(", ")}`), reminderMs);
  const next = (): string | undefined => nextFile([...waiting], [...atWork], availableParallelism());
  const work = async (file: string): Promise<void> => {
    const start = performance.now();
    waiting.delete(file);
    atWork.add(file);
    reminder.refresh();
    const result = await runFile(file);
    atWork.delete(file);
    results.push(result);
    // Of hundreds of files one or two have a test of that name.
    const isSilent = named !== undefined && result.passed + result.failed === 0;
    const counts = `${result.passed} passed${result.failed === 0 ? "" : `, ${result.failed} FAILED`}`;
    if (!isSilent)
      say(`file ${results.length} of ${files.length}  ${file}  ${counts}, ${clock(performance.now() - start)}`);
    // A whole run names what failed; who asks for a file wants to see all of it.
    const isShown = result.failed > 0 || named !== undefined || files.length <= shownWhole;
    if (isShown && !isSilent) process.stdout.write(result.output);
    await startMore();
  };
  const startMore = async (): Promise<void> => {
    const started: Promise<void>[] = [];
    for (let file = next(); file !== undefined; file = next()) started.push(work(file));
    await Promise.all(started);
  };
  await startMore();
  clearInterval(reminder);
  const total = (count: (one: Counts) => number): number => results.reduce((sum, one) => sum + count(one), 0);
  const counts: Counts = { passed: total(({ passed }) => passed), failed: total(({ failed }) => failed) };
  writeSync(3, JSON.stringify(counts));
}

/** Of so many files every test is shown. */
const shownWhole = 10;

const pattern = process.env["EDGE_TEST_NAME"];
/** Only tests that fit it; a file may have none. */
const named = pattern === undefined ? undefined : { testNamePatterns: [new RegExp(pattern, "i")] };

async function runFile(file: string): Promise<Result> {
  let [passed, failed, heard, output] = [0, 0, false, ""];
  const signal = AbortSignal.timeout(fileTimeoutMs);
  const stream = run({ files: [file], timeout: testTimeoutMs, signal, ...(named === undefined ? {} : named) });
  stream.on("test:pass", ({ name, details, skip, todo }) => {
    // A file that holds no test passes as a test of its own name.
    if (details.type === "suite" || name === file || (named !== undefined && skip !== undefined)) return;
    heard = true;
    if (skip === undefined && todo === undefined) passed += 1;
  });
  stream.on("test:fail", ({ details, todo }) => {
    heard = true;
    if (details.type !== "suite" && todo === undefined) failed += 1;
  });
  for await (const chunk of stream.compose(new spec())) output += chunk;
  if (heard || named !== undefined) return { passed, failed, output };
  return { passed, failed: failed + 1, output: `${output}✖ No test ran in ${file}\n` };
}

/** As `3:07`, minutes and seconds. */
function clock(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

await main(process.argv.slice(2));
