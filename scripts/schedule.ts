// Which test files run beside which. A file of the suites contract and system waits for an engine two thirds of its time,
// any other keeps a processor busy.

/** A processor has room for so many files that wait, or for one that does not. */
const filesThatWait = 3;

/** More files at once would ask much of the one engine that most of them share. */
const mostProcessors = 4;

/** Of the suites contract and system, those that do not wait: an emulator, a build, and much work for one agent. */
export const busy: readonly string[] = [
  "test/system/arm64.test.ts",
  "test/system/build.test.ts",
  "test/system/limits.test.ts",
];

/** From half a minute to two and a half on two processors: they start first, so that none is left over at the end. */
export const longest: readonly string[] = [
  "test/simulation/campaign/lives.test.ts",
  "test/structure/structure.test.ts",
  "test/system/container-behaviour.test.ts",
  "test/contract/engine-trouble.test.ts",
  "test/system/engine-down.test.ts",
  "test/system/pod-lifecycle.test.ts",
  "test/system/agreement.test.ts",
  "test/system/probes.test.ts",
  "test/system/registry-faults.test.ts",
  "test/system/limits.test.ts",
  "test/system/engines.test.ts",
  "test/system/npus.test.ts",
  "test/system/pod-states.test.ts",
  "test/system/drift.test.ts",
  "test/system/purge.test.ts",
];

/** The files in the order in which they should start. */
export function inOrder(files: readonly string[]): readonly string[] {
  return [...longest.filter((file) => files.includes(file)), ...files.filter((file) => !longest.includes(file))];
}

/**
 * The file to start next beside those at work; undefined while none fits. Half of the room is for either kind, as long as
 * there are files of both.
 */
export function nextFile(files: readonly string[], atWork: readonly string[], processors: number): string | undefined {
  const room = filesThatWait * Math.min(processors, mostProcessors);
  const taken = atWork.reduce((sum, file) => sum + sizeOf(file), 0);
  const fitting = files.filter((file) => atWork.length === 0 || taken + sizeOf(file) <= room);
  const more = atWork.filter(waits).length < room / 2;
  return fitting.find((file) => waits(file) === more) ?? fitting[0];
}

function sizeOf(file: string): number {
  return waits(file) ? 1 : filesThatWait;
}

function waits(file: string): boolean {
  return /^test\/(?:contract|system)\//.test(file) && !busy.includes(file);
}
