import { knownPodIds, stillTerminating } from "../core/pod/known-pods.ts";
import { lookupProblem, resolvePod } from "../core/pod/pod-lookup.ts";
import type { PodId } from "../core/pod/spec.ts";
import type { StoreReader } from "../ports/store.ts";
import { exitCodes, type Output } from "./output.ts";

type PodName = Pick<PodId, "namespace" | "name">;

export type NamedPod =
  | { readonly kind: "found"; readonly pod: PodName }
  /** Only its events are left: it is gone, or was always refused. */
  | { readonly kind: "past" }
  | { readonly kind: "none"; readonly code: number; readonly problem: readonly string[] };

/**
 * The pod that NAME means on this device: a name, namespace/name, or the beginning of only one. Ambiguous is wrong usage,
 * unknown is the answer no.
 * @param store null where it cannot be read or is not asked
 * @param others pods that are known from elsewhere: from the engine, or from the status of the agent
 */
export function namedPod(
  name: string,
  store: Pick<StoreReader, "desiredPods" | "terminatingPods" | "events"> | null,
  others: readonly PodName[] = [],
): NamedPod {
  const stored =
    store === null ? [] : knownPodIds(store.desiredPods.list(), stillTerminating(store.terminatingPods.list()));
  const lookup = resolvePod(name, [...stored, ...others]);
  if (lookup.kind === "found" && lookup.isExact) return { kind: "found", pod: lookup.pod };
  // The name of a pod that is gone is not the beginning of another pod's.
  if (store !== null && store.events.list({ pod: name, limit: 1 }).length > 0) return { kind: "past" };
  if (lookup.kind === "found") return { kind: "found", pod: lookup.pod };
  const code = lookup.kind === "ambiguous" ? exitCodes.usage : exitCodes.no;
  return { kind: "none", code, problem: lookupProblem(name, lookup) };
}

/** Prints why there is no such pod; gives the exit code. */
export function noSuchPod({ code, problem }: Extract<NamedPod, { readonly kind: "none" }>, io: Output): number {
  for (const line of problem) io.err(line);
  return code;
}
