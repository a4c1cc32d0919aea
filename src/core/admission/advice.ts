import { ownValue } from "../base/own-value.ts";
import { isImageName } from "../pod/image-name.ts";
import { buildProbe } from "./build.ts";
import type { AdmissionContext } from "./context.ts";
import type { PodDraft } from "./draft.ts";
import type { Findings, Path } from "./findings.ts";
import { eachProbe } from "./rules/probe-relations.ts";
import { eachContainer } from "./rules/relation.ts";

/** Warns of what is accepted and has no effect, so that nobody waits for it. */
export function advise(pod: PodDraft, context: AdmissionContext, findings: Findings): void {
  const { metadata, spec } = pod;
  if (pod.kind !== undefined && pod.kind !== "Pod") findings.warning(["kind"], "is ignored; a pod's kind is Pod");
  for (const name of ["labels", "annotations"] as const) {
    if (metadata?.[name] !== undefined) findings.warning(["metadata", name], "are not kept by this device");
  }
  for (const name of ["generateName", "generation", "managedFields"] as const) {
    if (metadata?.[name] !== undefined) findings.warning(["metadata", name], "is ignored: this device does not use it");
  }
  if (metadata?.uid !== undefined && context.asker?.origin.kind === "local") {
    findings.warning(["metadata", "uid"], "is ignored: the device gives each applied pod its own uid");
  }
  for (const name of ["nodeSelector", "affinity"] as const) {
    if (spec?.[name] !== undefined) findings.warning(["spec", name], "has no effect: this device is the node");
  }
  eachProbe(pod, (probe, at) => {
    // One that was rejected is there all the same.
    if (Object.keys(probe).length > 0 && buildProbe(probe) === null && !findings.isWrong(at)) {
      findings.warning(at, "has neither exec nor httpGet; it counts as absent");
    }
  });
  eachContainer(pod, ({ image }, at) => {
    if (image === undefined || isImageName(image)) return;
    findings.warning([...at, "image"], "is not an image name that an engine accepts; the pod will not start");
  });
  for (const [index, { configMap }] of (spec?.volumes ?? []).entries()) {
    if (configMap?.name === undefined || context.node.configMaps.includes(configMap.name)) continue;
    const at = ["spec", "volumes", index, "configMap", "name"];
    findings.warning(at, `names ${configMap.name}, which is not on this device yet; the pod waits for it`);
  }
  adviseOnCapabilities(pod, context, findings);
  if (context.asker !== undefined) adviseOnLimits(pod, findings);
}

/** One line a pod (decisions.md 64: missing limits are the requests). A center knows that. */
function adviseOnLimits(pod: PodDraft, findings: Findings): void {
  const open: { readonly at: Path; readonly memory: string | number }[] = [];
  eachContainer(pod, ({ resources }, at) => {
    const memory = ownValue(resources?.requests ?? {}, "memory");
    const isOpen = memory !== undefined && ownValue(resources?.limits ?? {}, "memory") === undefined;
    if (isOpen && !findings.isWrong([...at, "resources", "limits"]))
      open.push({ at: [...at, "resources", "limits", "memory"], memory });
  });
  const [first, ...others] = open;
  if (first === undefined) return;
  const more = others.length === 0 ? "" : `; ${others.length} more containers have none`;
  findings.warning(first.at, `is missing: the container is killed above its request, ${first.memory}${more}`);
}

/** Docker gives added capabilities to root only (lifecycle.md, Images). */
function adviseOnCapabilities(pod: PodDraft, { policy }: AdmissionContext, findings: Findings): void {
  eachContainer(pod, ({ securityContext }, at) => {
    if ((securityContext?.capabilities?.add ?? []).length === 0) return;
    if (policy.runAsRoot && (securityContext?.runAsUser ?? 0) === 0) return;
    const path = [...at, "securityContext", "capabilities", "add"];
    findings.warning(path, "has no effect for a user that is not root");
  });
}
