import type { AdmissionContext } from "../../../../src/core/admission/context.ts";
import { everything, type FeatureGates } from "../../../../src/core/admission/feature-gates.ts";
import type { NodeFacts } from "../../../../src/core/admission/node-facts.ts";
import { defaultPolicy, type Policy } from "../../../../src/core/admission/policy.ts";
import { context, openContext, smallPod, withField } from "./pods.ts";

export const first = "spec.containers[0]";
export const security = `${first}.securityContext`;
/** The sample node under a policy. */
export const under = (policy: Partial<Policy>): AdmissionContext => ({
  ...context,
  policy: { ...defaultPolicy, ...policy },
});
/** The sample policy on a node with other facts. */
export const on = (node: Partial<NodeFacts>): AdmissionContext => ({ ...context, node: { ...context.node, ...node } });
/** Everything is carried out and allowed, except one feature. */
export const without = (feature: keyof FeatureGates): AdmissionContext => ({
  ...openContext,
  featureGates: { ...everything, [feature]: false },
});

export const port = (fields: object) => ({
  containerPort: 80,
  hostPort: 8080,
  protocol: "TCP",
  hostIP: "127.0.0.1",
  ...fields,
});
export const emptyDirs = (...names: string[]) => names.map((name) => ({ name, emptyDir: {} }));
export const configMapVolumes = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    name: `v${index}`,
    configMap: { name: "settings", defaultMode: 420 },
  }));
export const hostPath = (path: string) => [{ name: "v", hostPath: { path } }];
export const mounts = (...list: object[]) =>
  withField(
    withField(smallPod(), "spec.volumes", emptyDirs("v", "w")),
    `${first}.volumeMounts`,
    list.map((mount) => ({ name: "v", mountPath: "/a", readOnly: true, ...mount })),
  );
export const otherPod = (fields: object = {}, container: object = {}) => ({
  metadata: { name: "other", ...fields },
  spec: { containers: [{ name: "main", ...container }] },
});
/** Where pods may write below /srv, and another pod mounts a path there. */
export const beside = (path: string, readOnly: boolean): AdmissionContext => {
  const { metadata, spec } = otherPod({}, { volumeMounts: [{ name: "v", readOnly }] });
  return {
    ...on({ pods: [{ metadata, spec: { ...spec, volumes: hostPath(path) } }] }),
    policy: { ...defaultPolicy, writableHostPaths: ["/srv/**"] },
  };
};

/** One relation: a pod that breaks it, and the nearest one that does not. */
export interface RelationRow {
  readonly rule: string;
  readonly path: string;
  readonly refused: object;
  readonly in?: AdmissionContext;
  /** The nearest pod that passes, and where. */
  readonly passes: object;
  readonly passesIn?: AdmissionContext;
}
