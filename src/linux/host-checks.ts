import { accessSync, constants, existsSync, lstatSync, readFileSync, statfsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CgroupInput, FolderInput } from "../core/doctor/doctor-input.ts";

/** statfs(2). */
const tmpfsMagic = 0x01021994;
const ramfsMagic = 0x858458f6;

/** The nearest folder on the way up that is there: what is not made yet will be on its file system. */
export function nearestExisting(path: string): string {
  let here = path;
  while (!existsSync(here) && dirname(here) !== here) here = dirname(here);
  return here;
}

/** What of a device's footing cannot be seen from how full it is. Makes nothing and opens nothing for writing. */
export function folderInput({ dir, runDir }: { readonly dir: string; readonly runDir: string }): FolderInput {
  return {
    data: dir,
    dataIsOther: isOther(dir),
    dataReadOnly: isReadOnly(nearestExisting(dir)),
    run: runDir,
    runInMemory: isInMemory(nearestExisting(runDir)),
  };
}

/** Whether a program of this name is in a folder of PATH. */
export function hasProgram(name: string, path = process.env["PATH"] ?? ""): boolean {
  return path.split(":").some((folder) => folder !== "" && existsSync(join(folder, name)));
}

/** Version 2 where its controllers are told; else what version 1 has enabled, with a hierarchy mounted for it. */
export function cgroupInput(fs = "/sys/fs/cgroup", proc = "/proc"): CgroupInput {
  const unified = read(join(fs, "cgroup.controllers"));
  if (unified !== null) return { version: 2, controllers: unified.split(/\s+/).filter(Boolean) };
  const rows = (read(join(proc, "cgroups")) ?? "").split("\n").map((line) => line.split("\t"));
  const controllers = rows
    .filter(([name = "", , , on]) => on === "1" && existsSync(join(fs, name)))
    .map(([name]) => name);
  return {
    version: controllers.length === 0 ? null : 1,
    controllers: controllers.filter((name) => name !== undefined),
  };
}

function isOther(path: string): boolean {
  try {
    const here = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
    return here && statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true;
  } catch (error) {
    // A file on the way there; what may not be looked at is left to others to tell.
    return (error as NodeJS.ErrnoException).code === "ENOTDIR";
  }
}

/** access(2) says EROFS of a file system that takes no writes, whoever asks. */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EROFS";
  }
}

function isInMemory(path: string): boolean | null {
  try {
    return [tmpfsMagic, ramfsMagic].includes(statfsSync(path).type);
  } catch {
    return null;
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
