import assert from "node:assert/strict";
import { test } from "node:test";
import { wantedKey } from "../../../../src/core/pod/wanted.ts";
import { acceptedPod, ago, container, desiredPod, historyOf } from "../../../samples/pods.ts";
import { type PlanGolden, planText } from "./plan-text.ts";

const pod = acceptedPod();
const desired = desiredPod();
const here = { app: "sha256:app" };
const newer = desiredPod({ image: "app:2" });
const wanted = wantedKey(desired, pod.spec.containers[0] ?? assert.fail());
const failure = (reason: string, count: number, containerId: string | null = null) => ({
  reason,
  message: "no such luck",
  count,
  wanted,
  containerId,
  at: ago(3_000),
});

const pullFailed = (count: number, msAgo: number) => ({ ...failure("ErrImagePull", count), at: ago(msAgo) });

const goldens: readonly PlanGolden[] = [
  {
    name: "an invalid image name asks no registry and waits for a message",
    situation: { desired: desiredPod({ image: "a//b" }), images: here },
    expected: 'app waits: InvalidImageName: Could not parse image name "a//b": invalid reference format',
  },
  {
    name: "a repeated pull keeps its reason with the last error",
    situation: { desired, images: { app: null }, history: { app: historyOf(pod, { failure: pullFailed(3, 41_000) }) } },
    expected:
      'pull app:1 for app, because it was never created, and its image is not on this device\napp waits: ImagePullBackOff: Back-off pulling image "app:1": no such luck',
  },
  {
    name: "a repeated pull keeps its reason while the image is looked up",
    situation: { desired, history: { app: historyOf(pod, { failure: pullFailed(1, 11_000) }) } },
    expected: "look up image sha256:app for app, because it was never created\napp waits: ErrImagePull: no such luck",
  },
  {
    name: "a failed pull waits with its reason",
    situation: { desired, history: { app: historyOf(pod, { failure: failure("ErrImagePull", 1) }) } },
    expected: "app waits: ErrImagePull: no such luck\nlook again in 7 s",
  },
  {
    name: "a pull that failed again waits as ImagePullBackOff",
    situation: { desired, history: { app: historyOf(pod, { failure: failure("ErrImagePull", 3) }) } },
    expected: 'app waits: ImagePullBackOff: Back-off pulling image "app:1": no such luck\nlook again in 37 s',
  },
  {
    name: "a failed start waits and keeps its container",
    situation: {
      desired,
      observed: [container(pod, { kind: "created", startError: "port is already allocated" })],
      history: { app: historyOf(pod, { failure: failure("RunContainerError", 1, "app-id-of-attempt-0") }) },
    },
    expected: "app waits: RunContainerError: no such luck\nlook again in 7 s",
  },
  {
    name: "a failed start whose wait is over is created again under the same attempt",
    situation: {
      desired,
      observed: [container(pod, { kind: "created", startError: "port is already allocated" })],
      history: { app: historyOf(pod, { failure: { ...failure("RunContainerError", 1), at: ago(11_000) } }) },
    },
    expected: "remove app (app-id-of-at), because its start failed; it is created again\napp waits: ContainerCreating",
  },
  {
    name: "a container whose negative OOM score the kernel rejects is created again without one at once",
    situation: {
      desired,
      observed: [container(pod, { kind: "created", startError: "oom_score_adj" })],
      history: { app: historyOf(pod, { failure: failure("OomScoreRefused", 1, "app-id-of-attempt-0") }) },
    },
    expected: "remove app (app-id-of-at), because its start failed; it is created again\napp waits: ContainerCreating",
  },
  {
    name: "a container whose OOM score the kernel rejects twice fails like any other start",
    situation: {
      desired,
      observed: [container(pod, { kind: "created", startError: "oom_score_adj" })],
      history: { app: historyOf(pod, { failure: failure("OomScoreRefused", 2, "app-id-of-attempt-0") }) },
    },
    expected: "app waits: RunContainerError: no such luck\nlook again in 7 s",
  },
  {
    name: "a failure of another specification does not delay a new one",
    situation: { desired: newer, history: { app: historyOf(pod, { failure: failure("ErrImagePull", 6) }) } },
    expected: "look up image app:2 for app, because it was never created\napp waits: ContainerCreating",
  },
];

for (const { name, situation, expected } of goldens) {
  test(name, () => assert.equal(planText(situation), expected));
}
