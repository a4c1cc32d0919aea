import { archiveTests } from "./archives.ts";
import { engineBench } from "./bench.ts";
import { containerTests } from "./containers.ts";
import type { Machine } from "./machines.ts";
import { podTests } from "./pods.ts";
import { programTests } from "./programs.ts";
import { surroundingTests } from "./surroundings.ts";

/** The contract of the port `Engine`, for whatever stands behind it: tests, for the suite that calls this. */
export function engineContract(open: () => Machine | Promise<Machine>): void {
  const bench = engineBench(open);
  containerTests(bench);
  podTests(bench);
  programTests(bench);
  surroundingTests(bench);
  archiveTests(bench);
}
