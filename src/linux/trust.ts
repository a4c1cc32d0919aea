import { lstatSync, realpathSync, statSync } from "node:fs";
import { foldersAbove } from "../core/admission/path.ts";

/**
 * The folder on the way to a path in which somebody other than root and the agent's user can put another thing in the
 * place of a name; null when nobody can. In a sticky folder only the owner of a name can.
 * @param groups whose members may write, too
 */
export function exchangeableIn(path: string, groups: readonly number[] = []): string | null {
  let entry = path;
  for (const folder of foldersAbove(path)) {
    const { uid, gid, mode } = statSync(folder);
    const isSticky = (mode & 0o1000) !== 0 && isTrusted(lstatSync(entry).uid);
    if (!isTrusted(uid) || (isOpen(mode, gid, groups) && !isSticky)) return folder;
    entry = folder;
  }
  return null;
}

/**
 * The file, or the folder on the way to it, that somebody other than root and this process's user may write; null when
 * nobody may. Members of root's group and, for who is not root, of the own group are trusted. Throws when it is not there.
 */
export function writableByOthers(path: string): string | null {
  const real = realpathSync(path);
  const groups = [0, process.geteuid?.() === 0 ? 0 : (process.getegid?.() ?? 0)];
  const { uid, gid, mode } = statSync(real);
  return !isTrusted(uid) || isOpen(mode, gid, groups) ? real : exchangeableIn(real, groups);
}

/** The user to whom a folder belongs that is neither root nor this process's; null for none, and where it is not there. */
export function ownerAmongOthers(path: string): number | null {
  const uid = statSync(path, { throwIfNoEntry: false })?.uid;
  return uid === undefined || isTrusted(uid) ? null : uid;
}

function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

function isOpen(mode: number, gid: number, groups: readonly number[]): boolean {
  return (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && !groups.includes(gid));
}
