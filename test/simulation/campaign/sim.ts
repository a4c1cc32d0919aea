// `npm run sim -- --seed N [--steps S]` plays one life of a device; a failing one is shrunk to a short trace.
// `npm run sim -- --from A --to B [--steps S] [--jobs J]` plays many, and says what they met; `--seconds N` in place of
// `--to` as many as fit into that time. `--failures N`: how many may fail before it gives up, 3 unless asked for otherwise.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { faults } from "../faults/faults.ts";
import { type Coverage, coverageTable, createCoverage, leastMet } from "./coverage.ts";
import { playSeed } from "./play.ts";
import { playAll, type Run, type RunResult } from "./pool.ts";
import { shrink } from "./shrink.ts";
import type { Aim } from "./steps.ts";

const { values } = parseArgs({
  allowNegative: true,
  options: {
    seed: { type: "string" },
    from: { type: "string", default: "1" },
    to: { type: "string" },
    seconds: { type: "string" },
    steps: { type: "string", default: "200" },
    jobs: { type: "string", default: "2" },
    failures: { type: "string", default: "3" },
    aim: { type: "string" },
    trace: { type: "boolean", default: false },
    shrink: { type: "boolean", default: true },
  },
});
const steps = Number(values.steps);
const say = (text: string): void => console.log(text);

function replayCommand({ seed, aim }: Run): string {
  const aimed = aim === null ? "" : ` --aim ${aim.fault}@${aim.state}`;
  return `npm run sim -- --seed ${seed} --steps ${steps}${aimed}`;
}

function parseAim(text: string | undefined): Aim | null {
  if (text === undefined) return null;
  const [fault = "", state = ""] = text.split("@");
  return { fault, state };
}

/** Plays one run, and shows how it failed in as few steps as can be found. */
async function show(run: Run): Promise<boolean> {
  const played = await playSeed(run.seed, steps, { aim: run.aim, keep: true });
  if (values.trace) say(played.trace.join("\n"));
  if (played.failure === null) {
    say(`seed ${run.seed}: ${steps} steps, nothing went wrong; trace ${played.hash.slice(0, 16)}`);
    return true;
  }
  const short = await shrink(run.seed, played);
  say(`seed ${run.seed}: ${played.failure}`);
  say(`shrunk from ${played.steps.length} steps to ${short.steps.length}; ${replayCommand(run)}\n`);
  say(short.trace.join("\n"));
  say(`\n${short.stack}`);
  return false;
}

interface Extent {
  readonly from: number;
  /** The last seed, and for how long new lives are begun: whichever comes first. */
  readonly to: number;
  readonly mostSeconds: number;
}

/** The first half of the runs is as the seeds have it, the rest aim at what was met least. */
async function campaign({ from, to, mostSeconds }: Extent): Promise<boolean> {
  const began = performance.now();
  const elapsed = (): number => (performance.now() - began) / 1000;
  const coverage: Coverage = createCoverage();
  const tried = new Map<string, number>();
  const failures: RunResult[] = [];
  let seed = from;
  await playAll({
    root: resolve(import.meta.dirname, "../../.."),
    steps,
    jobs: Number(values.jobs),
    next() {
      if (seed > to || elapsed() > mostSeconds || failures.length >= Number(values.failures)) return null;
      const isFirstHalf = seed < (from + to) / 2 && elapsed() < mostSeconds / 2;
      const aim = isFirstHalf ? null : aimNow(coverage, tried);
      seed += 1;
      return { seed: seed - 1, aim };
    },
    done(result) {
      for (const [fault, state] of result.met) coverage.met(fault, state);
      if (result.failure === null) return;
      failures.push(result);
      say(`${result.failure}\n  ${replayCommand(result)}`);
    },
  });
  const seconds = elapsed();
  const count = seed - from;
  say(coverageTable(coverage, faults));
  const perHour = Math.round((count / seconds) * 3600);
  say(`${count} lives of ${steps} steps in ${seconds.toFixed(0)} s, ${perHour} an hour; ${failures.length} failed`);
  const [first] = failures;
  if (first !== undefined && values.shrink) await show(first);
  return failures.length === 0;
}

function aimNow(coverage: Coverage, tried: Map<string, number>): Aim {
  const name = ({ fault, state }: Aim): string => `${fault}@${state}`;
  const aim = leastMet(coverage, faults, (one) => (tried.get(name(one)) ?? 0) * 5);
  tried.set(name(aim), (tried.get(name(aim)) ?? 0) + 1);
  return aim;
}

const one: Run = { seed: Number(values.seed ?? 1), aim: parseAim(values.aim) };
const many: Extent = {
  from: Number(values.from),
  to: Number(values.to ?? Number.POSITIVE_INFINITY),
  mostSeconds: Number(values.seconds ?? Number.POSITIVE_INFINITY),
};
const isOne = values.to === undefined && values.seconds === undefined;
const good = isOne ? await show(one) : await campaign(many);
process.exitCode = good ? 0 : 1;
