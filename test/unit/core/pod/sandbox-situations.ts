import { podHash, sandboxName } from "../../../../src/core/pod/identity.ts";
import type { ObservedContainer, ObservedState } from "../../../../src/core/pod/observed.ts";
import { record } from "../../../../src/core/pod/record.ts";
import type { Situation } from "../../../../src/core/pod/situation.ts";
import type { AcceptedPod, RestartPolicy } from "../../../../src/core/pod/spec.ts";
import { wantedKey } from "../../../../src/core/pod/wanted.ts";
import {
  acceptedPod,
  ago,
  container,
  desiredPod,
  exited,
  historyOf,
  now,
  running,
  withSpec,
} from "../../../samples/pods.ts";

export const containers = ["a", "b"] as const;
export const pod = acceptedPod({ containers });
export const desired = desiredPod({ containers });
export const created: ObservedState = { kind: "created" };
export const images = { a: "sha256:app", b: "sha256:app" };
export const ownImage = { POD: "sha256:pause" };

/** A sandbox, and what joined it, by name and state. */
export function sandboxOf(
  of: AcceptedPod,
  state: ObservedState,
  changes: Partial<ObservedContainer> = {},
): ObservedContainer {
  const hash = podHash(of.spec);
  return container(of, state, { container: sandboxName, podHash: hash, specHash: hash, ...changes });
}

export const sandboxId = "POD-id-of-attempt-0";
export const joined = (name: string, state: ObservedState, changes: Partial<ObservedContainer> = {}, of = pod) =>
  container(of, state, { container: name, sandboxId, ...changes });
export const whole = [sandboxOf(pod, running()), joined("a", running()), joined("b", running())];

/** History after the device has looked: what is observed, folded into what was known. */
export function seen(observed: readonly ObservedContainer[], before: Situation["history"] = {}): Situation["history"] {
  return record(before, observed, { now, engineRunId: "s1" }).history;
}

/** a has run and b has ended with 0; then the sandbox died. */
export function afterDeath(policy: RestartPolicy, state: ObservedState): Partial<Situation> {
  const its = acceptedPod({ containers, policy });
  const before = [sandboxOf(its, running()), joined("a", running(), {}, its), joined("b", exited(0), {}, its)];
  const dead = [sandboxOf(its, exited(137)), joined("a", state, {}, its), joined("b", exited(0), {}, its)];
  // The look while a still ran comes before every other: it is what stops it.
  const cut = [sandboxOf(its, exited(137)), joined("a", running(), {}, its), joined("b", exited(0), {}, its)];
  const history = seen(dead, seen(cut, seen(before)));
  return { desired: desiredPod({ containers, policy }), observed: dead, history, images: { ...images, ...ownImage } };
}

/** Both containers have ended with these codes, in a sandbox that runs. */
export function allEnded(policy: RestartPolicy, [a, b]: readonly [number, number]): Partial<Situation> {
  const its = acceptedPod({ containers, policy });
  const observed = [sandboxOf(its, running()), joined("a", exited(a), {}, its), joined("b", exited(b), {}, its)];
  return { desired: desiredPod({ containers, policy }), observed, history: seen(observed), images };
}

export const bothCreating = "a waits: ContainerCreating\nb waits: ContainerCreating";
const withPort = desiredPod({ containers });
export const ported = {
  ...withPort,
  pod: withSpec(withPort.pod, {
    ...withPort.pod.spec,
    containers: withPort.pod.spec.containers.map((one) => ({
      ...one,
      ports: [{ containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "127.0.0.1" } as const],
    })),
  }),
};
export const newB = {
  ...desired,
  pod: withSpec(pod, {
    ...pod.spec,
    containers: pod.spec.containers.map((one) =>
      one.name === "b" ? { ...one, env: [{ name: "A", value: "1" }] } : one,
    ),
  }),
};
export const alone = acceptedPod({ containers: ["a"] });
export const failure = {
  reason: "RunContainerError",
  message: "port is already allocated",
  count: 1,
  wanted: wantedKey(desired, { name: sandboxName }),
  containerId: sandboxId,
  at: ago(3_000),
};
export const sandboxHistory = { ...historyOf(pod, {}, sandboxName), pinnedImage: null };
