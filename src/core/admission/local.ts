import { shorten } from "../base/shorten.ts";
import type { Verdict, Violation } from "../base/violation.ts";
import { admitPod, fieldOf, isGracefulDelete } from "./admit.ts";
import { namespaceOf, storedPod } from "./capacity.ts";
import type { AdmissionContext, Admitted } from "./context.ts";
import type { NodePod } from "./node-facts.ts";
import { ownershipViolation } from "./ownership.ts";

/** A pod that a request on the device names. */
export interface NamedPod {
  /** Null: the one pod of that name. */
  readonly namespace: string | null;
  readonly name: string;
}

/**
 * Judges a Pod of a file or of a request on the device, by the rules of a pod update (lifecycle.md, Owner of a pod).
 * Of another kind nothing else is told.
 */
export function admitLocalPod(content: unknown, context: AdmissionContext): Verdict<Admitted> {
  const otherKind = kindProblem(content);
  if (otherKind !== null) return refused(otherKind);
  const problems = [deletionProblem(content)].filter((problem) => problem !== null);
  const verdict = admitPod(content, context);
  if (verdict.accepted && problems.length === 0) {
    return { accepted: true, value: { kind: "pod-update", pod: verdict.value }, warnings: verdict.warnings };
  }
  const violations = [...problems, ...(verdict.accepted ? [] : verdict.violations)];
  return { accepted: false, violations, warnings: verdict.warnings };
}

/** A file or request for something that is no Pod; null for a Pod, also one that does not say so. */
export function kindProblem(content: unknown): Violation | null {
  const kind = fieldOf(content, "kind");
  if (typeof kind !== "string" || kind === "Pod") return null;
  const message = `kind ${shorten(kind, 64)} is not supported; only Pod is${insteadOf(kind)}`;
  return { path: "kind", rule: "local.kind", message, value: kind };
}

function insteadOf(kind: string): string {
  if (withPodTemplate.includes(kind)) return ": write its spec.template as a Pod with a name";
  return kind === "ConfigMap" || kind === "Secret" ? ": a center sends ConfigMaps and secrets" : "";
}

const withPodTemplate = ["Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "Job"];

function deletionProblem(content: unknown): Violation | null {
  if (!isGracefulDelete(content)) return null;
  const message = "metadata.deletionTimestamp is not accepted in a file; leave it out, or delete the pod";
  return { path: "metadata.deletionTimestamp", rule: "local.deletionTimestamp", message, value: null };
}

/** Judges a delete that was asked for on the device. A pod that is not here is a violation: somebody waits for the answer. */
export function admitLocalDelete(
  asked: NamedPod & { readonly graceSeconds: number | null },
  context: AdmissionContext,
): Verdict<Admitted> {
  const { graceSeconds } = asked;
  const found = findNamed(asked, "delete", context);
  if (!found.ok) return refused(found.violation);
  const { namespace, name } = found;
  const grace = graceSeconds === null ? {} : { graceSeconds };
  return { accepted: true, value: { kind: "pod-delete", namespace, name, ...grace }, warnings: [] };
}

/** Judges a restart that was asked for on the device. */
export function admitLocalRestart(asked: NamedPod, context: AdmissionContext): Verdict<Admitted> {
  const found = findNamed(asked, "restart", context);
  if (!found.ok) return refused(found.violation);
  const { namespace, name, stored } = found;
  if (stored.spec.restartPolicy === "Never") {
    const message = `pod ${name} runs once, as its restartPolicy is Never; delete it and apply it again`;
    return refused({ path: "spec.restartPolicy", rule: "restart.policy", message, value: "Never" });
  }
  return { accepted: true, value: { kind: "pod-restart", namespace, name }, warnings: [] };
}

type Found =
  | { readonly ok: true; readonly namespace: string; readonly name: string; readonly stored: NodePod }
  | { readonly ok: false; readonly violation: Violation };

/** Id of the rule that a pod which is named has to be here. */
export const knownRule = "local.known";

function findNamed({ namespace, name }: NamedPod, asked: "delete" | "restart", context: AdmissionContext): Found {
  const { node } = context;
  const stored =
    namespace === null ? node.pods.find(({ metadata }) => metadata.name === name) : storedPod(node, namespace, name);
  if (stored === undefined) {
    const message = `there is no pod ${shorten(name, 128)} on this device`;
    return { ok: false, violation: { path: "metadata.name", rule: knownRule, message, value: name } };
  }
  const owned = ownershipViolation(stored, asked, "metadata.name", context);
  if (owned !== null) return { ok: false, violation: owned };
  return { ok: true, namespace: namespaceOf(stored.metadata), name, stored };
}

function refused(violation: Violation): Verdict<never> {
  return { accepted: false, violations: [violation], warnings: [] };
}
