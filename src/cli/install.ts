import { existsSync, readFileSync } from "node:fs";
import type { Command } from "commander";
import { shownUrl } from "../core/base/shown-url.ts";
import type { Violation } from "../core/base/violation.ts";
import { parseConfig } from "../core/config/config.ts";
import { noCenter } from "../core/config/config-schema.ts";
import {
  copyStep,
  folderStep,
  groupId,
  groupStep,
  linkStep,
  type Step,
  textStep,
} from "../linux/install/install-steps.ts";
import { unitText } from "../linux/install/unit.ts";
import { completionScript } from "./completion.ts";
import { type FactoryContent, factoryProblems, factorySteps } from "./factory-content.ts";
import { firstConfig } from "./first-config.ts";
import {
  type ChangeOptions,
  configIn,
  createStepRun,
  foldersIn,
  inRoot,
  installed,
  ownProgram,
  report,
  systemctlStep,
  systemdRuns,
} from "./installation.ts";
import { manualPage } from "./manual-page.ts";
import { exitCodes, type Output } from "./output.ts";

export interface InstallOptions extends ChangeOptions, FactoryContent {
  /** `center.url` of the configuration that is written when there is none. */
  readonly center?: string;
}

/**
 * `edge install`: program, manual page, completions, folders, group, unit, a first configuration, factory pods and images on this device, or
 * with `root` in an image. What is so already stays; a configuration that is there is never written, and a wrong one
 * refuses everything, as a pod or an image does that the device could not use.
 */
export async function installCommand(options: InstallOptions, commands: Command, io: Output): Promise<number> {
  const program = ownProgram();
  const refusal = refusalOf(program, options);
  if (program === null || refusal.length > 0) {
    for (const line of refusal) io.err(line);
    return exitCodes.usage;
  }
  const { root } = options;
  const unusable = await factoryProblems(options, root);
  if (unusable.length > 0) {
    for (const line of unusable) io.err(line);
    return exitCodes.no;
  }
  // Folders of the system that are missing are for everybody to read.
  process.umask(0o022);
  const untaken = untakenCenter(options);
  const run = createStepRun(options);
  run.carryOut([...stepsOf(program, options), ...helpSteps(commands, options)]);
  const unfinished = options.dryRun ? [] : problemsIn(root);
  const isNew = run.reports.some(({ state }) => state !== "unchanged");
  // An agent that runs finds pods and images by itself: they are no reason to start it anew.
  run.carryOut(factorySteps(options, root));
  if (systemdRuns(root)) {
    const start = unfinished.length > 0 ? [] : [systemctlStep(isNew ? "restart" : "start", "edge.service")];
    run.carryOut([...(isNew ? [systemctlStep("daemon-reload")] : []), ...start]);
  }
  const notes = [...untaken, ...unfinished.map(toDo), ...centerNotes(root), ...notesOf(program, root)];
  return report(options, { run, notes }, io);
}

/** Why nothing is done at all. */
function refusalOf(program: string | null, { root, center }: InstallOptions): readonly string[] {
  if (program === null)
    return ["This program runs from its source: install the built one, dist/edge.mjs or an executable"];
  if (process.getuid?.() !== 0) return ["edge install creates folders and a unit of root. Run it as root"];
  if (!existsSync(root)) return [`There is no folder ${root}`];
  const wrong = center === undefined ? [] : problemsOf(center);
  if (wrong.length > 0) return wrong;
  const missing = ["etc/group", "etc/passwd"].filter((path) => !existsSync(inRoot(root, path)));
  if (missing.length > 0 && groupId(installed.group, root) === null)
    return [`${root} has no ${missing.join(" and no ")}, so the group edge cannot be added. Create them first`];
  return problemsIn(root).map(({ message }) => `${inRoot(root, installed.config)}: ${message}`);
}

/** What is wrong with an address, in the words of `edge config check`. */
function problemsOf(center: string): readonly string[] {
  const parsed = parseConfig(JSON.parse(firstConfig(center)), { strict: true, serialNumber: () => "0" });
  return parsed.ok ? [] : parsed.violations.map(({ message }) => message);
}

/** A configuration that is there keeps its own address; that another one was given must not go unsaid. */
function untakenCenter({ root, center }: InstallOptions): readonly string[] {
  const file = inRoot(root, installed.config);
  if (center === undefined || !existsSync(file) || readFileSync(file, "utf8").includes(JSON.stringify(center)))
    return [];
  return [
    `Note: ${shownUrl(center)} was ignored, because there is a configuration. Write it into ${installed.config}, center.url`,
  ];
}

/** What is wrong with the configuration of a system, judged strictly (lifecycle.md); nothing when there is none. */
function problemsIn(root: string): readonly Violation[] {
  const loaded = configIn(root, { strict: true });
  return loaded?.ok === false ? loaded.violations : [];
}

function toDo({ message }: Violation): string {
  return `To do in ${installed.config}: ${message}`;
}

/** A device without a center runs the pods that are on it; mostly the address is still to come. */
function centerNotes(root: string): readonly string[] {
  const loaded = configIn(root, { strict: true });
  if (loaded?.ok !== true || loaded.config.center.url !== noCenter) return [];
  const { podsDir } = loaded.config.local;
  return [
    `To do: write the center's address into ${installed.config}, center.url, then: systemctl restart edge. Without one only pods in ${podsDir} and of edge apply run`,
  ];
}

function stepsOf(program: string, { root, center }: InstallOptions): readonly Step[] {
  const at = (path: string) => inRoot(root, path);
  const rootOnly = { gid: () => 0 };
  const ofGroup = { gid: () => groupId(installed.group, root) ?? -1 };
  const { dir } = foldersIn(root);
  const unit = unitText({ program: installed.program, config: installed.config, canNotify: canNotify(root) });
  return [
    groupStep(installed.group, root),
    copyStep(at(installed.program), program, { mode: 0o755, ...rootOnly }),
    folderStep(at(installed.configFolder), { mode: 0o755, ...rootOnly }),
    textStep(at(installed.config), firstConfig(center ?? ""), { mode: 0o640, ...ofGroup, keep: true }),
    folderStep(at(dir), { mode: 0o750, ...ofGroup }),
    // Volumes that any user of a container may write: not for the group.
    folderStep(at(`${dir}/pods`), { mode: 0o700, ...rootOnly }),
    textStep(at(installed.unit), unit, { mode: 0o644, ...rootOnly, keep: false }),
    linkStep(at(installed.enabled), installed.unit),
  ];
}

/** Files with which people find and type the commands, made from the description of them. */
function helpSteps(commands: Command, { root }: InstallOptions): readonly Step[] {
  const texts = [
    [installed.manual, manualPage(commands)],
    [installed.completion.bash, completionScript("bash", commands)],
    [installed.completion.zsh, completionScript("zsh", commands)],
    [installed.completion.fish, completionScript("fish", commands)],
  ] as const;
  return texts.map(([path, text]) => textStep(inRoot(root, path), text, { mode: 0o644, gid: () => 0, keep: false }));
}

function canNotify(root: string): boolean {
  return ["/usr/bin/systemd-notify", "/bin/systemd-notify"].some((path) => existsSync(inRoot(root, path)));
}

/** What the owner should know: a script needs a Node, MemoryHigh a newer kernel. */
function notesOf(program: string, root: string): readonly string[] {
  const notes: string[] = [];
  if (!canNotify(root)) notes.push("Note: systemd-notify is missing, so the unit has no watchdog");
  if (root !== "/") notes.push("Note: MemoryHigh of the unit has an effect with cgroup v2 only");
  else if (!existsSync("/sys/fs/cgroup/cgroup.controllers"))
    notes.push("Note: this device has cgroup v1, where MemoryHigh of the unit has no effect");
  const isScript = program !== process.execPath;
  const hasNode = ["/usr/local/bin/node", "/usr/bin/node"].some((path) => existsSync(inRoot(root, path)));
  if (isScript && !hasNode)
    notes.push("To do: this program needs Node 24 as /usr/local/bin/node or /usr/bin/node; an executable needs none");
  return notes;
}
