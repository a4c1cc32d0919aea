import { chmodSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { bytes } from "../core/pod/quantity.ts";
import type { AcceptedPod } from "../core/pod/spec.ts";
import { mountMemory, unmountBelow } from "./bind-mounts.ts";
import { ensureFolder } from "./files.ts";
import { podFolder, podFoldersIn } from "./pod-folders.ts";

/** Where a pod's volumes in memory are. */
function folderOf(runDir: string, uid: string): string {
  return join(podFolder(runDir, uid), "empty-dir");
}

/**
 * A tmpfs of its own for a volume of medium Memory, with room for what the pod's containers may have of memory together,
 * or for half of the device's where one of them has no limit (the kernel's default). So a full one fills nothing else. One
 * that is mounted already stays.
 * @returns its folder, or why there is none
 */
export function placeMemoryVolume(
  runDir: string,
  pod: AcceptedPod,
  name: string,
): { readonly ok: true; readonly path: string } | { readonly ok: false; readonly message: string } {
  const path = join(folderOf(runDir, pod.id.uid), name);
  // The run folder is everybody's to read; what pods keep in it is not.
  ensureFolder(podFoldersIn(runDir), 0o700);
  mkdirSync(path, { recursive: true });
  if (isMounted(path)) return { ok: true, path };
  // Nobody can use the folder itself: what is written there would fill the run folder.
  chmodSync(path, 0);
  const trouble = process.geteuid?.() === 0 ? mountMemory(path, sizeOf(pod)) : "the agent does not run as root";
  if (trouble === null) return { ok: true, path };
  return {
    ok: false,
    message: `Volume ${name} is in memory, and the agent cannot mount a tmpfs for it (${trouble}). Run the agent as root with the mount of util-linux`,
  };
}

/** Unmounts a pod's volumes in memory, and their content is gone. Throws where one stays mounted. */
export function unmountMemoryVolumes(runDir: string, uid: string): void {
  const trouble = unmountBelow(folderOf(runDir, uid));
  if (trouble !== null) throw new Error(`A volume in memory of pod ${uid} cannot be unmounted: ${trouble}`);
}

function isMounted(path: string): boolean {
  return statSync(path).dev !== statSync(dirname(path)).dev;
}

/** Bytes; null where a container has no limit. */
function sizeOf({ spec }: AcceptedPod): number | null {
  const limits = spec.containers.map(({ resources }) => resources.limits["memory"]);
  const amounts = limits.flatMap((limit) => (limit === undefined ? [] : [bytes(limit)]));
  return amounts.length < limits.length ? null : amounts.reduce((sum, amount) => sum + amount, 0);
}
