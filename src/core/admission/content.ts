import { decodeBase64 } from "../base/base64.ts";
import type { Verdict } from "../base/violation.ts";
import type { AdmissionContext, Admitted } from "./context.ts";
import type { FeatureGates } from "./feature-gates.ts";
import { type Findings, findingsOf, type RuleText } from "./findings.ts";
import { configMapRules, containerInfoRules, modelFileRules, npuSharingRules, secretRules } from "./rules/contents.ts";
import type { Shape } from "./shape.ts";
import { shapeOf } from "./shape.ts";
import { walkFields } from "./walk.ts";

const configMapShape = shapeOf(configMapRules);
const secretShape = shapeOf(secretRules);
const containerInfoShape = shapeOf(containerInfoRules);
const modelFileShape = shapeOf(modelFileRules);
const npuSharingShape = shapeOf(npuSharingRules);

/** All ConfigMaps of a device together: protocol.md §1.1. */
const mostConfigMaps = 256;

type SmallDraft = Readonly<Record<string, unknown>>;

/** Judges a content by its rows, and makes of it what was asked for. */
function judge(
  content: unknown,
  shape: Shape,
  make: (draft: SmallDraft) => Admitted,
  also: (draft: SmallDraft, findings: Findings) => void = () => {},
): Verdict<Admitted> {
  const findings = findingsOf(shape);
  const draft = walkFields(content, shape, findings, "update") as SmallDraft;
  also(draft, findings);
  const violations = findings.violations();
  const warnings = findings.warnings();
  return violations.length > 0
    ? { accepted: false, violations, warnings }
    : { accepted: true, value: make(draft), warnings };
}

/** Judges the content of a ConfigMap update. The route names the ConfigMap, as it does in the reference. */
export function admitConfigMap(content: unknown, name: string, context: AdmissionContext): Verdict<Admitted> {
  const tooMany: RuleText = { id: "capacity.configMaps", expectation: `at most ${mostConfigMaps} on a device` };
  return judge(
    content,
    configMapShape,
    ({ data }) => ({ kind: "configmap-update", name, data: (data ?? {}) as Readonly<Record<string, string>> }),
    (draft, findings) => {
      const metadata = draft["metadata"] as { readonly name?: string } | undefined;
      if (metadata?.name !== undefined && metadata.name !== name) {
        findings.warning(["metadata", "name"], `is ignored; the name in the route counts: ${name}`);
      }
      const { configMaps } = context.node;
      if (!configMaps.includes(name) && configMaps.length >= mostConfigMaps) {
        findings.violation(tooMany, ["metadata", "name"], name, `expected at most ${mostConfigMaps} on a device`);
      }
    },
  );
}

/** Judges the content of the update of the registry secret. */
export function admitSecret(content: unknown): Verdict<Admitted> {
  return judge(content, secretShape, ({ metadata, data }) => ({
    kind: "secret-update",
    name: (metadata as { readonly name: string }).name,
    dockerConfigJson: secretText(
      (data as { readonly ".dockerconfigjson": string | readonly number[] })[".dockerconfigjson"],
    ),
  }));
}

/** Judges a container_info. */
export function admitContainerInfo(content: unknown): Verdict<Admitted> {
  return judge(content, containerInfoShape, (draft) => ({ kind: "container-info", content: draft }));
}

/** Judges a modelfiles message. */
export function admitModelFiles(content: unknown): Verdict<Admitted> {
  const one: RuleText = { id: "modelfiles.one", expectation: "exactly 1 for an update" };
  return judge(
    content,
    modelFileShape,
    (draft) => ({ kind: "modelfiles", content: draft }),
    ({ operation, modelfiles }, findings) => {
      if (operation !== "update") return;
      if (!Array.isArray(modelfiles) || modelfiles.length !== 1) findings.violation(one, ["modelfiles"], modelfiles);
    },
  );
}

/** Judges an npu_sharing. */
export function admitNpuSharing(content: unknown): Verdict<Admitted> {
  return judge(content, npuSharingShape, (draft) => ({
    kind: "npu-sharing",
    enabled: draft["npu_sharing_enabled"] === true,
  }));
}

/** A verdict that says no to a kind of message while its switch is off; null while it is on. */
export function refuseKind(
  feature: keyof FeatureGates,
  sentence: string,
  context: AdmissionContext,
): Verdict<never> | null {
  if (context.featureGates[feature]) return null;
  const message = `${sentence} are not supported by this version`;
  return {
    accepted: false,
    violations: [{ path: "route", rule: `notYet.${feature}`, message, value: null }],
    warnings: [],
  };
}

function secretText(data: string | readonly number[]): string {
  return new TextDecoder().decode(typeof data === "string" ? decodeBase64(data) : new Uint8Array(data));
}
