import { existsSync } from "node:fs";
import { isPodFileName } from "../linux/factory-files.ts";
import { isArchiveName } from "../linux/image-archives.ts";
import { removalStep, type Step, unmountStep } from "../linux/install/install-steps.ts";
import { whyNotOurs } from "../linux/install/own-folders.ts";
import { canListMounts } from "../linux/mount-table.ts";
import type { Engine } from "../ports/engine.ts";
import { runLockHeld } from "../sqlite/lock.ts";
import type { Folders } from "./config-file.ts";
import {
  type ChangeOptions,
  configIn,
  createStepRun,
  foldersIn,
  inRoot,
  installed,
  report,
  type StepReport,
  stateOf,
  systemctlStep,
  systemdRuns,
} from "./installation.ts";
import { keptConfig } from "./last-good-config.ts";
import { exitCodes, type Output } from "./output.ts";

export interface UninstallOptions extends ChangeOptions {
  /** Pods, data and configuration go, too. */
  readonly purge: boolean;
}

/** A kubelet's default grace for a container that is to end, and what an engine may take for it. */
const graceSeconds = 30;
const callTimeoutMs = 60_000;

/**
 * `edge uninstall`: service and program go; pods keep running, data and configuration stay, unless `purge` is asked for.
 * Purging needs the engine, where this device's containers are: without it nothing is removed at all.
 */
export async function uninstallCommand(options: UninstallOptions, io: Output): Promise<number> {
  const { root, purge } = options;
  if (process.getuid?.() !== 0) {
    io.err("edge uninstall removes files of root. Run it as root");
    return exitCodes.usage;
  }
  if (!existsSync(root)) {
    io.err(`There is no folder ${root}`);
    return exitCodes.usage;
  }
  const data = foldersIn(root);
  const strangers = purge ? [data.dir, data.runDir].map((path) => whyNotOurs(inRoot(root, path), path)) : [];
  const stranger = strangers.find((reason) => reason !== null);
  if (stranger !== undefined) {
    io.err(
      `Nothing was removed: ${stranger}. Remove these files by hand, or name folders in the configuration that only the agent uses`,
    );
    return exitCodes.no;
  }
  // What is mounted in a folder must not go with it.
  if (purge && !canListMounts()) {
    io.err(
      "Nothing was removed: the mounts of this device cannot be listed. Mount /proc first: mount -t proc proc /proc",
    );
    return exitCodes.no;
  }
  const run = createStepRun(options);
  if (systemdRuns(root) && existsSync(installed.unit)) run.carryOut([stopStep]);
  if (purge && root === "/" && run.failure === null) {
    if (!options.dryRun && runLockHeld(data.runDir)) {
      io.err(`An agent still runs and would start its pods again: end the process that holds ${data.runDir}/lock`);
      return exitCodes.no;
    }
    const pods = await removeContainers(data.dir, options);
    if (typeof pods === "string") {
      io.err(pods);
      return exitCodes.no;
    }
    run.add(pods);
  }
  const makers = purge ? makersFolders(root, data) : { removed: [], notes: [] };
  run.carryOut([...makers.removed.map(removalStep), ...removals(options, data)]);
  const kept = `Kept: running pods, ${data.dir}, ${installed.configFolder}, group ${installed.group}; --purge removes all but the group`;
  const purged = `Kept: group ${installed.group}, which users may be members of; groupdel ${installed.group} removes it`;
  return report(options, { run, notes: purge ? [...makers.notes, purged] : [kept] }, io);
}

const stopStep = systemctlStep("disable", "--now", "edge.service");

function removals(
  { root, purge }: UninstallOptions,
  data: { readonly dir: string; readonly runDir: string },
): readonly Step[] {
  const help = [installed.manual, ...Object.values(installed.completion)];
  const always = [installed.enabled, installed.unit, ...help, installed.program];
  const purged = purge ? [installed.configFolder, data.dir, data.runDir] : [];
  const mounts = purge ? [unmountStep(inRoot(root, data.runDir))] : [];
  return [...mounts, ...[...always, ...purged].map((path) => removalStep(inRoot(root, path)))];
}

/**
 * The folders of factory pods and images that are in none of the agent's own folders. One that holds something else, too, is
 * somebody's whom nobody asked: it stays, with a note.
 */
function makersFolders(
  root: string,
  { dir, podsDir, imagesDir }: Folders,
): { readonly removed: readonly string[]; readonly notes: readonly string[] } {
  const removed: string[] = [];
  const notes: string[] = [];
  const folders = [
    { name: podsDir, isOwn: isPodFileName },
    { name: imagesDir, isOwn: isArchiveName },
  ];
  for (const { name, isOwn } of folders) {
    if ([dir, installed.configFolder].some((own) => name.startsWith(`${own}/`))) continue;
    const path = inRoot(root, name);
    if (!existsSync(path)) continue;
    const reason = whyNotOurs(path, name, isOwn);
    if (reason === null) removed.push(path);
    else notes.push(`Kept: ${name}, for ${reason}`);
  }
  return { removed, notes };
}

/** Why it is still there; null when it is gone. */
async function removeContainer(engine: Engine, id: string): Promise<string | null> {
  const stopped = await engine.stop(id, graceSeconds, AbortSignal.timeout(callTimeoutMs));
  const removed = stopped.ok ? await engine.remove(id, AbortSignal.timeout(callTimeoutMs)) : stopped;
  return removed.ok ? null : `Container ${id} cannot be removed: ${removed.error.message}`;
}

/** Stops and removes the containers of this device's install id; or says why that cannot be. */
async function removeContainers(
  dir: string,
  { root, dryRun }: UninstallOptions,
): Promise<readonly StepReport[] | string> {
  const { openStoreReadOnly } = await import("../sqlite/store.ts");
  const opened = openStoreReadOnly(dir);
  const installId = opened.ok ? opened.store.getMeta("installId") : null;
  if (opened.ok) opened.store.close();
  if (installId === null) return [];
  const loaded = configIn(root, { strict: false });
  const socket = (loaded?.ok === true ? loaded.config : await keptConfig(dir))?.engine.socket ?? "/var/run/docker.sock";
  const { dockerEngine } = await import("../docker/engine.ts");
  const engine = dockerEngine({ socket });
  const listed = await engine.list(AbortSignal.timeout(callTimeoutMs));
  if (!listed.ok) return `The engine at ${socket} does not answer, so pods cannot be removed: ${listed.error.message}`;
  const ours = listed.value.filter((container) => container.installId === installId);
  // All at once: each may take its whole grace.
  const left = await Promise.all((dryRun ? [] : ours).map(({ id }) => removeContainer(engine, id)));
  const trouble = left.find((problem) => problem !== null);
  if (trouble !== undefined) return trouble;
  return ours.map(({ id, container, pod }) => ({
    what: `container ${container} of pod ${pod.name} (${id.slice(0, 12)})`,
    state: stateOf("remove", { dryRun }),
  }));
}
