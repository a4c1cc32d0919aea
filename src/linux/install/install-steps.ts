// linux/install: the steps of `edge install` and the systemd unit.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { mountedBelow, unmountBelow } from "../bind-mounts.ts";
import { replaceFile } from "../files.ts";

/** One thing that an installation needs. `carryOut` throws when the system does not let it. */
export interface Step {
  readonly what: string;
  readonly change: "create" | "remove" | "run";
  isDone(): boolean;
  carryOut(): void;
}

/** Whose a file is to be: root's, with the group that has this number by the time it is asked. */
export interface Access {
  readonly mode: number;
  readonly gid: () => number;
}

/** A folder with its mode and group; what stands in it is left alone. */
export function folderStep(path: string, { mode, gid }: Access): Step {
  return {
    what: `folder ${path}, mode 0${mode.toString(8)}`,
    change: "create",
    isDone() {
      const found = statOf(path);
      return found !== null && (found.mode & 0o7777) === mode && found.gid === gid();
    },
    carryOut() {
      mkdirSync(path, { recursive: true });
      chownSync(path, 0, gid());
      chmodSync(path, mode);
    },
  };
}

/** A file with a text. `keep`: one that is there already stays, whatever it says; its mode and group are brought in order. */
export function textStep(path: string, text: string, access: Access & { readonly keep: boolean }): Step {
  return fileStep(path, access, {
    isSame: () => access.keep || readFileSync(path, "utf8") === text,
    write: () => replaceFile(path, text, access.mode, { durable: true }),
  });
}

/** A file with the bytes of another one, written under a hidden name and then renamed: it may be running, or be watched. */
export function copyStep(path: string, source: string, access: Access): Step {
  return fileStep(path, access, {
    isSame: () => hasSameBytes(path, source),
    write() {
      mkdirSync(dirname(path), { recursive: true });
      const hidden = join(dirname(path), `.${basename(path)}.new`);
      try {
        copyFileSync(source, hidden);
        chownSync(hidden, 0, access.gid());
        chmodSync(hidden, access.mode);
        syncFile(hidden);
        renameSync(hidden, path);
      } catch (error) {
        rmSync(hidden, { force: true });
        throw error;
      }
    },
  });
}

const pieceBytes = 1024 * 1024;

/** Compared piece by piece: an archive of images may be larger than the memory. */
function hasSameBytes(path: string, other: string): boolean {
  if (statSync(path).size !== statSync(other).size) return false;
  const file = openSync(path, "r");
  const otherFile = openSync(other, "r");
  try {
    for (;;) {
      const piece = nextPiece(file);
      if (!piece.equals(nextPiece(otherFile))) return false;
      if (piece.length === 0) return true;
    }
  } finally {
    closeSync(file);
    closeSync(otherFile);
  }
}

function nextPiece(file: number): Buffer {
  const buffer = Buffer.allocUnsafe(pieceBytes);
  return buffer.subarray(0, readSync(file, buffer));
}

function syncFile(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function fileStep(path: string, { mode, gid }: Access, content: { isSame(): boolean; write(): void }): Step {
  const isWritten = () => existsSync(path) && content.isSame();
  return {
    what: `file ${path}, mode 0${mode.toString(8)}`,
    change: "create",
    isDone() {
      const found = statOf(path);
      return found !== null && (found.mode & 0o7777) === mode && found.gid === gid() && isWritten();
    },
    carryOut() {
      if (!isWritten()) content.write();
      chownSync(path, 0, gid());
      chmodSync(path, mode);
    },
  };
}

/** A symbolic link, as `systemctl enable` makes them: so a unit is enabled where no systemd runs. */
export function linkStep(path: string, target: string): Step {
  return {
    what: `link ${path} to ${target}`,
    change: "create",
    isDone: () => linkOf(path) === target,
    carryOut() {
      mkdirSync(dirname(path), { recursive: true });
      rmSync(path, { force: true });
      symlinkSync(target, path);
    },
  };
}

/** A system group; in an image that is being built `groupadd` writes into that image's files. */
export function groupStep(name: string, root: string): Step {
  return {
    what: `group ${name}`,
    change: "create",
    isDone: () => groupId(name, root) !== null,
    carryOut() {
      const where = root === "/" ? [] : ["--prefix", root];
      const { error, status, stderr } = spawnSync("groupadd", ["--system", ...where, name], {
        encoding: "utf8",
        timeout: 30_000,
      });
      if (status !== 0) throw new Error(`groupadd ${name} failed: ${error?.message ?? stderr.trim()}`);
    },
  };
}

/** Whatever is mounted below a folder of the agent's own, unmounted: what is removed afterwards ends at the folder. */
export function unmountStep(folder: string): Step {
  return {
    what: `mounts below ${folder}`,
    change: "remove",
    isDone: () => mountedBelow(folder).length === 0,
    carryOut() {
      const trouble = unmountBelow(folder);
      if (trouble !== null) throw new Error(`Mounts below ${folder} cannot be unmounted: ${trouble}`);
    },
  };
}

/**
 * A file, link or folder that is to go, with all that is in it. What is mounted there stays mounted, empty; with something
 * mounted below it nothing is removed, for that is not the folder's.
 */
export function removalStep(path: string): Step {
  return {
    what: path,
    change: "remove",
    isDone: () => linkOf(path) === null && !existsSync(path),
    carryOut() {
      if (!lstatSync(path).isDirectory()) return rmSync(path, { force: true });
      const [mounted] = mountedBelow(realpathSync(path));
      if (mounted !== undefined)
        throw new Error(`${path} was not removed, because ${mounted} is mounted. Unmount it first`);
      for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true });
      try {
        rmdirSync(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
      }
    },
  };
}

/** The number of a group in the files of a system, null when it has none of that name. */
export function groupId(name: string, root: string): number | null {
  const file = join(root, "etc/group");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const line = text.split("\n").find((entry) => entry.startsWith(`${name}:`));
  const number = Number(line?.split(":")[2]);
  return Number.isSafeInteger(number) && line !== undefined ? number : null;
}

function statOf(path: string): { readonly mode: number; readonly gid: number } | null {
  return statSync(path, { throwIfNoEntry: false }) ?? null;
}

function linkOf(path: string): string | null {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(path) : null;
}
