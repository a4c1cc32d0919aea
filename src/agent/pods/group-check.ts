import type { ContainerSpec } from "../../core/pod/spec.ts";
import { groupTrouble } from "../../core/pod/user.ts";
import type { Engine } from "../../ports/engine.ts";
import type { PodFiles } from "../../ports/pod-files.ts";

/** What is wrong with the groups of a container, or why they could not be looked at. */
export type GroupsSeen =
  | { readonly kind: "right" }
  | { readonly kind: "wrong"; readonly message: string }
  | { readonly kind: "unknown"; readonly message: string };

/** Looks at what the engine has made of the user of a container that was just started; one that has ended is right. */
export async function groupsSeen(
  { engine, podFiles }: { readonly engine: Engine; readonly podFiles: PodFiles },
  id: string,
  spec: ContainerSpec,
  signal: AbortSignal,
): Promise<GroupsSeen> {
  const seen = await engine.inspect(id, signal);
  if (!seen.ok && seen.error.kind === "notFound") return { kind: "right" };
  if (!seen.ok) return { kind: "unknown", message: seen.error.message };
  const groups = seen.value.pid === undefined ? null : podFiles.groupsOf(seen.value.pid);
  const message = groups === null ? null : groupTrouble(spec, groups);
  return message === null ? { kind: "right" } : { kind: "wrong", message };
}
