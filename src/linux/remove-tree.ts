import { lstat, opendir, rename, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";

/** Folders below each other that are gone through at once. Each is open meanwhile, and a process may have 1,024 files open. */
const mostLevels = 400;
/** The kernel takes paths of 4,096 bytes, and a name has up to 255. */
const longestPath = 3_800;

/**
 * Removes a folder with all that is in it, however deep: a container may have made 20,000 folders below each other, whose
 * path is longer than the kernel takes. What is too deep is moved up first. Does nothing if it is not there.
 * Links are removed, not followed. Each call is one of another thread, so that everything else goes on meanwhile; rejects
 * where one fails, and when the signal aborts.
 */
export async function removeTree(root: string, signal?: AbortSignal): Promise<void> {
  const found = await lstatOrNull(root);
  if (found === null) return;
  if (!found.isDirectory()) return unlink(root);
  let number = 0;
  const moveUp = async (folder: string): Promise<void> => {
    while ((await lstatOrNull(join(root, `.deep-${number}`))) !== null) number += 1;
    await rename(folder, join(root, `.deep-${number}`));
  };
  while (!(await isEmptied({ folder: root, level: 0, moveUp, signal })));
  await rmdir(root);
}

interface Emptying {
  readonly folder: string;
  readonly level: number;
  readonly moveUp: (folder: string) => Promise<void>;
  readonly signal: AbortSignal | undefined;
}

/** Removes what is in a folder; false if something was moved up meanwhile, or has come. */
async function isEmptied({ folder, level, moveUp, signal }: Emptying): Promise<boolean> {
  let isEmpty = true;
  // Closes the folder, too.
  for await (const entry of await opendir(folder)) {
    signal?.throwIfAborted();
    isEmpty = false;
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) await unlink(path);
    else if (level >= mostLevels || Buffer.byteLength(path) > longestPath) await moveUp(path);
    else {
      while (!(await isEmptied({ folder: path, level: level + 1, moveUp, signal })));
      await rmdir(path);
    }
  }
  return isEmpty;
}

async function lstatOrNull(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
