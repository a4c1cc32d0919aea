import type { ObservedContainer } from "../../core/pod/observed.ts";
import type { ContainerSpec } from "../../core/pod/spec.ts";
import { groupTrouble } from "../../core/pod/user.ts";
import type { PodFiles } from "../../ports/pod-files.ts";

/** What is wrong with the groups of a container that was just started; null when nothing is, or when it has ended. */
export function wrongGroups(
  podFiles: Pick<PodFiles, "groupsOf">,
  { pid }: ObservedContainer,
  spec: ContainerSpec,
): string | null {
  const groups = pid === undefined ? null : podFiles.groupsOf(pid);
  return groups === null ? null : groupTrouble(spec, groups);
}
