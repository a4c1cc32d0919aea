import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Aim } from "./steps.ts";

/** One life to be played. */
export interface Run {
  readonly seed: number;
  readonly aim: Aim | null;
}

export interface RunResult extends Run {
  readonly failure: string | null;
  readonly met: readonly (readonly [fault: string, state: string])[];
}

export interface Pool {
  /** The tree whose simulation is played. */
  readonly root: string;
  readonly steps: number;
  /** Processes at a time. */
  readonly jobs: number;
  /** The next run, null when there is none. */
  readonly next: () => Run | null;
  readonly done: (result: RunResult) => void;
}

/** What a life leaves is garbage at its end: most of it is never looked at again if there is room for it until then. */
const roomForTheYoung = "--max-semi-space-size=64";
/** A life of 200 steps takes a fraction of a second; one that takes this long, on however busy a machine, goes round in circles. */
const longestRunMs = 600_000;

/** Plays runs in child processes, a new one as soon as one is done. */
export async function playAll(pool: Pool): Promise<void> {
  await Promise.all(Array.from({ length: pool.jobs }, () => work(pool)));
}

async function work({ root, steps, next, done }: Pool): Promise<void> {
  const file = join(root, "test/simulation/campaign/seeds-child.ts");
  const child = spawn(process.execPath, [roomForTheYoung, file, String(steps)], { stdio: ["pipe", "pipe", "ignore"] });
  let underWay: Run | null = null;
  let timer: NodeJS.Timeout | undefined;
  const give = (): void => {
    clearTimeout(timer);
    underWay = next();
    if (underWay === null) child.stdin.end();
    else {
      timer = setTimeout(() => child.kill("SIGKILL"), longestRunMs);
      child.stdin.write(`${JSON.stringify(underWay)}\n`);
    }
  };
  give();
  for await (const line of createInterface({ input: child.stdout })) {
    done(JSON.parse(line) as RunResult);
    give();
  }
  clearTimeout(timer);
  const lost = underWay as Run | null;
  if (lost !== null) done({ ...lost, failure: "the process died, or did not end", met: [] });
}
