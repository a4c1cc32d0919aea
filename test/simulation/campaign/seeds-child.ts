// `node seeds-child.ts STEPS`: reads runs from standard input, a line of JSON each, plays them, and writes what came of
// each, a line each.
import { createInterface } from "node:readline";
import { playSeed } from "./play.ts";
import type { Run, RunResult } from "./pool.ts";

const steps = Number(process.argv[2]);
Error.stackTraceLimit = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const run = JSON.parse(line) as Run;
  const { failure, met } = await playSeed(run.seed, steps, { aim: run.aim });
  const result: RunResult = { ...run, failure, met };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
