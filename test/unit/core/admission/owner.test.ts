import assert from "node:assert/strict";
import { test } from "node:test";
import { admitPod } from "../../../../src/core/admission/admit.ts";
import { isVain } from "../../../../src/core/admission/rules/host-paths.ts";
import { context, refusals, smallPod, withField } from "./pods.ts";

test("a hostPath that no pod may see is one violation, which names what is protected", () => {
  const said = (path: string) => {
    const verdict = admitPod(withField(smallPod(), "spec.volumes", [{ name: "a", hostPath: { path } }]), context);
    return verdict.accepted ? [] : verdict.violations.map(({ message }) => message);
  };
  const at = "spec.volumes[0].hostPath.path is";
  const never = "whatever the policy says";
  assert.deepEqual(said("/etc"), [`${at} "/etc"; it contains /etc/edge, which no pod may see, ${never}`]);
  assert.deepEqual(said("/proc/1"), [`${at} "/proc/1"; it lies in /proc, which no pod may see, ${never}`]);
  assert.deepEqual(said("/dev"), [`${at} "/dev"; no pod may see it, ${never}`]);
  assert.deepEqual(said("/srv"), [`${at} "/srv"; expected a path that policy.hostPaths of this device lists`]);
});

test("a hostPath is judged beside a pod without volumes and containers", () => {
  const other = { metadata: { name: "other" }, spec: { containers: [] } };
  const policy = { ...context.policy, hostPaths: ["/srv"] };
  const beside = { ...context, policy, node: { ...context.node, pods: [other] } };
  const pod = withField(smallPod(), "spec.volumes", [{ name: "a", hostPath: { path: "/srv" } }]);
  assert.deepEqual(refusals(pod, beside), []);
});

test("an entry of the owner's lists has no effect if everything that it allows is protected", () => {
  const hidden = ["/var/lib/docker", "/var/lib/edge"];
  const vain = ["/", "/proc", "/proc/**", "/sys/class/**", "/var/lib/edge/data", "/var/lib/docker/volumes/**"];
  const useful = ["/data", "/data/**", "/var/lib/**", "/var/lib/docker/modelfile", "/var/lib/docker/**"];
  assert.deepEqual(
    vain.filter((entry) => !isVain(entry, hidden)),
    [],
  );
  assert.deepEqual(
    useful.filter((entry) => isVain(entry, hidden)),
    [],
  );
});

test("a violation says what to do, and which switch of the policy is off", () => {
  const sentence = (path: string, value: unknown) => {
    const verdict = admitPod(withField(smallPod(), path, value), context);
    return verdict.accepted ? [] : verdict.violations.map(({ message }) => message);
  };
  assert.deepEqual(sentence("spec.hostIPC", true), ["spec.hostIPC is true; leave it out or write false"]);
  assert.deepEqual(sentence("spec.hostNetwork", true), [
    "spec.hostNetwork is true; expected false, because policy.useHostNetwork is off on this device",
  ]);
});
