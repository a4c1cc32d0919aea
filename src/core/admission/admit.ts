// core/admission: judges a message: the accepted pod, or every violation.

import { isObject } from "../base/json-keys.ts";
import { shorten } from "../base/shorten.ts";
import type { Verdict, Violation } from "../base/violation.ts";
import type { AcceptedPod } from "../pod/spec.ts";
import type { Message } from "../protocol/message.ts";
import { classify } from "../protocol/routes.ts";
import { advise } from "./advice.ts";
import { buildPod } from "./build.ts";
import { capacityRules, defaultNamespace, storedPod } from "./capacity.ts";
import {
  admitConfigMap,
  admitContainerInfo,
  admitModelFiles,
  admitNpuSharing,
  admitSecret,
  refuseKind,
} from "./content.ts";
import type { AdmissionContext, Admitted } from "./context.ts";
import type { PodDraft } from "./draft.ts";
import { type Findings, findingsOf, type RuleText } from "./findings.ts";
import { uidOf } from "./identity.ts";
import { ownedByAnother, ownershipViolation } from "./ownership.ts";
import { podRules } from "./pod-rules.ts";
import { uidPattern } from "./rules/metadata.ts";
import { ownerRules } from "./rules/owner.ts";
import type { Relation } from "./rules/relation.ts";
import { podRelations } from "./rules/relations.ts";
import { notYetRules } from "./rules/unsupported.ts";
import { shapeOf } from "./shape.ts";
import { type Occasion, walkFields } from "./walk.ts";

const podShape = shapeOf(podRules);

/**
 * A graceful delete of a stored pod is judged by its metadata and container names (decisions.md 24: a pod must be
 * deletable whatever has changed since).
 */
const nameShape = shapeOf(
  podRules.filter(
    ({ path }) => path.startsWith("metadata") || /^spec(?:\.containers(?:\[\](?:\.name)?)?)?$/.test(path),
  ),
);

/** Every relation that an update is judged by, beside the rows of the fields themselves. */
export const relations: readonly Relation[] = [
  ...podRelations,
  ...ownerRules,
  ownedByAnother,
  ...capacityRules,
  ...notYetRules,
];

/**
 * Judges a pod update: accepted with the secure defaults filled in, or every violation at once. If the device itself asks, an
 * unknown field is one, too (decisions.md 3: a person is there to correct it).
 */
export function admitPod(content: unknown, context: AdmissionContext): Verdict<AcceptedPod> {
  const findings = findingsOf(podShape);
  const unknownFields = context.asker === undefined ? "ignored" : "rejected";
  const draft = walkFields(content, podShape, findings, "update", unknownFields) as PodDraft;
  for (const relation of relations) {
    if (findings.isFull()) break;
    relation.check(draft, context, (path, value, detail) => findings.violation(relation, path, value, detail));
  }
  advise(draft, context, findings);
  const violations = findings.violations();
  const warnings = findings.warnings();
  if (violations.length > 0) return { accepted: false, violations, warnings };
  return { accepted: true, value: buildPod(draft, context), warnings };
}

/** Whether a pod update means a graceful delete: `deletionTimestamp` is there, in whatever spelling. */
export function isGracefulDelete(content: unknown): boolean {
  const timestamp = fieldOf(fieldOf(content, "metadata"), "deletiontimestamp");
  return timestamp !== undefined && timestamp !== null && timestamp !== "";
}

/** A field of an object by its lower-case name; undefined where there is none. */
export function fieldOf(value: unknown, folded: string): unknown {
  if (!isObject(value)) return undefined;
  const index = Object.keys(value).findIndex((key) => key.toLowerCase() === folded);
  const values: readonly unknown[] = Object.values(value);
  return index < 0 ? undefined : values[index];
}

const namesRule: RuleText = { id: "delete.containers", expectation: "the names of the pod's containers" };

/**
 * Judges a pod update that carries `deletionTimestamp`, never by policy or capacity (decisions.md 24: a pod must be
 * deletable whatever has changed since).
 */
export function admitGracefulDelete(
  content: unknown,
  context: AdmissionContext,
): Verdict<Extract<Admitted, { kind: "graceful-delete" }>> {
  // What is stored is found by name, so the names are read first, and told only once.
  const names = namesOf(content);
  const stored = storedPod(context.node, names.namespace, names.name);
  const findings = findingsOf(stored === undefined ? podShape : nameShape);
  const draft =
    stored === undefined ? draftOf(content, findings, "delete") : draftOf(content, findings, "delete", nameShape);
  if (stored !== undefined) tellOtherNames(draft, stored.spec.containers, findings);
  const owned = ownershipViolation(stored, "delete", "metadata.name", context);
  const violations = [...(owned === null ? [] : [owned]), ...findings.violations()];
  const warnings = stored === undefined ? findings.warnings() : [];
  if (violations.length > 0) return { accepted: false, violations, warnings };
  const { metadata = {} } = draft;
  const { name = "", namespace = defaultNamespace, deletionTimestamp = "" } = metadata;
  // The center learns the uid of a local pod from podstatus alone; without one, the name says which pod is meant.
  const known = stored?.origin?.kind === "local" && metadata.uid === undefined ? stored.metadata.uid : undefined;
  const id = { namespace, name, uid: known ?? uidOf(metadata) };
  const graceSeconds = metadata.deletionGracePeriodSeconds ?? 30;
  return { accepted: true, value: { kind: "graceful-delete", id, graceSeconds, deletionTimestamp }, warnings };
}

/** The namespace and name a content gives itself, whatever else is wrong with it. */
export function namesOf(content: unknown): { readonly namespace: string; readonly name: string } {
  const metadata = fieldOf(content, "metadata");
  const name = fieldOf(metadata, "name");
  const namespace = fieldOf(metadata, "namespace");
  return {
    name: typeof name === "string" ? name : "",
    namespace: typeof namespace === "string" && namespace !== "" ? namespace : defaultNamespace,
  };
}

function tellOtherNames(draft: PodDraft, stored: readonly { readonly name: string }[], findings: Findings): void {
  const sent = new Set((draft.spec?.containers ?? []).map(({ name }) => name));
  const kept = new Set<string | undefined>(stored.map(({ name }) => name));
  if (sent.size === kept.size && [...sent].every((name) => kept.has(name))) return;
  const detail = `expected the names of the pod's containers: ${[...kept].join(", ")}`;
  findings.violation(namesRule, ["spec", "containers"], draft.spec?.containers, detail);
}

/** The walk gives back only what passed its row, and each row's schema is what the draft's type says. */
function draftOf(content: unknown, findings: Findings, occasion: Occasion, shape = podShape): PodDraft {
  return walkFields(content, shape, findings, occasion) as PodDraft;
}

/** Judges any message: header and route first, then its content. */
export function admitMessage(message: Message, context: AdmissionContext): Verdict<Admitted> {
  const found = classify(message);
  if (!found.ok) return { accepted: false, violations: found.violations, warnings: [] };
  const { podName = "", configMapName = "" } = found;
  switch (found.kind) {
    case "pod-update":
      return admitPodMessage(message.content, podName, context);
    case "pod-delete":
      return admitDelete(deleteOf(message.content, podName, context), context);
    case "pod-restart":
      return refuseKind("podRestart", "Restarts", context) ?? admitRestart(podName, context);
    case "configmap-update":
      return refuseKind("configMaps", "ConfigMaps", context) ?? admitConfigMap(message.content, configMapName, context);
    case "configmap-delete":
      return refuseKind("configMaps", "ConfigMaps", context) ?? accepted({ kind: found.kind, name: configMapName });
    case "secret-update":
      return refuseKind("secrets", "Secrets", context) ?? admitSecret(message.content);
    case "pods-data":
      return refuseKind("podsData", "Deletes of all pods at once", context) ?? accepted({ kind: found.kind });
    case "container-info":
      return refuseKind("modelFiles", "Model files", context) ?? admitContainerInfo(message.content);
    case "modelfiles":
      return refuseKind("modelFiles", "Model files", context) ?? admitModelFiles(message.content);
    case "npu-sharing":
      return refuseKind("npuSharing", "Changes of NPU sharing", context) ?? admitNpuSharing(message.content);
  }
}

function accepted(value: Admitted): Verdict<Admitted> {
  return { accepted: true, value, warnings: [] };
}

function refused(violation: Violation): Verdict<never> {
  return { accepted: false, violations: [violation], warnings: [] };
}

function admitPodMessage(content: unknown, podName: string, context: AdmissionContext): Verdict<Admitted> {
  const verdict = admitPodContent(content, context);
  const { name } = namesOf(content);
  // A name that is missing has been told already.
  if (name === podName || name === "") return verdict;
  const message = `route.resource names ${podName}; expected the pod's metadata.name, which is ${shorten(name, 64)}`;
  const violation = { path: "route.resource", rule: "route.podName", message, value: podName };
  const others = verdict.accepted ? [] : verdict.violations;
  return { accepted: false, violations: [violation, ...others], warnings: verdict.warnings };
}

/** Judges the content of a pod update: an update, or a graceful delete when `deletionTimestamp` is there. */
export function admitPodContent(content: unknown, context: AdmissionContext): Verdict<Admitted> {
  if (!isGracefulDelete(content)) return podVerdict(content, context);
  return refuseKind("gracefulDelete", "Graceful deletes", context) ?? admitGracefulDelete(content, context);
}

function podVerdict(content: unknown, context: AdmissionContext): Verdict<Admitted> {
  const verdict = admitPod(content, context);
  if (!verdict.accepted) return verdict;
  return { accepted: true, value: { kind: "pod-update", pod: verdict.value }, warnings: verdict.warnings };
}

/**
 * The content of a delete is not checked (decisions.md 25: the center only wants the pod gone). Its namespace and uid are
 * used if they can be read.
 */
function deleteOf(
  content: unknown,
  name: string,
  context: AdmissionContext,
): Extract<Admitted, { kind: "pod-delete" }> {
  const uid = fieldOf(fieldOf(content, "metadata"), "uid");
  const namespace = namespaceOf(name, namesOf(content).namespace, context);
  return {
    kind: "pod-delete",
    namespace,
    name,
    ...(typeof uid === "string" && uidPattern.test(uid) ? { uid } : {}),
  };
}

function admitDelete(asked: Extract<Admitted, { kind: "pod-delete" }>, context: AdmissionContext): Verdict<Admitted> {
  const stored = storedPod(context.node, asked.namespace, asked.name);
  const owned = ownershipViolation(stored, "delete", "route.resource", context);
  return owned === null ? accepted(asked) : refused(owned);
}

/** The route names no namespace, so a pod of that name that is here settles it. */
function namespaceOf(name: string, asked: string, { node }: AdmissionContext): string {
  const stored = storedPod(node, asked, name) ?? node.pods.find(({ metadata }) => metadata.name === name);
  return stored === undefined ? asked : (stored.metadata.namespace ?? defaultNamespace);
}

/** Refused when the pod is unknown or must not run again: protocol.md §1.1. */
function admitRestart(name: string, context: AdmissionContext): Verdict<Admitted> {
  const namespace = namespaceOf(name, defaultNamespace, context);
  const stored = storedPod(context.node, namespace, name);
  const at = { path: "route.resource", value: name };
  if (stored === undefined) {
    const message = `route.resource names ${name}; expected a pod that is on this device`;
    return refused({ ...at, rule: "restart.known", message });
  }
  const owned = ownershipViolation(stored, "restart", at.path, context);
  if (owned !== null) return refused(owned);
  if (stored.spec.restartPolicy === "Never") {
    const message = `route.resource names ${name}, whose restartPolicy is Never; expected Always or OnFailure`;
    return refused({ ...at, rule: "restart.policy", message });
  }
  return accepted({ kind: "pod-restart", namespace, name });
}
