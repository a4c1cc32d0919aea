import type { Violation } from "../base/violation.ts";
import type { AcceptedPod } from "../pod/spec.ts";
import type { AdmissionContext } from "./context.ts";
import { everything } from "./feature-gates.ts";
import { findingsOf } from "./findings.ts";
import { podRules } from "./pod-rules.ts";
import { ownerRules } from "./rules/owner.ts";
import { shapeOf } from "./shape.ts";

const podShape = shapeOf(podRules);

/** The owner's rules need nothing of the device but what they are given. */
const emptyNode = { allocatable: {}, addresses: [], listening: { tcp: [], udp: [] }, pods: [], configMaps: [] };

/** What the owner's rules say today of a pod that was accepted before: they may have become stricter since. */
export function policyViolations(
  pod: AcceptedPod,
  owner: Pick<AdmissionContext, "policy" | "protectedPaths">,
): readonly Violation[] {
  const findings = findingsOf(podShape);
  const context: AdmissionContext = { ...owner, node: emptyNode, featureGates: everything, nodeName: "" };
  for (const rule of ownerRules) {
    rule.check(pod, context, (path, value, detail) => findings.violation(rule, path, value, detail));
  }
  return findings.violations();
}
