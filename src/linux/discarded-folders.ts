import { existsSync, readdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { removeTree } from "./remove-tree.ts";

/** Folders that are taken out of the way at once and removed by and by. */
export interface DiscardedFolders {
  /** The folder is not there when this returns, and what was in it goes on being removed. Fine when it is not there. Throws where it cannot be renamed. */
  discard(path: string): void;
  /** Resolves when nothing is left to remove that can be removed. */
  settled(): Promise<void>;
}

const prefix = ".discarded-";

/**
 * A folder is renamed to a name that begins with `.discarded-`, beside its own. What an earlier process has left so is removed as well.
 * What cannot be removed is tried again with the next one.
 * @param parents where such folders are
 * @param lifetime ends the work
 */
export function discardedFolders(parents: readonly string[], lifetime?: AbortSignal): DiscardedFolders {
  let working = Promise.resolve();

  const removeAll = async (): Promise<void> => {
    const left = parents.flatMap((parent) =>
      entries(parent)
        .filter((name) => name.startsWith(prefix))
        .map((name) => join(parent, name)),
    );
    for (const path of left) if (lifetime?.aborted !== true) await removeTree(path, lifetime).catch(() => undefined);
  };
  const work = (): void => {
    working = working.then(removeAll);
  };

  work();
  return {
    discard(path) {
      if (!existsSync(path)) return;
      for (let number = 0; ; number += 1) {
        const aside = join(dirname(path), `${prefix}${basename(path)}.${number}`);
        if (existsSync(aside)) continue;
        renameSync(path, aside);
        break;
      }
      work();
    },
    settled: () => working,
  };
}

function entries(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
