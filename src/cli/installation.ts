import { spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { printable } from "../core/base/printable.ts";
import { shorten } from "../core/base/shorten.ts";
import type { Step } from "../linux/install/install-steps.ts";
import { defaultFolders, type Folders, foldersOf, type LoadedConfig, loadConfig } from "./config-file.ts";
import { exitCodes, type Output } from "./output.ts";

/** Where the parts of an installation are on the device. */
export const installed = {
  program: "/usr/local/bin/edge",
  configFolder: "/etc/edge",
  config: "/etc/edge/edge.config.json",
  unit: "/etc/systemd/system/edge.service",
  enabled: "/etc/systemd/system/multi-user.target.wants/edge.service",
  group: "edge",
  manual: "/usr/local/share/man/man1/edge.1",
  completion: {
    bash: "/usr/local/share/bash-completion/completions/edge",
    zsh: "/usr/local/share/zsh/site-functions/_edge",
    fish: "/usr/local/share/fish/vendor_completions.d/edge.fish",
  },
} as const;

const longestReason = 512;

export interface ChangeOptions {
  /** The system that is changed: `/`, or the folder of an image that is being built. */
  readonly root: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

export type StepState = "unchanged" | "done" | "would run" | "created" | "would create" | "removed" | "would remove";

const words = {
  create: { done: "created", planned: "would create" },
  remove: { done: "removed", planned: "would remove" },
  run: { done: "done", planned: "would run" },
} as const;

/** The state of a step that was carried out, or that a dry run leaves out. */
export function stateOf(change: Step["change"], { dryRun }: Pick<ChangeOptions, "dryRun">): StepState {
  return dryRun ? words[change].planned : words[change].done;
}

export interface StepReport {
  readonly what: string;
  readonly state: StepState;
}

/** The steps of one command, carried out in order until the system refuses one. */
export interface StepRun {
  /** Carries out what is not so yet; a dry run only says it. After a step that failed nothing more is done. */
  carryOut(steps: readonly Step[]): void;
  /** What was done by others. */
  add(reports: readonly StepReport[]): void;
  readonly reports: readonly StepReport[];
  /** The step that failed and why; null while none did. */
  readonly failure: StepFailure | null;
}

export interface StepFailure {
  readonly what: string;
  readonly reason: string;
}

export function createStepRun(options: Pick<ChangeOptions, "dryRun" | "root">): StepRun {
  const reports: StepReport[] = [];
  let failure: StepFailure | null = null;

  function carryOutOne(step: Step): void {
    // Paths of the system that is changed, not of the machine on which its image is built.
    const shown = (text: string): string => text.replaceAll(inRoot(options.root, "/"), "/");
    const what = shown(step.what);
    try {
      const isDone = step.isDone();
      if (!isDone && !options.dryRun) step.carryOut();
      reports.push({ what, state: isDone ? "unchanged" : stateOf(step.change, options) });
    } catch (error) {
      failure = { what, reason: shown(error instanceof Error ? error.message : String(error)) };
    }
  }

  return {
    carryOut(steps) {
      for (const step of steps) if (failure === null) carryOutOne(step);
    },
    add: (others) => void reports.push(...others),
    reports,
    get failure() {
      return failure;
    },
  };
}

/**
 * One JSON object, or a line a step and what the owner should know. After a step that failed it says which one, why and what
 * to do, and nothing of the notes.
 * @returns the exit code
 */
export function report(
  { dryRun, json }: ChangeOptions,
  { run, notes }: { readonly run: StepRun; readonly notes: readonly string[] },
  io: Output,
): number {
  const { reports: steps, failure } = run;
  const told = failure === null ? notes : [];
  const object = failure === null ? { dryRun, steps, notes: told } : { dryRun, steps, notes: told, failed: failure };
  const lines = [...steps.map(({ what, state }) => `${state.padEnd(13)}  ${what}`), ...told];
  for (const line of json ? [JSON.stringify(object)] : lines) io.out(line);
  if (failure === null) return exitCodes.fine;
  io.err(`${failure.what} failed: ${shorten(printable(failure.reason), longestReason)}`);
  io.err("The steps above stay as they are. Correct the cause and run the command again: finished steps are skipped.");
  return exitCodes.no;
}

/**
 * The configuration of a system; null when it has none. An image is not the device that it is for: in one any serial number
 * will do.
 */
export function configIn(root: string, options: { readonly strict: boolean }): LoadedConfig | null {
  const file = inRoot(root, installed.config);
  if (!existsSync(file)) return null;
  return loadConfig(file, root === "/" ? options : { ...options, serialNumber: () => "0" });
}

/** Where that configuration keeps things, also when it is wrong elsewhere. */
export function foldersIn(root: string): Folders {
  const loaded = configIn(root, { strict: false });
  if (loaded === null) return defaultFolders;
  if (!loaded.ok) return foldersOf(loaded);
  const { data, local } = loaded.config;
  return { dir: data.dir, runDir: data.runDir, podsDir: local.podsDir, imagesDir: local.imagesDir };
}

/** Whether a systemd runs that is to hear of a change: not in an image, not in most containers. */
export function systemdRuns(root: string): boolean {
  return root === "/" && existsSync("/run/systemd/system");
}

/** A call of systemctl as a step. It is never done already: asking twice is fine with systemd. */
export function systemctlStep(...args: readonly string[]): Step {
  return {
    what: `systemctl ${args.join(" ")}`,
    change: "run",
    isDone: () => false,
    carryOut() {
      const { error, status, stderr } = spawnSync("systemctl", args, { encoding: "utf8", timeout: 120_000 });
      if (status !== 0) throw new Error(`systemctl ${args.join(" ")} failed: ${error?.message ?? stderr.trim()}`);
    },
  };
}

/** The file of the program that runs now; null when it runs from its source, which cannot be installed. */
export function ownProgram(): string | null {
  const sea = process.getBuiltinModule("node:sea");
  const file = sea?.isSea() === true ? process.execPath : realpathSync(process.argv[1] ?? process.execPath);
  return file.endsWith(".ts") ? null : file;
}

/** A path of the device in the system that is changed. */
export function inRoot(root: string, path: string): string {
  return join(root, path);
}
