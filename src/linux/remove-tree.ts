import { existsSync, lstatSync, opendirSync, renameSync, rmdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";

/** Folders below each other that are gone through at once. Each is open meanwhile, and a process may have 1,024 files open. */
const mostLevels = 400;
/** The kernel takes paths of 4,096 bytes, and a name has up to 255. */
const longestPath = 3_800;

/**
 * Removes a folder with all that is in it, however deep: a container may have made 20,000 folders below each other, whose
 * path is longer than the kernel takes. What is too deep is moved up first. Does nothing if it is not there.
 * Links are removed, not followed.
 */
export function removeTree(root: string): void {
  if (!isThere(root)) return;
  if (!lstatSync(root).isDirectory()) {
    unlinkSync(root);
    return;
  }
  let number = 0;
  const moveUp = (folder: string): void => {
    while (existsSync(join(root, `.deep-${number}`))) number += 1;
    renameSync(folder, join(root, `.deep-${number}`));
  };
  while (!isEmptied(root, 0, moveUp));
  rmdirSync(root);
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Removes what is in a folder; false if something was moved up meanwhile, or has come. */
function isEmptied(folder: string, level: number, moveUp: (folder: string) => void): boolean {
  const found = opendirSync(folder);
  let isEmpty = true;
  try {
    for (let entry = found.readSync(); entry !== null; entry = found.readSync()) {
      isEmpty = false;
      const path = join(folder, entry.name);
      if (!entry.isDirectory()) unlinkSync(path);
      else if (level >= mostLevels || Buffer.byteLength(path) > longestPath) moveUp(path);
      else {
        while (!isEmptied(path, level + 1, moveUp));
        rmdirSync(path);
      }
    }
  } finally {
    found.closeSync();
  }
  return isEmpty;
}
