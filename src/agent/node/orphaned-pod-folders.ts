import { knownPodIds, stillTerminating } from "../../core/pod/known-pods.ts";
import type { Log } from "../../ports/log.ts";
import type { PodFiles } from "../../ports/pod-files.ts";
import type { Store } from "../../ports/store.ts";
import type { ContainerLister } from "../engine/container-lister.ts";

export interface OrphanedPodFolderParts {
  readonly store: Store;
  readonly podFiles: PodFiles;
  readonly log: Log;
  readonly lister: ContainerLister;
}

/**
 * Folders of pods that nobody knows any more: a crash between a commit and what follows it on disk leaves one. A folder
 * stays while any container carries its uid, whoever's it is, and while the engine cannot be asked.
 */
export async function removeOrphanedPodFolders(parts: OrphanedPodFolderParts, signal: AbortSignal): Promise<void> {
  const { podFiles, log, lister: observer } = parts;
  if (orphanedUids(parts).length === 0) return;
  const seen = await observer.list(signal);
  if (!seen.ok) return;
  const used = new Set(seen.value.map((container) => container.pod.uid));
  // Looked at again: a pod may have come while the engine was asked.
  for (const uid of orphanedUids(parts).filter((uid) => !used.has(uid))) {
    log.write("info", "Removed the folder of a pod that does not exist any more", { uid });
    podFiles.removeVolumes(uid);
  }
}

function orphanedUids({ store, podFiles }: OrphanedPodFolderParts): readonly string[] {
  const pods = knownPodIds(store.desiredPods.list(), stillTerminating(store.terminatingPods.list()));
  const known = new Set(pods.map(({ uid }) => uid));
  return podFiles.podFolders().filter((uid) => !known.has(uid));
}
