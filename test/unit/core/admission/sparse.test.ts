import assert from "node:assert/strict";
import { test } from "node:test";
import { admitGracefulDelete, admitPod, relations } from "../../../../src/core/admission/admit.ts";
import { buildPod } from "../../../../src/core/admission/build.ts";
import type { AdmissionContext } from "../../../../src/core/admission/context.ts";
import type { PodDraft } from "../../../../src/core/admission/draft.ts";
import { everything, type FeatureGates } from "../../../../src/core/admission/feature-gates.ts";
import type { NodeFacts } from "../../../../src/core/admission/node-facts.ts";
import { podRules } from "../../../../src/core/admission/pod-rules.ts";
import { defaultPolicy } from "../../../../src/core/admission/policy.ts";
import { policyViolations } from "../../../../src/core/admission/policy-violations.ts";
import { shapeOf } from "../../../../src/core/admission/shape.ts";
import { shorten } from "../../../../src/core/base/shorten.ts";
import { podName, refusals, smallPod, withField } from "./pods.ts";

const node = { allocatable: {}, addresses: [], listening: { tcp: [], udp: [] }, pods: [], configMaps: [] };
const context = { policy: defaultPolicy, node, featureGates: everything, nodeName: "edge-1" };
const sparse: readonly PodDraft[] = [
  {},
  { spec: {} },
  { spec: { containers: [], volumes: [] } },
  { spec: { containers: [{}], volumes: [{}, { hostPath: {} }, { emptyDir: {} }, { configMap: {} }] } },
];

// The fields' own rows have told of what is missing; what lies between fields is not to stumble over it.
test("no relation throws on a draft with almost no valid field", () => {
  const nothing = Object.fromEntries(Object.keys(everything).map((feature) => [feature, false]));
  for (const featureGates of [everything, nothing as unknown as FeatureGates]) {
    for (const draft of sparse) for (const { check } of relations) check(draft, { ...context, featureGates }, () => {});
  }
});

test("a draft with missing fields becomes a pod without privileges", () => {
  const local: AdmissionContext = { ...context, asker: { origin: { kind: "local" }, isForced: false } };
  for (const draft of sparse) {
    assert.equal(buildPod(draft, context).metadata.namespace, "websocket");
    assert.equal(buildPod(draft, local).metadata.namespace, "websocket");
  }
  const env = [{}];
  const draft: PodDraft = {
    spec: {
      containers: [{ env, resources: { limits: { memory: "no quantity" } } }],
      volumes: [{ hostPath: { type: "" } }],
    },
  };
  const { spec } = buildPod(draft, context);
  const { securityContext, resources, env: built } = spec.containers[0] ?? {};
  assert.deepEqual(built, [{ name: "", value: "" }]);
  assert.deepEqual(resources, { limits: { memory: "6Mi" }, requests: {} });
  assert.deepEqual(spec.volumes, [{ name: "", hostPath: { path: "", type: "" } }]);
  assert.equal(securityContext?.privileged, false);
  assert.deepEqual(securityContext?.capabilities, { drop: ["All"] });
});

test("a device without a known address says so in the violation", () => {
  const ports = [{ containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "10.0.0.1" }];
  const verdict = admitPod({ ...smallPod(), spec: { containers: [{ name: "a", image: "b:1", ports }] } }, context);
  assert.ok(!verdict.accepted);
  assert.ok(
    verdict.violations.some(({ message }) => message.endsWith("expected an address of this device: none is known")),
  );
});

test("a device with more in use than it has offers zero, not less", () => {
  const other = {
    metadata: { name: "other" },
    spec: { containers: [{ name: "a", resources: { limits: { cpu: "9" } } }] },
  };
  const verdict = admitPod(smallPod(), {
    ...context,
    node: { ...node, allocatable: { cpu: "1", memory: "no quantity" }, pods: [other] },
  });
  assert.ok(!verdict.accepted);
  assert.ok(verdict.violations.some(({ message }) => /not enough CPU: the pod needs \S+, 0 is free/.test(message)));
});

test("a violation of a used port names its process if the device knows it", () => {
  const ports = [{ containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "127.0.0.1" }];
  const portUser = (protocol: string, port: number) => (protocol === "TCP" && port === 8080 ? "nginx (pid 812)" : null);
  const taken = { ...node, listening: { tcp: [8080], udp: [] } };
  const pod = withField(smallPod(), "spec.containers[0].ports", ports);
  const words = (facts: NodeFacts): string => {
    const verdict = admitPod(pod, { ...context, node: facts });
    return verdict.accepted ? "" : verdict.violations.map(({ message }) => message).join("; ");
  };
  assert.match(words({ ...taken, portUser }), /TCP port 8080 is already used by nginx \(pid 812\)/);
  assert.match(words(taken), /TCP port 8080 is already used by another process/);
});

test("a violation of a graceful delete without containers lists the expected names", () => {
  const stored = { metadata: { name: podName }, spec: { containers: [{ name: "main" }] } };
  const metadata = { name: podName, deletionTimestamp: "2024-02-29T23:59:59Z" };
  const verdict = admitGracefulDelete({ metadata, spec: {} }, { ...context, node: { ...node, pods: [stored] } });
  assert.ok(!verdict.accepted);
  assert.ok(verdict.violations.some(({ rule }) => rule === "delete.containers"));
});

test("a shortened text is never cut inside a character", () => {
  assert.equal(shorten("ab😀c", 3), "ab…");
  assert.equal(shorten("ab😀c", 4), "ab😀…");
  assert.equal(shorten("ab\ue000c", 3), "ab\ue000…");
});

test("two rows for one field are a bug in the table", () => {
  const [first] = podRules;
  assert.ok(first !== undefined);
  assert.throws(() => shapeOf([first, first]), /Two rules for/);
});

test("an existing pod is reported under a stricter policy, and not under the same one", () => {
  const policy = { ...defaultPolicy, capabilities: ["CHOWN"], useHostNetwork: true, hostPaths: ["/srv/data"] };
  const small = smallPod() as { readonly metadata: object; readonly spec: { readonly containers: readonly object[] } };
  const [container] = small.spec.containers;
  const content = {
    metadata: small.metadata,
    spec: {
      hostNetwork: true,
      volumes: [{ name: "data", hostPath: { path: "/srv/data" } }],
      containers: [{ ...container, securityContext: { capabilities: { add: ["CHOWN"] } } }],
    },
  };
  const roomy = { ...node, allocatable: { cpu: "1", memory: "1Gi" } };
  const verdict = admitPod(content, { ...context, node: roomy, policy });
  assert.ok(verdict.accepted, JSON.stringify(verdict));
  assert.deepEqual(policyViolations(verdict.value, { policy }), []);
  const rules = policyViolations(verdict.value, { policy: defaultPolicy }).map(({ rule }) => rule);
  assert.deepEqual(rules.sort(), ["policy.capabilities", "policy.hostPaths", "policy.useHostNetwork"]);
  const guarded = policyViolations(verdict.value, { policy, protectedPaths: ["/srv/data/engine"] });
  assert.deepEqual(
    guarded.map(({ rule }) => rule),
    ["policy.hostPath.protected"],
  );
});

test("a violation in a list without rows names the index of the element", () => {
  const pod = withField(smallPod(), "metadata.finalizers", ["a", 1, 2]);
  assert.deepEqual(refusals(pod), [
    "metadata.finalizers at metadata.finalizers[1]",
    "metadata.finalizers at metadata.finalizers[2]",
  ]);
});
