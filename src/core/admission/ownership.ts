import type { Violation } from "../base/violation.ts";
import { type Origin, originOf } from "../pod/spec.ts";
import { namespaceOf, storedPod } from "./capacity.ts";
import type { AdmissionContext } from "./context.ts";
import type { NodePod } from "./node-facts.ts";
import type { Relation } from "./rules/relation.ts";

/** What is asked of a pod that is here. */
export type Asked = "apply" | "delete" | "restart";

export const ownershipRule = "continuity.owner";

/**
 * Why the one who asks may not do this to the pod that is here, null if it may (lifecycle.md, Owner of a pod): a factory pod
 * changes with its file alone, the center may do everything with a local pod, and a pod of the center is touched on the
 * device by force alone. A file never takes the place of a pod that is here.
 */
export function ownershipSentence(stored: NodePod, asked: Asked, context: AdmissionContext): string | null {
  const asker = context.asker?.origin ?? { kind: "center" };
  const owner = originOf(stored);
  const { name } = stored.metadata;
  switch (asker.kind) {
    case "center":
      return owner.kind === "factory"
        ? `${name} is a factory pod of this device; only its file ${owner.file} changes it`
        : null;
    case "local":
      return toLocal(name, owner, asked, context.asker?.isForced === true);
    case "factory":
      return toFactory(name, owner, asker.file);
  }
}

function toLocal(name: string, owner: Origin, asked: Asked, isForced: boolean): string | null {
  if (owner.kind === "factory" && asked !== "restart") {
    const what = asked === "apply" ? "change" : "remove";
    return `${name} is a factory pod; ${what} its file ${owner.file}`;
  }
  if (owner.kind !== "center" || isForced) return null;
  return `${name} is a pod of the center; --force does it anyway, and the center sees it`;
}

function toFactory(name: string, owner: Origin, file: string): string | null {
  switch (owner.kind) {
    case "center":
      return `the center has a pod ${name} on this device; the file counts once that pod is deleted`;
    case "local":
      return `a pod ${name} was applied on this device; the file counts after "edge delete ${name}"`;
    case "factory":
      return owner.file === file ? null : `file ${owner.file} already has a pod ${name}`;
  }
}

/** The same for an update, as one of its relations. */
export const ownedByAnother: Relation = {
  id: ownershipRule,
  path: "metadata.name",
  expectation: "a name that no pod of another owner has",
  source: "lifecycle.md, Owner of a pod",
  check: (pod, context, report) => {
    const { name = "", namespace } = pod.metadata ?? {};
    const stored = storedPod(context.node, namespaceOf(namespace === undefined ? {} : { namespace }), name);
    const sentence = stored === undefined ? null : ownershipSentence(stored, "apply", context);
    if (sentence !== null) report(["metadata", "name"], name, { sentence });
  },
};

/** The same for a delete or a restart, which names a pod that is here. */
export function ownershipViolation(
  stored: NodePod | undefined,
  asked: Asked,
  path: string,
  context: AdmissionContext,
): Violation | null {
  const message = stored === undefined ? null : ownershipSentence(stored, asked, context);
  return message === null ? null : { path, rule: ownershipRule, message, value: stored?.metadata.name ?? null };
}
