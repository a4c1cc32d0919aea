import { ownValue } from "../../base/own-value.ts";
import { isNpu } from "../../pod/npu.ts";
import { nanosOf } from "../../pod/quantity.ts";
import type { ContainerDraft, PodDraft } from "../draft.ts";
import type { FeatureGates } from "../feature-gates.ts";
import type { Path } from "../findings.ts";
import { eachProbe } from "./probe-relations.ts";
import { eachContainer, type Relation } from "./relation.ts";

type Found = (path: Path, value: unknown) => void;

/** A row that refuses while its switch is off. */
function notYet(
  feature: keyof FeatureGates,
  path: string,
  sentence: string,
  find: (pod: PodDraft, found: Found) => void,
): Relation {
  return {
    id: `notYet.${feature}`,
    path,
    expectation: `leave it out: ${sentence} are not supported by this version`,
    source: "supported.md",
    check: (pod, { featureGates }, report) => {
      if (featureGates[feature]) return;
      find(pod, (at, value) => report(at, value, `${sentence} are not supported by this version`));
    },
  };
}

function probe(feature: "livenessProbe" | "readinessProbe", sentence: string): Relation {
  return notYet(feature, `spec.containers[].${feature}`, sentence, (pod, found) => {
    eachProbe(pod, (value, at) => {
      if (at.at(-1) === feature && (value.exec !== undefined || value.httpGet !== undefined)) found(at, value);
    });
  });
}

function eachNpu(container: ContainerDraft, at: Path, found: Found): void {
  for (const kind of ["limits", "requests"] as const) {
    const list = container.resources?.[kind] ?? {};
    for (const name of Object.keys(list).filter(isNpu)) found([...at, "resources", kind, name], ownValue(list, name));
  }
}

const wholeNpus: Relation = {
  id: "notYet.npuSharing",
  path: "spec.containers[].resources",
  expectation: "whole NPUs: this version does not support shares of an NPU",
  source: "supported.md",
  check: (pod, { featureGates }, report) => {
    if (featureGates.npuSharing) return;
    eachContainer(pod, (container, at) => {
      eachNpu(container, at, (path, amount) => {
        if (nanosOf(amount) % nanosOf("1") === 0n) return;
        report(path, amount, "expected whole NPUs: this version does not support shares of an NPU");
      });
    });
  },
};

/** One row a switch of {@link FeatureGates} that a pod can run into. */
export const notYetRules: readonly Relation[] = [
  notYet("severalContainers", "spec.containers", "Pods of several containers", (pod, found) => {
    const containers = pod.spec?.containers ?? [];
    if (containers.length > 1) found(["spec", "containers"], containers);
  }),
  notYet("configMapVolumes", "spec.volumes[].configMap", "Volumes from a ConfigMap", (pod, found) => {
    for (const [index, { configMap }] of (pod.spec?.volumes ?? []).entries()) {
      if (configMap !== undefined) found(["spec", "volumes", index, "configMap"], configMap);
    }
  }),
  notYet("memoryEmptyDir", "spec.volumes[].emptyDir.medium", "Volumes in memory", (pod, found) => {
    for (const [index, { emptyDir }] of (pod.spec?.volumes ?? []).entries()) {
      if (emptyDir?.medium === "Memory") found(["spec", "volumes", index, "emptyDir", "medium"], emptyDir.medium);
    }
  }),
  probe("livenessProbe", "Liveness probes"),
  probe("readinessProbe", "Readiness probes"),
  wholeNpus,
  notYet("npu", "spec.containers[].resources", "NPUs", (pod, found) => {
    eachContainer(pod, (container, at) => eachNpu(container, at, found));
  }),
  notYet("imagePullSecrets", "spec.imagePullSecrets", "Secrets for registries", (pod, found) => {
    for (const [index, { name }] of (pod.spec?.imagePullSecrets ?? []).entries()) {
      if (name !== undefined) found(["spec", "imagePullSecrets", index, "name"], name);
    }
  }),
  notYet("hostNetwork", "spec.hostNetwork", "Pods on the host's network", (pod, found) => {
    if (pod.spec?.hostNetwork === true) found(["spec", "hostNetwork"], true);
  }),
  notYet("hostPid", "spec.hostPID", "Pods in the host's process namespace", (pod, found) => {
    if (pod.spec?.hostPID === true) found(["spec", "hostPID"], true);
  }),
];
