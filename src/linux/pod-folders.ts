import { join } from "node:path";

/** Where the folders of pods are, below the data folder or the run folder. */
export function podFoldersIn(dir: string): string {
  return join(dir, "pods");
}

/** The folder of one pod, below the data folder (its second copy, its empty volumes) or the run folder (its mounts). */
export function podFolder(dir: string, uid: string): string {
  return join(podFoldersIn(dir), uid);
}
