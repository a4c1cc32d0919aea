import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { oomScoreAdj, qosClass } from "../../../../src/core/pod/qos.ts";
import type { PodSpec, Resources } from "../../../../src/core/pod/spec.ts";
import { acceptedPod } from "../../../samples/pods.ts";

const GiB = 1024 ** 3;

function podOf(...resources: readonly Resources[]): PodSpec {
  const { spec } = acceptedPod({ containers: resources.map((_, index) => `c${index}`) });
  return {
    ...spec,
    containers: spec.containers.map((one, i) => ({ ...one, resources: resources[i] ?? one.resources })),
  };
}

const both = { cpu: "1", memory: "512Mi" };
const guaranteed: Resources = { limits: both, requests: both };
const asking = (memory: string): Resources => ({ limits: {}, requests: { memory } });
const nothing: Resources = { limits: {}, requests: {} };

/** Kubernetes pkg/kubelet/qos/policy_test.go, on a device of 4 GiB. */
const cases: readonly (readonly [what: string, spec: PodSpec, container: string, qos: string, score: number])[] = [
  ["limits that are its requests", podOf(guaranteed), "c0", "Guaranteed", -997],
  ["nothing asked for", podOf(nothing), "c0", "BestEffort", 1000],
  ["a quarter of the memory", podOf(asking("1Gi")), "c0", "Burstable", 750],
  ["next to nothing", podOf(asking("1Mi")), "c0", "Burstable", 999],
  ["all of the memory", podOf(asking("4Gi")), "c0", "Burstable", 3],
  ["half a GiB beside one that asks for nothing", podOf(asking("512Mi"), nothing), "c0", "Burstable", 875],
  ["nothing, beside one that asks", podOf(asking("512Mi"), nothing), "c1", "Burstable", 999],
  ["guaranteed for itself, not as a pod", podOf(guaranteed, nothing), "c0", "Burstable", 875],
  ["the sandbox", podOf(nothing, nothing), "POD", "BestEffort", -998],
];

describe("QoS class and OOM score, as the kubelet sets them", () => {
  for (const [what, spec, container, qos, score] of cases) {
    it(`give ${what} ${qos} and ${score}`, () => {
      assert.equal(qosClass(spec), qos);
      assert.equal(oomScoreAdj(spec, container, 4 * GiB), score);
    });
  }
});
