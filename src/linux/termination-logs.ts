import {
  chmodSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { TerminationLog, TerminationLogs } from "../ports/pod-files.ts";
import { podFoldersIn } from "./pod-folders.ts";

/** What one may hold between two looks. A container may write on: what is on the disk is cut, not what it writes. */
const mostBytes = 64 * 1024;
const blockBytes = 512;
/** Files that somebody else has put there, or an agent before, are found by a walk over all folders of pods. */
const trimsPerWalk = 60;
const folderName = "termination";

/** Regular files below `pods/<uid>/termination/<container>/<attempt>`, each bound into its container as the kubelet does. */
export function terminationLogs(dataDir: string): TerminationLogs {
  const pods = podFoldersIn(dataDir);
  const folderOf = ({ uid, container }: TerminationLog): string => join(pods, uid, folderName, container);
  const path = (log: TerminationLog): string => join(folderOf(log), String(log.attempt));
  /** Every file, as far as it is known without a walk. */
  let known: ReadonlySet<string> = new Set();
  let trims = 0;
  return {
    path,
    create(log) {
      try {
        make(folderOf(log), path(log));
        known = new Set([...known, path(log)]);
        return null;
      } catch (error) {
        return `Its termination log cannot be created: ${(error as Error).message}`;
      }
    },
    read: (log, most) => lastBytes(path(log), most),
    trim() {
      if (trims % trimsPerWalk === 0) known = new Set(filesOfAll(pods));
      trims += 1;
      const left = [...known].filter(trimFile);
      if (left.length < known.size) known = new Set(left);
    },
  };
}

function filesOfAll(pods: string): readonly string[] {
  return entries(pods).flatMap((uid) => {
    const folder = join(pods, uid, folderName);
    return entries(folder).flatMap((name) => filesIn(join(folder, name)));
  });
}

function make(folder: string, file: string): void {
  for (const other of filesIn(folder).filter((each) => each !== file)) rmSync(other);
  if (statSync(file, { throwIfNoEntry: false })?.size === 0) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, "");
  // The container's user is not known to own anything here (kubelet makeMounts: 0666).
  chmodSync(file, 0o666);
}

/** A writer that does not append leaves a hole where the file was cut: blocks count, not the size. @returns whether it is there */
function trimFile(file: string): boolean {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) return false;
    if (found.blocks * blockBytes > mostBytes) truncateSync(file);
  } catch {
    // The disk takes no change: then nothing grows either.
  }
  return true;
}

function filesIn(folder: string): readonly string[] {
  return entries(folder).map((name) => join(folder, name));
}

/** The end of a file as text, like the kubelet's tail.ReadAtMost; "" for one that is not there or cannot be read. */
function lastBytes(file: string, most: number): string {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch {
    return "";
  }
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(size, most));
    const length = readSync(fd, buffer, 0, buffer.length, size - buffer.length);
    return readable(buffer.subarray(0, length));
  } catch {
    return "";
  } finally {
    closeSync(fd);
  }
}

/** Without the hole of a file that was cut, and without the half character that the limit may have left at the front. */
function readable(bytes: Buffer): string {
  const begin = bytes.findIndex((byte) => byte !== 0);
  const text = new TextDecoder().decode(bytes.subarray(begin < 0 ? bytes.length : begin));
  return text.replace(/^\uFFFD{1,3}/, "");
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
