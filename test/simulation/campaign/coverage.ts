import type { Fault } from "../faults/fault.ts";
import { podStates } from "./states.ts";
import type { Aim } from "./steps.ts";

/** How often each pair of a fault and the state of a pod at that moment was met. */
export interface Coverage {
  met(fault: string, state: string): void;
  times(fault: string, state: string): number;
}

export function createCoverage(): Coverage {
  const counts = new Map<string, number>();
  const key = (fault: string, state: string): string => `${fault}\t${state}`;
  return {
    met(fault, state) {
      counts.set(key(fault, state), (counts.get(key(fault, state)) ?? 0) + 1);
    },
    times: (fault, state) => counts.get(key(fault, state)) ?? 0,
  };
}

/** The pair that was met least often: what the next run should aim at. */
export function leastMet(
  coverage: Coverage,
  faults: Readonly<Record<string, Fault>>,
  tried: (aim: Aim) => number,
): Aim {
  const aims = Object.entries(faults).flatMap(([fault, { never = [] }]) =>
    podStates.filter((state) => !never.includes(state)).map((state): Aim => ({ fault, state })),
  );
  const times = (aim: Aim): number => coverage.times(aim.fault, aim.state) + tried(aim);
  return aims.reduce((least, aim) => (times(aim) < times(least) ? aim : least));
}

/** A Markdown table: a row a fault, a column a state; a dash where the two cannot meet. */
export function coverageTable(coverage: Coverage, faults: Readonly<Record<string, Fault>>): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rows = Object.entries(faults).map(([fault, { never = [] }]) =>
    line([fault, ...podStates.map((state) => (never.includes(state) ? "-" : String(coverage.times(fault, state))))]),
  );
  return [line(["fault", ...podStates]), line(["fault", ...podStates].map(() => "---")), ...rows].join("\n");
}
